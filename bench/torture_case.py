"""What every case of `bench.torture` is, and the rows that models are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path


class Case(ABC):
    """Something that is attacked again and again.

    Args:
        folder: this child's own; what `prepare` made stands in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def patience(cls, seed: int) -> float:
        """Seconds that a seed may take; more is a hang."""
        return 10.0

    @staticmethod
    @abstractmethod
    def prepare(folder: Path) -> None:
        """Make what is attacked, once for all children."""

    @abstractmethod
    def attack(self, seed: int) -> str:
        """Do the damage of one seed, ask for an answer and say what came of it."""


def rows(n: int, seed: int) -> pa.Table:
    """Parcels with a number to predict and a class."""
    random = np.random.default_rng(seed)
    weight, mode = random.lognormal(1, 0.6, n), random.choice(["air", "sea", "road"], n)
    days = 2 + np.where(mode == "sea", 1.6, 0.4) * weight + 0.3 * random.normal(size=n)
    late = np.where(days > 6, "very", np.where(days > 4, "late", "fine"))
    return pa.table(
        {"weight": weight, "size": random.normal(size=n), "mode": mode, "days": days, "late": late}
    )
