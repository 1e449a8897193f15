"""Offers in shards of whole blocks: each is worked on alone, so memory is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import pyarrow as pa

from xbsql.progress import Together
from xbsql.session.fits import one_thread
from xbsql.session.offer_labels import labels_of, of_rows, refuse_against_settled
from xbsql.session.offers import Asked, blocks_of, markets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.linking.graph import Ints

T = TypeVar("T")

SHARD: Final = 12_000
"""Rows of whole blocks that are compared at a time, at least; one block may have more."""


def sharded(where: str, rows: pa.Table, asked: Asked) -> list[tuple[Ints, pa.Table, Asked]]:
    """Whole blocks at a time, so that memory is bounded: their places, the rows and what is asked of them."""
    from xbsql.linking.shards import shards

    # Labels of other shards are left out below.
    refuse_against_settled(where, rows, labels_of(where, rows, asked, markets_of(where, rows)[0]))
    parts = shards(blocks_of(where, rows), SHARD)
    if len(parts) == 1:
        return [(parts[0], rows, asked)]
    owned = ((held, rows.take(pa.array(held))) for held in parts)
    return [(held, own, of_rows(asked, own)) for held, own in owned]


def by_shard(
    where: str, rows: pa.Table, asked: Asked, work: Callable[[Ints, pa.Table, Asked], T]
) -> list[T]:  # fmt: skip
    """What is made of each shard, in the order of `sharded`; several shards on several threads."""
    from xbsql.features.workers import spread

    parts = sharded(where, rows, asked)
    together = Together(len(parts))

    def made(turn: int) -> T:
        with together.piece(turn):
            return work(*parts[turn])

    with one_thread():
        # One shard alone is worked on here, so that its pieces can have the threads.
        return [made(0)] if len(parts) == 1 else spread(made, range(len(parts)))
