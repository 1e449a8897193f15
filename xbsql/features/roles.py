"""Which role a column plays, found from its type and values."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_blob, is_vector, written_out
from xbsql.features.drawn import drawn
from xbsql.features.image.magic import MOST_LOOKED_AT, looks_like_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

Role: TypeAlias = Literal["number", "boolean", "date", "category", "text", "vector", "picture", "ignored"]

PICTURES = 0.1
"""Share of the BLOBs of a column that begin as a picture does from which on it is one of pictures."""

FEW = 1000
"""BLOBs that this is found from."""

LOOKED_AT = 20_000
"""Rows, drawn from all, that the roles of text and integer columns are found from."""

_IDENTIFIER = re.compile(
    r"(^|[_\s.-])(id|ids|key|uuid|guid|nr|no|number|code|sku|asin|ean|gtin)$", re.IGNORECASE
)


def roles(table: pa.Table, label: str | None, options: Mapping[str, Any] | None = None) -> dict[str, Role]:
    """The role of every column but the label, in the table's order.

    Numbers, booleans and dates follow from the type, ISO dates in text from the values. Text is a 'text'
    where it is written in words and seldom repeats, else a 'category'; where it names the row it is
    'ignored', as are integers that do (an id), empty columns and structs. Lists of numbers are a 'vector'
    where all are of one length, else 'ignored', as are other lists. BLOBs are a 'picture' where enough of
    them begin as one does, else 'ignored'.

    Args:
        table: rows of all markets together.
        label: the label column; None where there is none.
        options: 'text', 'category' and 'ignore' list columns whose role is given.

    Raises:
        XbsqlError: no label column, two columns of one name, a column in the options that the table lacks, a
            'text' that is not text.
    """
    if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise errors.invalid("table", f"two columns are named '{twice[0]}'", "give one another name (AS)")
    if label is not None and label not in table.column_names:
        raise errors.unknown("table", "column", label, table.column_names)
    given = _given(table, options or {})
    return {
        name: given.get(name) or _found(name, table[name]) for name in table.column_names if name != label
    }


@cache
def kind_of(type_: pa.DataType) -> str:
    """'number', 'boolean', 'text', 'date', 'null' or 'other'."""
    if pa.types.is_dictionary(type_):
        return kind_of(type_.value_type)
    tests = {
        "boolean": (pa.types.is_boolean,),
        "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
        "text": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "date": (pa.types.is_timestamp, pa.types.is_date),
        "null": (pa.types.is_null,),
    }
    return next((kind for kind, checks in tests.items() if any(check(type_) for check in checks)), "other")


def vector_length(column: pa.ChunkedArray) -> int:
    """Numbers in each list of a column; 0 where they differ, or there is no list."""
    lengths = pc.unique(pc.list_value_length(column.drop_null()))
    return int(lengths[0].as_py()) if len(lengths) == 1 else 0


def numbers_of(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column of text as float64, blanks as NULL; None where it is no text, or one text is no number."""
    if kind_of(column.type) != "text":
        return None
    texts = pc.utf8_trim_whitespace(as_text(column))
    try:
        return pc.if_else(pc.equal(texts, ""), None, texts).cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def as_text(column: pa.ChunkedArray, name: str = "column") -> pa.ChunkedArray:
    """Any column as strings, an array as an array: dictionaries decoded, numbers and vectors written out.

    Args:
        column: values.
        name: what an error calls them.

    Raises:
        XbsqlError: they are of a type that Arrow does not write out, such as a struct or a list of texts.
    """
    if is_vector(column.type):
        shown = pa.array((None if value is None else str(value) for value in column.to_pylist()), pa.string())
        return shown if isinstance(column, pa.Array) else pa.chunked_array([shown])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return written_out("table", name, column)


def _given(table: pa.Table, options: Mapping[str, Any]) -> dict[str, Role]:
    kinds: dict[str, Role] = {"text": "text", "category": "category", "ignore": "ignored"}
    given: dict[str, Role] = {}
    for option, role in kinds.items():
        listed = options.get(option) or ()
        for name in [listed] if isinstance(listed, str) else listed:
            if name not in table.column_names:
                raise errors.unknown("table", f"column for the option '{option}'", name, table.column_names)
            if role == "text" and kind_of(table.schema.field(name).type) != "text":
                problem = f"column '{name}' is {table.schema.field(name).type}, not text"
                raise errors.invalid(
                    "table", problem, "cast it to VARCHAR or take it out of the option 'text'"
                )
            if role == "category" and is_blob(table.schema.field(name).type):
                problem = f"column '{name}' holds BLOBs, which are no categories"
                raise errors.invalid("table", problem, f"hash it: md5({name}) AS {name}")
            if (other := given.get(name, role)) != role:
                both = " and ".join(f"'{'ignore' if each == 'ignored' else each}'" for each in (other, role))
                problem = f"column '{name}' stands in the options {both}"
                raise errors.invalid("table", problem, "leave it in the one that is meant")
            given[name] = role
    return given


def _found(name: str, column: pa.ChunkedArray) -> Role:
    kind = kind_of(column.type)
    if is_vector(column.type) and vector_length(column):
        return "vector"
    if is_blob(column.type) and _are_pictures(column):
        return "picture"
    if column.null_count == len(column) or kind in ("other", "null"):
        return "ignored"
    if kind == "text":
        return _text_role(name, as_text(looked_at(column)).combine_chunks().drop_null())
    if kind == "number":
        values = looked_at(column)
        named = pa.types.is_integer(column.type) and _IDENTIFIER.search(name) is not None
        return "ignored" if named and _distinct_share(values.combine_chunks().drop_null()) > 0.9 else "number"
    return "boolean" if kind == "boolean" else "date"


def _text_role(name: str, values: pa.Array) -> Role:
    if _are_dates(values):
        return "date"
    distinct = pc.count_distinct(values).as_py()
    share = distinct / len(values)
    written = pc.mean(pc.match_substring_regex(values, r"\S\s+\S|[^\x00-\x{2FFF}]{3}")).as_py()
    if written > 0.5 and (share > 0.3 or distinct > 200):
        return "text"
    if written < 0.1 and share > 0.9 and (len(values) >= 20 or _IDENTIFIER.search(name)):
        return "ignored"
    return "text" if written > 0.5 and pc.mean(pc.utf8_length(values)).as_py() > 40 else "category"


def _are_pictures(blobs: pa.ChunkedArray) -> bool:
    drawn_ones = (blobs[place].as_buffer() for place in drawn(len(blobs), FEW).tolist())
    heads = [bytes(memoryview(blob)[:MOST_LOOKED_AT]) for blob in drawn_ones if blob is not None]
    return sum(map(looks_like_picture, heads)) > PICTURES * len(heads)


def _are_dates(values: pa.Array) -> bool:
    head = values.slice(0, 1000)
    if not pc.all(pc.match_substring_regex(head, r"^\d{4}-\d{2}-\d{2}")).as_py():
        return False
    try:
        head.cast(pa.timestamp("us"), safe=False)
    except pa.ArrowInvalid:
        return False
    return True


def _distinct_share(values: pa.Array) -> float:
    return float(pc.count_distinct(values).as_py()) / max(len(values), 1) if len(values) >= 20 else 0.0


def looked_at(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """At most LOOKED_AT of the values, see `drawn`."""
    if len(column) <= LOOKED_AT:
        return column
    return column.take(pa.array(drawn(len(column), LOOKED_AT)))
