"""How alike two domains are.

Unlabelled likeness does not predict the gain of a transfer: these measures explain and decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql import kernels
from xbsql.engine.candidates.instance import out_of_fold_market
from xbsql.engine.design import dense, fit_design
from xbsql.features.views import stack

if TYPE_CHECKING:
    from xbsql.engine.candidate import Learner
    from xbsql.engine.design import Layout
    from xbsql.features.views import Features


def proxy_a_distance(source: Features, target: Features, judge: Learner, seed: int = 0) -> float:
    """2 * (1 - 2 * error) of a classifier that tells the markets apart (Ben-David et al., 2007).

    The error is out of fold and balanced, so that unequal numbers of rows do not count.

    Returns:
        0 where they cannot be told apart (negative only by chance), 2 where they are entirely different.
    """
    market, probability = out_of_fold_market(source, target, judge, seed=seed)
    share = market.mean()
    wrong = (probability > share) != (market == 1)
    error = 0.5 * (wrong[market == 1].mean() + wrong[market == 0].mean())
    return float(2.0 * (1.0 - 2.0 * error))


def mean_discrepancy(source: Features, target: Features, layout: Layout) -> float:
    """Squared maximum mean discrepancy of the layout's design (RBF, median width); about 0 if equal."""
    design = fit_design(stack([source, target]), layout)
    return float(kernels.mmd2(dense(design(source)), dense(design(target))))
