"""The pair scorer that comes with the package: three sets of boosted trees, fitted on known translations.

`python -m bench.match_scorer` fits them anew; what they were fitted on stands in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Self

import lightgbm
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.matching.match import Judge

FILE = "scorer.json"
ROUNDS = ("guess", "middle", "final")


@dataclass(frozen=True)
class Scorer:
    """Log odds that a pair is a match, in three rounds: each reads what the matches of the one before taught.

    Attributes:
        guess: reads `columns.SIMILARITIES`.
        middle: reads `columns.PAIR_COLUMNS`.
        final: likewise.
    """

    guess: lightgbm.Booster
    middle: lightgbm.Booster
    final: lightgbm.Booster

    @classmethod
    @cache
    def default(cls) -> Self:
        """The one that comes with the package, read once."""
        stored = json.loads((files("xbsql.matching") / FILE).read_text())
        return cls(*(lightgbm.Booster(model_str=stored[name]) for name in ROUNDS))

    @property
    def judges(self) -> tuple[Judge, Judge]:
        """The rounds before the last, for `match.describe`."""
        return partial(_odds, self.guess), partial(_odds, self.middle)

    def scored(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Float64, shape (p,), of pairs that two rounds have described."""
        return _odds(self.final, table)


def _odds(trees: lightgbm.Booster, table: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(table):
        return np.empty(0)
    return np.asarray(trees.predict(table, raw_score=True, num_threads=1), np.float64)
