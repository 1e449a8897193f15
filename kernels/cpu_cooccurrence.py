"""Item-item similarity from (user, item) pairs on the CPU, a block of items at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

_CELLS = 1 << 22  # cells of a block's similarity matrix, and pairs spread at a time


@dataclass(frozen=True)
class Lists:
    """The users' items: those of user u are item[start[u]:start[u + 1]] with their values."""

    item: NDArray[np.int64]
    value: NDArray[np.float64]
    start: NDArray[np.int64]


def cooccurrence_topk(
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    k: int,
    n_items: int,
    values: NDArray[np.float64],
    user_weights: NDArray[np.float64],
    shrink: float,
) -> tuple[Tensor, Tensor]:
    """Top-k neighbours of each item; see `xbsql.kernels.cooccurrence_topk`."""
    users, items, values = _coalesced(users, items, values, n_items)
    start = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(user_weights)))])
    lists = Lists(items, values, start)
    weighed = values * user_weights[users]
    mass = np.bincount(items, weights=weighed * values, minlength=n_items) + shrink
    scale = np.divide(1.0, np.sqrt(mass), out=np.zeros(n_items), where=mass > 0)
    by_item = np.argsort(items, kind="stable")
    scores = torch.full((n_items, k), -torch.inf)
    rows = torch.full((n_items, k), -1, dtype=torch.int64)
    spread = np.diff(start)[users[by_item]]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(items, minlength=n_items))])
    for low, high in _item_blocks(bounds, spread, n_items):
        chosen = by_item[bounds[low] : bounds[high]]
        gram = _gram(items[chosen] - low, users[chosen], weighed[chosen], lists, (high - low, n_items))
        part = np.where(gram != 0, gram * scale[low:high, None] * scale, -np.inf)
        part[np.arange(high - low), np.arange(low, high)] = -np.inf
        scores[low:high], rows[low:high] = _best(torch.from_numpy(part).float(), k)
    return scores, rows


def _coalesced(
    users: NDArray[np.int64], items: NDArray[np.int64], values: NDArray[np.float64], n_items: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The pairs ordered by (user, item), the values of equal pairs added up."""
    keys, place = np.unique(users * n_items + items, return_inverse=True)
    total = np.bincount(place, weights=values, minlength=len(keys)).astype(np.float64)
    return (keys // n_items).astype(np.int64), (keys % n_items).astype(np.int64), total


def _item_blocks(
    bounds: NDArray[np.int64], spread: NDArray[np.int64], n_items: int
) -> Iterator[tuple[int, int]]:
    """Ranges of items whose matrix and whose pairs fit in _CELLS, at least one item each."""
    pairs = np.concatenate([[0], np.cumsum(spread)])[bounds]
    most, low = max(1, _CELLS // n_items), 0
    while low < n_items:
        fitting = int(np.searchsorted(pairs, pairs[low] + _CELLS, side="right")) - 1
        high = max(low + 1, min(low + most, fitting, n_items))
        yield low, high
        low = high


def _gram(
    item: NDArray[np.int64],
    user: NDArray[np.int64],
    weighed: NDArray[np.float64],
    lists: Lists,
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Sum over users of w r_i r_j for a block of items i and every item j, float64 `shape`."""
    count = lists.start[user + 1] - lists.start[user]
    before = np.cumsum(count) - count
    place = np.arange(count.sum()) + np.repeat(lists.start[user] - before, count)
    cell = np.repeat(item * shape[1], count) + lists.item[place]
    added = np.repeat(weighed, count) * lists.value[place]
    return np.bincount(cell, weights=added, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _best(part: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best columns of each row, the lower one first on equal scores; -inf and -1 if fewer."""
    kth = part.topk(k, dim=1).values[:, -1:]
    order = torch.where(part >= kth, part, -torch.inf).sort(dim=1, descending=True, stable=True)
    scores, rows = order.values[:, :k], order.indices[:, :k]
    return scores, torch.where(scores > -torch.inf, rows, -1)
