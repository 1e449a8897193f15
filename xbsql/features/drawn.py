"""Some rows that stand for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(n: int, most: int) -> NDArray[np.int64]:
    """At most `most` of n rows, drawn with a fixed seed; int64, ascending.

    Every k-th row would do where order means nothing; a table whose rows take turns (a route, a weekday) has
    steps that meet one of them alone.
    """
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))
