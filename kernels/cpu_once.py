"""Few queries against plain rows in one pass: a product that proves its own bound by staying finite.

The bound of a float32 product needs the lengths of all rows, and measuring them costs a second look at every
value. A query scaled so far up that a term of twice the expected scores overflows needs none: where the
product is finite, no term was larger, so its error is known (`slack.finite`). Rows whose product is not
finite are scored exactly. The bound is loose; a sample of the rows says whether it leaves few enough of them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xbsql.kernels.cpu_product import rows_times
from xbsql.kernels.slack import LARGEST, finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLE = 256  # rows that say what scores to expect
_ROWS = 256  # rows that show whether terms overflow
_LEAST = 1 << 13  # rows from which on a sample is small
SHARE = 64  # one row in so many may be left to be scored exactly


class Scores(NamedTuple):
    """Float32 scores (m, n), +inf where no bound holds; their slack, float32 (m,); whether any is +inf."""

    score: Tensor
    slack: Tensor
    wild: bool


def product_at_once(q: Tensor, x: Tensor, k: int) -> Scores | None:
    """The product of few queries with rows of unknown lengths, for their k best.

    Args:
        q: float32 (m, d), m at most `cpu_product.FEW`.
        x: float32 (n, d), contiguous.
        k: how many rows of each query are wanted.

    Returns:
        None where more than one row in `SHARE` would be left, by a sample, or nothing is known of the sums.
    """
    m, (n, d) = len(q), x.shape
    if n < _LEAST or SHARE * k > n or not _overflows(d, m):
        return None
    some = rows_times(q, x[:: n // _SAMPLE].contiguous()).numpy()
    some = np.where(np.isfinite(some), some, -np.inf)
    # Few rows may have larger scores than that: they are scored exactly.
    place, wide = some.shape[1] - some.shape[1] // (2 * SHARE) - 1, q.numpy().astype(np.float64)
    largest = np.partition(np.abs(some), place, axis=1)[:, [place]].astype(np.float64)
    with np.errstate(all="ignore"):
        up = LARGEST / (2 * np.maximum(largest, np.abs(wide).max(axis=1, keepdims=True)))
        slack = finite(d) / up
    if not bool((np.isfinite(up) & (up >= 1)).all()) or _many(some, slack, k * some.shape[1] / n):
        return None
    score = rows_times(torch.from_numpy((wide * up).astype(np.float32)), x)
    known = np.isfinite(score.numpy())
    # The way down takes two steps: 1 / up may be no normal float32.
    score.mul_(2.0**-64).mul_(torch.from_numpy((2.0**64 / up).astype(np.float32)))
    wild = not known.all()
    if wild:
        score.masked_fill_(torch.from_numpy(~known), torch.inf)
    return Scores(score, torch.from_numpy(slack[:, 0].astype(np.float32)), wild)


def _many(some: NDArray[np.float32], slack: NDArray[np.float64], rank: float) -> bool:
    """Whether more than one in `SHARE` of some scores (m, s) are within the slack of those of a rank."""
    place = some.shape[1] - int(rank) - 1
    best = np.partition(some, place, axis=1)[:, [place]]
    return bool(((some > best - slack).sum(axis=1) * SHARE > some.shape[1]).any())


@cache
def _overflows(d: int, m: int) -> bool:
    """Whether this machine's product of m queries and rows of d values overflows where a term does.

    The proof rests on sums in float32. Here every row has two terms beyond its range that cancel, in columns
    that differ by 1, 2, 4 and so on.
    """
    big, first = np.float32(2.0**65), np.linspace(0, d - 1, min(d, _ROWS)).astype(int)
    for apart in (1 << i for i in range((d - 1).bit_length())):
        x = np.zeros((len(first), d), np.float32)
        x[np.arange(len(first)), first] = big
        x[np.arange(len(first)), (first + apart) % d] = -big
        score = rows_times(torch.full((m, d), float(big)), torch.from_numpy(x))
        if bool(torch.isfinite(score).any()):
            return False
    return True
