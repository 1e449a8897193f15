"""One to one: the matches that are likeliest together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LIMIT = 30.0


def assigned(
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    odds: NDArray[np.float64],
    least: float,
    shape: tuple[int, int],
) -> NDArray[np.int64]:
    """Choose pairs so that no row is in two of them and their summed log odds above `least` are greatest.

    Jonker and Volgenant, 1987, for sparse graphs, as in SciPy; every left row has one more partner, which
    stands for none.

    Args:
        i: int64, shape (p,): left rows; no pair twice.
        j: int64, shape (p,): right rows.
        odds: float64, shape (p,): log odds of each pair.
        least: pairs with lower odds are never chosen.
        shape: how many left and right rows there are.

    Returns:
        int64, shape (left rows,): the chosen pair of each, -1 for none.
    """
    rows, columns = shape
    kept = np.flatnonzero(odds >= least)
    chosen = np.full(rows, -1, np.int64)
    if not len(kept):
        return chosen
    gain = np.clip(odds[kept], -_LIMIT, _LIMIT) - max(least, -_LIMIT)
    # SciPy takes a weight of 0 for a missing edge: all are moved above it, and each left row takes one.
    cost = np.concatenate([2 * _LIMIT - gain + 1.0, np.full(rows, 2 * _LIMIT + 1.0)])
    heads = np.concatenate([i[kept], np.arange(rows)])
    tails = np.concatenate([j[kept], columns + np.arange(rows)])
    graph = csr_matrix((cost, (heads, tails)), shape=(rows, columns + rows))
    left, right = min_weight_full_bipartite_matching(graph)
    real = right < columns
    key = i[kept] * columns + j[kept]
    order = np.argsort(key)
    place = np.searchsorted(key[order], left[real] * columns + right[real])
    chosen[left[real]] = kept[order[place]]
    return chosen
