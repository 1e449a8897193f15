"""Blocks put together to shards: whatever is compared lies within one, so each can be worked on alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xbsql.linking.graph import Ints


def shards(block: Ints, least: int) -> list[Ints]:
    """The rows of each shard, ascending: consecutive blocks until they hold `least` rows.

    Args:
        block: int64, shape (n,): -1 for rows of no block, which go with the first.
        least: rows of a shard, but for the last.
    """
    of = shard_of(np.bincount(np.maximum(block, 0), minlength=1), least)[np.maximum(block, 0)]
    order = np.argsort(of, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(of[order])) + 1) if len(order) else []


def shard_of(size: Ints, least: int) -> Ints:
    """The shard of each block, from 0, int64.

    Args:
        size: int64, shape (blocks,): how many rows each has.
        least: as for `shards`.
    """
    shard, held, place = np.zeros(len(size), np.int64), 0, 0
    for code, rows in enumerate(size.tolist()):
        if held >= least:
            held, place = 0, place + 1
        shard[code], held = place, held + rows
    return shard
