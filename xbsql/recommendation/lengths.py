"""Users by how many items are known of them: those of few are served worst, and a mean hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from xbsql.recommendation.events import Floats, Places

FROM: Final = (0, 1, 2, 5, 10)
"""The least items of each group."""

NAMES: Final = ("0", "1", "2 to 4", "5 to 9", "10 or more")
"""The groups' names."""


def group_of(length: Places) -> Places:
    """The group of each user by the number of items known; int64 (n,) -> int64 (n,)."""
    return np.asarray(np.searchsorted(FROM, length, side="right") - 1, np.int64)


def said(length: Places, score: Floats) -> str | None:
    """The mean score of each group with users, in one line; None without any.

    Args:
        length: int64 (n,), items known of each user.
        score: float64 (n,), 0 .. 1.
    """
    group = group_of(length)
    count, total = (np.bincount(group, of, len(FROM)) for of in (np.ones(len(group)), score))
    parts = [
        f"{NAMES[at]}: {total[at] / count[at]:.3f} ({int(count[at])})"
        for at in np.flatnonzero(count).tolist()
    ]
    return f"nDCG@10 by items known of a user (held-out items): {', '.join(parts)}" if parts else None
