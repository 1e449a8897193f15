"""The nearest rows both ways from one product of two sides, a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HELD: Final = 2**24  # products in memory at a time
_NARROW: Final = 2**16


class Nearest(NamedTuple):
    """The nearest rows of each row, best first; of equal ones the lower row first.

    Attributes:
        products: float32, shape (n, k), descending.
        rows: int64, shape (n, k).
    """

    products: NDArray[np.float32]
    rows: NDArray[np.int64]


def nearest(
    left: NDArray[np.float32], right: NDArray[np.float32], forth: int, back: int
) -> tuple[Nearest, Nearest]:
    """The right rows nearest to each left row, and the left rows nearest to each right row.

    `kernels.topk` would make every product twice, and prove what float64 makes of it; here each is made once,
    in float32, and serves both ways.

    Args:
        left: float32, shape (n, d), n >= 1.
        right: float32, shape (m, d), m >= 1.
        forth: right rows of each left one; all, where there are fewer.
        back: left rows of each right one, likewise.
    """
    step = max(1, _HELD // len(left))
    found = Nearest(np.empty((len(left), 0), np.float32), np.empty((len(left), 0), np.int64))
    backs = []
    for start in range(0, len(right), step):
        products = right[start : start + step] @ left.T
        backs.append(_largest(products, back))
        new = _largest(np.ascontiguousarray(products.T), forth)
        joined = np.hstack([found.products, new.products])
        order = np.argsort(-joined, axis=1, kind="stable")[:, :forth]
        rows = np.hstack([found.rows, new.rows + start])
        found = Nearest(np.take_along_axis(joined, order, 1), np.take_along_axis(rows, order, 1))
    return found, Nearest(*(np.concatenate(part) for part in zip(*backs, strict=True)))


def nearest_of(products: NDArray[np.float32], forth: int, back: int) -> tuple[Nearest, Nearest]:
    """The same of products that are made already, a row for each right row, shape (m, n)."""
    return _largest(np.ascontiguousarray(products.T), forth), _largest(products, back)


def _largest(products: NDArray[np.float32], most: int) -> Nearest:
    """The largest of each row."""
    most = min(most, products.shape[1])
    least = np.partition(products, -most, axis=1)[:, -most, None]
    row, column = np.nonzero(products >= least)
    value = products[row, column]
    place = ranks(row, value.astype(np.float64))
    kept = place < most
    found = Nearest(np.empty((len(products), most), np.float32), np.empty((len(products), most), np.int64))
    found.products[row[kept], place[kept]] = value[kept]
    found.rows[row[kept], place[kept]] = column[kept]
    return found


def ranks(rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of each pair among those of its row, from 0; the earlier pair first among equals."""
    order = _descending(values)
    order = order[np.argsort(_narrow(rows[order]), kind="stable")]
    ordered = rows[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    first = np.repeat(starts, np.diff(starts, append=len(ordered)))
    found = np.empty(len(rows), np.int64)
    found[order] = np.arange(len(rows)) - first
    return found


def _descending(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of values from the greatest on, the earlier first among equals; none is NaN.

    Numpy's stable sort of floats takes three times as long as one that is not and then numbers, put in order.
    """
    order = np.argsort(-values)
    ordered = values[order]
    shift = np.cumsum(ordered[1:] != ordered[:-1]) * len(values)
    order[1:] += shift
    order.sort()
    order[1:] -= shift
    return order


def _narrow(rows: NDArray[np.int64]) -> NDArray[np.integer]:
    """The same numbers in 16 bits where they fit: these numpy sorts by digits, in linear time."""
    return rows.astype(np.uint16) if rows.max(initial=0) < _NARROW else rows
