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

    Each follows the directions of its columns (`columns.DIRECTIONS`), so that pairs unlike all that it was
    fitted on are judged by what speaks for and against them; and none says more than its pairs can teach.

    Attributes:
        guess: reads `columns.SIMILARITIES`.
        middle: reads `columns.PAIR_COLUMNS`.
        final: likewise.
        surest: the greatest log odds, the logarithm of the number of pairs it was fitted on.
    """

    guess: lightgbm.Booster
    middle: lightgbm.Booster
    final: lightgbm.Booster
    surest: float

    @classmethod
    @cache
    def default(cls) -> Self:
        """The one that comes with the package, read once."""
        stored = json.loads((files("xbsql.matching") / FILE).read_text())
        guess, middle, final = (lightgbm.Booster(model_str=stored[name]) for name in ROUNDS)
        return cls(guess, middle, final, float(stored["surest"]))

    @property
    def judges(self) -> tuple[Judge, Judge]:
        """The rounds before the last, for `match.describe`."""
        return partial(odds, self.guess, surest=self.surest), partial(odds, self.middle, surest=self.surest)

    def scored(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Float64, shape (p,), of pairs that two rounds have described."""
        return odds(self.final, table, self.surest)


def odds(trees: lightgbm.Booster, table: NDArray[np.float64], surest: float) -> NDArray[np.float64]:
    """The log odds of pairs, float64, shape (p,), from -surest to surest."""
    if not len(table):
        return np.empty(0)
    found = np.asarray(trees.predict(table, raw_score=True, num_threads=1), np.float64)
    return np.clip(found, -surest, surest)
