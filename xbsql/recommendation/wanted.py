"""What is asked of a recommender; it loads no framework."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        k: how many items a user.
        exclude_seen: whether items that a user has are left out.
        diversity: 0 .. 1: how much an item loses by being like one that stands before it.
    """

    k: int
    exclude_seen: bool = True
    diversity: float = 0.0
