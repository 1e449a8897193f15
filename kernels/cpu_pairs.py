"""Exact scores of the pairs of a tile that may matter, while the tile's rows lie in the cache."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from xbsql.kernels.cpu_request import settled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.kernels.cpu_request import Request

_SHARE = 2  # pairs that a row has from which on all rows of a tile are made float64 at once


class TilePairs:
    """Exact scores of listed pairs under dot or cosine; a tile is made ready for its first queries only."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._place, self._rows = (-1, -1), torch.empty(0)
        self._length: Tensor | None = None

    def scores(
        self, first: int, places: tuple[int, int], bounds: NDArray[np.int64], column: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Float32 (pairs,): scores in float64, rounded; NaN as -inf.

        Args:
            first: the first query.
            places: start and stop of the tile.
            bounds: (m + 1,): the pairs of query first + i are those from bounds[i] to bounds[i + 1].
            column: (pairs,): places within the tile, ascending for each query.
        """
        m, (start, stop), columns = len(bounds) - 1, places, torch.from_numpy(column)
        if _SHARE * len(column) < stop - start or not _sampled():
            query = torch.from_numpy(np.repeat(np.arange(first, first + m), np.diff(bounds)))
            return self.request.pairs(query, columns + start).numpy()
        if self._place != places:
            self._place, (self._rows, self._length) = places, self.request.wide(start, stop)
        product = _products(self.request.queries[first : first + m], self._rows, bounds, columns)
        if self._length is not None:
            product.div_(self._length[columns])
        return settled(product).numpy()


def _products(q: Tensor, x: Tensor, bounds: NDArray[np.int64], columns: Tensor) -> Tensor:
    """Float64 inner products of listed rows of q (m, d) and x (b, d): (pairs,)."""
    empty = torch.zeros(len(columns), dtype=torch.float64)
    shape = len(q), len(x)
    pairs = torch.sparse_csr_tensor(torch.from_numpy(bounds), columns, empty, shape, check_invariants=False)
    found: Tensor = torch.sparse.sampled_addmm(pairs, q, x.T, beta=0.0).values()
    return found


@cache
def _sampled() -> bool:
    """Whether torch multiplies listed pairs here, in float64: it does where it was built with MKL."""
    x = torch.tensor([[1.0, 2.0**-50], [2.0, 0.0]], dtype=torch.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch says once that sparse tensors are in beta
            found = _products(x, x, np.array([0, 2, 3]), torch.tensor([0, 1, 1]))
    except RuntimeError:
        return False
    return found.tolist() == [1.0 + 2.0**-100, 2.0, 4.0]
