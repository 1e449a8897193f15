"""The pair scorer that comes with the package: two sets of boosted trees, fitted on known translations.

`python -m bench.match_scorer` fits them anew; what they were fitted on stands in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Self

import lightgbm
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "scorer.json"


@dataclass(frozen=True)
class Scorer:
    """Log odds that a pair is a match.

    Attributes:
        guess: reads the columns `columns.SIMILARITIES`.
        final: reads the columns `columns.PAIR_COLUMNS`.
    """

    guess: lightgbm.Booster
    final: lightgbm.Booster

    @classmethod
    @cache
    def default(cls) -> Self:
        """The one that comes with the package, read once."""
        stored = json.loads((files("xbsql.matching") / FILE).read_text())
        return cls(*(lightgbm.Booster(model_str=stored[name]) for name in ("guess", "final")))

    def guessed(self, first: NDArray[np.float64]) -> NDArray[np.float64]:
        """Float64, shape (p,), from the first columns."""
        return _odds(self.guess, first)

    def scored(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Float64, shape (p,), from all columns."""
        return _odds(self.final, table)


def _odds(trees: lightgbm.Booster, table: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(table):
        return np.empty(0)
    return np.asarray(trees.predict(table, raw_score=True, num_threads=1), np.float64)
