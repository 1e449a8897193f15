"""Given pairs of offers compared: columns that a scorer is fitted on, in one market or carried to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of, is_text, one_chunk, written_out
from xbsql.session.offer_pairs import Vectors

if TYPE_CHECKING:
    from xbsql.linking.graph import Ints
    from xbsql.session.session import Session


def compare_pairs(session: Session, pairs: pa.Table) -> pa.Table:
    """What is known of each pair.

    Args:
        session: whose encoder is used.
        pairs: columns left and right: structs of 'text' and any of `linking.pair_columns.FIELDS`.

    Returns:
        place, int64 from 1, and `linking.pair_columns.COLUMNS`, float64, NULL where an offer says nothing.

    Raises:
        XbsqlError: no struct, an unknown field, a field of another type, no text.
    """
    from xbsql.linking.compared import compared
    from xbsql.linking.pair_columns import COLUMNS

    where = "xb.compare_pairs"
    with session.calls.record("compare_pairs", "", len(pairs)):
        sides = [_side(where, name, one_chunk(pairs[name])) for name in ("left", "right")]
        (left, i), (right, j) = sides
        found = compared(left, right, i, j, Vectors(session)) if len(i) else np.empty((0, len(COLUMNS)))
    columns = [pa.array(column, pa.float64(), from_pandas=True) for column in found.T]
    return pa.table([pa.array(np.arange(1, len(i) + 1)), *columns], names=["place", *COLUMNS])


def _side(where: str, name: str, column: pa.Array) -> tuple[dict[str, list[object]], Ints]:
    """The fields of the different offers of one side, and the offer of each pair."""
    from xbsql.linking.pair_columns import FIELDS

    if not pa.types.is_struct(column.type):
        remedy = f"give a STRUCT with any of {', '.join(FIELDS)}: {{'text': title, 'price': price}}"
        raise errors.invalid(where, f"the {name} offer is {column.type}", remedy)
    names = [column.type.field(place).name for place in range(column.type.num_fields)]
    if "text" not in names:
        raise errors.invalid(where, f"the {name} offer has no text", "give {'text': title, ...}")
    given = zip(names, column.flatten(), strict=True)
    parts = {field: _field(where, field, values) for field, values in given}
    places: dict[tuple[object, ...], int] = {}
    rows = [places.setdefault(row, len(places)) for row in zip(*parts.values(), strict=True)]
    values = zip(*places, strict=True) if places else ([] for _ in names)
    return dict(zip(parts, map(list, values), strict=True)), np.array(rows, np.int64)


def _field(where: str, name: str, column: pa.Array) -> list[object]:
    from xbsql.linking.pair_columns import FIELDS, TEXTS

    if name not in FIELDS:
        raise errors.unknown(where, "field of an offer", name, FIELDS)
    kind = column.type
    if name == "price" and family_of(kind) not in ("number", "null") and not pa.types.is_null(kind):
        raise errors.invalid(where, f"the price is {kind}", "give a number")
    if name in TEXTS and not is_text(kind) and not pa.types.is_null(kind):
        raise errors.invalid(where, f"the {name} is {kind}", "cast it to VARCHAR")
    if name == "price":
        found: list[object] = column.cast(pa.float64()).to_pylist()
        return found
    found = written_out(where, name, column).to_pylist()
    return found
