"""Whether home's pairs help, by the rules of the engine: choices of one translation instead of a blend.

Translations have no mean, so the blend of this task is a choice among all proposals; its losses are those of
what was chosen for pairs that were held out, by a chooser of the other folds. The target alone is the same
choice without anything of home, or the best of its origins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.evidence import CLEARLY_WORSE, Evidence, of_units, standard_scores
from xbsql.engine.objective import Objective
from xbsql.engine.verdict import Contest, judge, prior_verdict
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Entry
    from xbsql.engine.verdict import Verdict
    from xbsql.metrics.rows import Labels
    from xbsql.translation.chooser import Chooser
    from xbsql.translation.translator import Stock
    from xbsql.translation.trial import Tried

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Translated:
    """What came out.

    Attributes:
        stock: what is delivered, with home's part only where that does not hurt.
        chooser: of its proposals.
        weights: the share of held out pairs for which each origin was chosen, by name.
        verdict: whether home helped.
        expected: expected chrF of the chosen proposals; true: their chrF; None where nothing was tried.
    """

    stock: Stock
    chooser: Chooser
    weights: Mapping[str, float]
    verdict: Verdict
    expected: Floats | None = None
    true: Floats | None = None

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes behind those of the verdict."""
        return replace(self, verdict=self.verdict.noted(notes))


def objective() -> Objective:
    """ChrF of the chosen translation; its loss is what is missing to 100."""
    return Objective("chrf", None, lambda y, prediction: 100.0 - prediction, _score)


def _score(y: Labels, prediction: Floats, weight: Floats | None = None, /) -> Floats:
    if weight is None:
        return np.asarray(prediction.mean())
    return np.asarray((weight @ prediction) / np.maximum(weight.sum(axis=-1), 1e-12))


def untried(
    stock: Stock, chooser: Chooser, candidates: Sequence[Entry], pairs: int, *, source: bool
) -> Translated:
    """What is delivered where there are too few pairs to try anything on."""
    prior = np.array([candidate.prior for candidate in candidates])
    weights = dict(zip((c.name for c in candidates), (prior / prior.sum()).tolist(), strict=True))
    units = Sample(Features({}), np.zeros(pairs), group=np.arange(pairs))
    return Translated(stock, chooser, weights, prior_verdict(objective(), units, source=source))


def decided(
    candidates: Sequence[Entry],
    unit: NDArray[np.int64],
    whole: tuple[Stock, Tried],
    alone: tuple[Stock, Tried] | None,
    seed: int,
) -> Translated:
    """Weigh what was tried.

    Args:
        candidates: the origins that take part.
        unit: int64, one a pair: equal sources are one unit.
        whole: everything, and what came of it.
        alone: the same without home; None where there is no home.
        seed: of choosers and resamples.
    """
    stock, tried = whole
    true = tried.choice.true
    names = [c.name for c in candidates if c.name in tried.alone]
    predictions = {name: tried.alone[name][None] for name in names}
    target, using, hurts = true, None, False
    if alone is not None:
        target, using, hurts = _against(tried, alone[1], true, unit)
        predictions |= {
            name: values[None] for name, values in _aligned(alone[1], tried).items() if name in names
        }
    group = unit[tried.rows]
    evidence = Evidence(
        tuple(names), np.ones(len(names)), np.zeros(len(true)), group, tried.fold[None], predictions,
        np.stack([100.0 - predictions[name][0] for name in names]),
    )  # fmt: skip
    blend = target if hurts else true
    contest = Contest(
        target[None], None if using is None else using[None], blend[None], blend[None], hurts=hurts
    )
    verdict = judge(evidence, contest, candidates, objective(), seed)
    if hurts and alone is not None:
        stock, tried = alone
    return Translated(
        stock, tried.chooser(), _shares(tried, names), verdict, tried.choice.expected, tried.choice.true
    )


def _against(
    tried: Tried, alone: Tried, true: Floats, unit: NDArray[np.int64]
) -> tuple[Floats, Floats, bool]:
    """The best that the target does alone, what does best with home, and whether home is clearly worse."""
    own = _ordered(alone, tried, alone.choice.true)
    entries = [own, *_aligned(alone, tried).values()]
    best = max(entries, key=lambda values: float(values.mean()))
    group = unit[tried.rows]
    behind = standard_scores(of_units((best - true)[None], group))[0]
    return best, true, bool(behind > CLEARLY_WORSE)


def _aligned(alone: Tried, tried: Tried) -> dict[str, Floats]:
    return {name: _ordered(alone, tried, values) for name, values in alone.alone.items()}


def _ordered(alone: Tried, tried: Tried, values: Floats) -> Floats:
    """Values of one trial in the order of another's rows."""
    place = {row: k for k, row in enumerate(alone.rows.tolist())}
    return np.asarray(values[np.array([place[row] for row in tried.rows.tolist()])])


def _shares(tried: Tried, names: Sequence[str]) -> dict[str, float]:
    """How often each origin was chosen out of fold."""
    origins = tried.choice.origins
    counts = {name: origins.count(name) / max(len(origins), 1) for name in names}
    total = sum(counts.values()) or 1.0
    return {name: value / total for name, value in counts.items()}
