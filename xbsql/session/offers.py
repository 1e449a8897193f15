"""The rows that entities are made of, read: their markets, blocks, texts, names and settled entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import family_of, is_text, one_chunk, refuse_quoted, written_out

if TYPE_CHECKING:
    from xbsql.linking.graph import Ints

MOST_MARKETS: Final = 100
KEYS: Final = ("market", "id")
LARGEST: Final = 2**62
"""The number of a settled entity, at most."""


class Asked(NamedTuple):
    """How pairs are judged and entities are made.

    Attributes:
        threshold: the least probability of a row, 0 to 1.
        many: whether an entity may hold several rows of a market.
        variants: whether products that differ in size, count or model number are one.
        labels: columns lmarket, lid, rmarket, rid and match, a row a pair that somebody has labelled.
    """

    threshold: float = 0.5
    many: bool = False
    variants: bool = False
    labels: pa.Table | None = None


def check(where: str, asked: Asked) -> None:
    """Refuse what is no probability."""
    if not 0 <= asked.threshold <= 1:
        raise errors.invalid(where, f"threshold is {asked.threshold}", "give a probability, 0 to 1")


def refuse_unnamed(where: str, rows: pa.Table) -> None:
    """Refuse offers that market and id do not tell apart.

    Raises:
        XbsqlError: an offer has no id, or two of a market have the same.
    """
    seen = set()
    keys = (written_out(where, name, one_chunk(rows[name])).to_pylist() for name in KEYS)
    for market, id in zip(*keys, strict=True):
        if market is None:
            continue
        if id is None:
            problem = f"an offer of market '{errors.shown(market, 40)}' has no id (NULL)"
            raise errors.invalid(where, problem, "give every offer an id of its own")
        if (market, id) in seen:
            problem = f"market '{errors.shown(market, 40)}' has two offers of id '{errors.shown(id, 40)}'"
            raise errors.invalid(where, problem, "leave one out, or give each an id of its own")
        seen.add((market, id))


def named(market: object, id: object) -> str:
    """An offer in an error."""
    return f"{errors.shown(market, 40)} {errors.shown(id, 40)}"


def texts_of(where: str, rows: pa.Table) -> list[str | None]:
    """The texts that are compared.

    Raises:
        XbsqlError: the column is not text, or a quoted name.
    """
    column = one_chunk(rows["text"])
    refuse_quoted(where, "text", column)
    if not is_text(column.type) and not pa.types.is_null(column.type):
        raise errors.invalid(where, f"the text is {column.type}", "cast it to VARCHAR")
    found: list[str | None] = column.cast(pa.string()).to_pylist()
    return found


def markets_of(where: str, rows: pa.Table) -> tuple[Ints, tuple[str, ...]]:
    """The market of each row, from 0 in the order of their names, -1 for NULL; and the names."""
    names = written_out(where, "market", one_chunk(rows["market"])).to_pylist()
    known = sorted({name for name in names if name is not None})
    if len(known) > MOST_MARKETS:
        some = ", ".join(errors.shown(name, 20) for name in known[:3])
        problem = f"market has {len(known)} values ({some} ...)"
        raise errors.invalid(
            where, problem, f"name the column of the catalogues, of which there may be {MOST_MARKETS}"
        )
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in names], np.int64), tuple(known)


def blocks_of(where: str, rows: pa.Table) -> Ints:
    """The block of each row, -1 for NULL; all 0 where none was given."""
    column = one_chunk(rows["block"])
    if pa.types.is_null(column.type):
        return np.zeros(len(rows), np.int64)
    names = written_out(where, "block", column).to_pylist()
    places = {name: place for place, name in enumerate(sorted({n for n in names if n is not None}))}
    return np.array([places.get(name, -1) for name in names], np.int64)


def settled_of(where: str, rows: pa.Table) -> Ints:
    """The settled entities as numbers, -1 for NULL."""
    names = written_out(where, "entity", one_chunk(rows["entity"]))
    return np.asarray(names.dictionary_encode().indices.fill_null(-1).to_numpy(), np.int64)


def numbers_of(where: str, rows: pa.Table) -> pa.Array:
    """The numbers of settled entities, int64; NULL for rows without one, and where they are names.

    Raises:
        XbsqlError: a number is too large for others to follow.
    """
    given = one_chunk(rows["entity"])
    if family_of(given.type) != "number":
        return pa.nulls(len(rows), pa.int64())
    if not pa.types.is_floating(given.type) and (most := pc.max(given).as_py() or 0) > LARGEST:
        raise errors.invalid(where, f"an entity is {most}", f"give numbers of at most {LARGEST}")
    try:
        return given.cast(pa.int64())
    except pa.ArrowInvalid:
        return pa.nulls(len(rows), pa.int64())  # halves, say, which name entities and number none


def different(rows: pa.Table) -> tuple[Ints, Ints]:
    """The first of the rows that are equal in all that is compared, and each row's place among these."""
    places: dict[str, int] = {}
    given = zip(*(column.to_pylist() for column in rows.drop_columns("id").columns), strict=True)
    place = np.array([places.setdefault(repr(row), len(places)) for row in given], np.int64)
    return np.unique(place, return_index=True)[1].astype(np.int64), place
