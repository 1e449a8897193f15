"""The pair scorer that comes with the package: four sets of boosted trees, fitted on known translations.

`python -m bench.match_scorer` and `python -m bench.match_few` fit them anew; what they were fitted on stands
in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Self

import lightgbm
import numpy as np

from xbsql.engine.candidates.boosted import ORDERED_ROWS, asked, splitter_of
from xbsql.matching.columns import SIMILARITIES, STANDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.matching.match import Judge

FILE = "scorer.json"
ROUNDS = ("guess", "middle", "final")
FEW: Final = 10
"""Rivals up to which the scorer of small tables alone judges a pair."""
MANY: Final = 40
"""Rivals from which on it is not asked."""


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
        few: reads `columns.SIMILARITIES` of rows with few rivals, where the best of few may be no match. It
            was fitted on small tables.
        surest_of_few: the logarithm of the number of these tables.
        weights: of the sieve: one a column of `columns.STANDING`, and the start.
    """

    guess: lightgbm.Booster
    middle: lightgbm.Booster
    final: lightgbm.Booster
    surest: float
    few: lightgbm.Booster
    surest_of_few: float
    weights: tuple[float, ...]

    @classmethod
    @cache
    def default(cls) -> Self:
        """The one that comes with the package, read once."""
        stored = json.loads((files("xbsql.matching") / FILE).read_text())
        guess, middle, final, few = (lightgbm.Booster(model_str=stored[name]) for name in (*ROUNDS, "few"))
        surest = float(stored["surest"]), float(stored["surest_of_few"])
        return cls(guess, middle, final, surest[0], few, surest[1], tuple(stored["sieve"]))

    @property
    def judges(self) -> tuple[Judge, Judge]:
        """The rounds before the last, for `match.describe`."""
        return partial(odds, self.guess, surest=self.surest), partial(odds, self.middle, surest=self.surest)

    def sieve(self, stands: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds by a line through `columns.STANDING`, in which places count as logarithms."""
        return np.asarray(sieve_columns(stands) @ np.array(self.weights[:-1]) + self.weights[-1])

    def scored(
        self, table: NDArray[np.float64], rivals: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Float64, shape (p,), of pairs that two rounds have described.

        Args:
            table: float64, shape (p, 34), columns `columns.PAIR_COLUMNS`.
            rivals: int64, shape (p,), see `pairs.rivals`; None for many everywhere.
        """
        found = odds(self.final, table, self.surest)
        if rivals is None:
            return found
        small = of_few(rivals)
        some = np.flatnonzero(small > 0)
        alone = odds(self.few, table[some, : len(SIMILARITIES)], self.surest_of_few)
        found[some] += small[some] * (alone - found[some])
        return found


def of_few(rivals: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share that the scorer of small tables has in a pair's log odds: 1 up to FEW rivals, 0 from MANY."""
    return np.clip((MANY - rivals) / (MANY - FEW), 0.0, 1.0)


def odds(trees: lightgbm.Booster, table: NDArray[np.float64], surest: float) -> NDArray[np.float64]:
    """The log odds of pairs, float64, shape (p,), from -surest to surest."""
    if not len(table):
        return np.empty(0)
    splitter = splitter_of(trees) if len(table) >= ORDERED_ROWS else None
    return np.clip(asked(trees, table, splitter, raw=True), -surest, surest)


def sieve_columns(stands: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the sieve reads: `columns.STANDING`, of places the logarithm of one more."""
    found = stands.copy()
    places = [place for place, name in enumerate(STANDING) if "_rank_" in name]
    found[:, places] = np.log1p(found[:, places])
    return found
