"""What to look at in one table before a fit: columns and rows that teach nothing, or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from xbsql.features.roles import kind_of, looked_at
from xbsql.harmonise.contradictions import Finding, quoted
from xbsql.harmonise.money_words import AMOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xbsql.harmonise.contradictions import Side
    from xbsql.harmonise.profile import Profile

NEAR_CONSTANT = 0.99
"""Share of the commonest value from which on a column says next to nothing."""

FEWEST_ROWS = 20
"""Rows from which on shares say something."""

ROWS = "*"
"""What a finding about rows, not about a column, has for its column."""

_AFTERWARDS = {
    "arrived", "arrival", "actual", "cancelled", "completed", "closed", "delivered", "paid", "received",
    "refunded", "returned", "resolved", "settled",
}  # fmt: skip
_MEASURES = {"weight", "length", "width", "height", "volume", "size", "quantity", "distance", "load"}


def late_names(columns: Side, label: str | None) -> Iterator[Finding]:
    """Columns that are named like something that is known only afterwards."""
    for name, profile in columns.items():
        if name != label and set(profile.words) & _AFTERWARDS:
            problem = f"'{name}' is named like something that is known only afterwards"
            yield Finding("warning", name, problem, f"options {{'ignore': ['{name}']}}")


def odd(table: pa.Table, whose: str = "") -> Iterator[Finding]:
    """Columns of nothing but NULL, infinite values, and a table without rows."""
    if not len(table):
        yield Finding("error", ROWS, f"no row{whose}", "rows")
        return
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count == len(column):
            yield Finding("note", name, f"'{name}' is NULL in every row{whose}", "nothing")
        elif pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            value = quoted(name)
            remedy = f"CASE WHEN isfinite({value}) THEN {value} END"
            yield Finding("error", name, f"'{name}' holds an infinite value", remedy)


def constant(table: pa.Table, label: str | None) -> Iterator[Finding]:
    """Columns that have one value in nearly all rows, NULL counted as one."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == label or len(column) < FEWEST_ROWS or column.null_count == len(column) or _nested(column):
            continue
        counts = pc.value_counts(looked_at(column).combine_chunks())
        most = pc.max(counts.field("counts")).as_py()
        share = most / min(len(column), pc.sum(counts.field("counts")).as_py())
        if share >= NEAR_CONSTANT:
            problem = (
                f"'{name}' is the same in {share:.4g} of the rows" if share < 1 else f"'{name}' has one value"
            )
            yield Finding("note", name, problem, _without(name))


def ids(table: pa.Table, label: str | None, read: Mapping[str, str]) -> Iterator[Finding]:
    """Columns that name the row: by `roles`, or numbers that count the rows."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = kind_of(column.type)
        if (
            name == label
            or len(column) < FEWEST_ROWS
            or column.null_count == len(column)
            or kind in ("other", "null")
        ):
            continue
        named = read.get(name) == "ignored" and pc.count_distinct(column).as_py() > 0.9 * len(column)
        if named or counts_rows(column):
            yield Finding("note", name, f"'{name}' names the row: no two rows share a value", _without(name))


def counts_rows(column: pa.ChunkedArray) -> bool:
    """Whether a column holds n whole numbers in a row, each once, as row numbers do."""
    if not pa.types.is_integer(column.type) or column.null_count or len(column) < FEWEST_ROWS:
        return False
    ends = pc.min_max(column)
    spread = ends["max"].as_py() - ends["min"].as_py() + 1
    return spread == len(column) and bool(pc.count_distinct(column).as_py() == len(column))


def duplicates(table: pa.Table, label: str | None) -> Iterator[Finding]:
    """Rows that are there twice, and rows that are alike but for their label."""
    flat = [
        name for name, column in zip(table.column_names, table.columns, strict=True) if not _nested(column)
    ]
    if len(flat) < len(table.column_names) or len(set(flat)) < len(flat) or not len(table):
        return
    whole = table.group_by(flat).aggregate([])
    twice = len(table) - len(whole)
    if twice:
        yield Finding("warning", ROWS, f"{twice} rows are there twice or more", "SELECT DISTINCT * FROM data")
    others = [name for name in flat if name != label]
    if label is None or not others:
        return
    labelled = whole.filter(pc.is_valid(whole[label]))
    unsure = len(labelled) - len(labelled.group_by(others).aggregate([]))
    if unsure:
        window = f"OVER (PARTITION BY {', '.join(map(quoted, others))})"
        remedy = f"FROM data QUALIFY min({quoted(label)}) {window} = max({quoted(label)}) {window}"
        yield Finding("warning", ROWS, f"{unsure} rows are like another in all but the label", remedy)


def mixed(columns: Side) -> Iterator[Finding]:
    """Columns that state several units or currencies for the rows."""
    for name, profile in columns.items():
        if profile.stated is None or len(profile.stated[1]) < 2:
            continue
        kind, held = profile.stated
        into = min(held, key=lambda value: (-_share(profile, value), value))
        shown = ", ".join(sorted(held)[:4]) + (" ..." if len(held) > 4 else "")
        if kind == "currency":
            value = _beside(columns, AMOUNTS, "amount")
            fresh = quoted(f"{value}_{into.lower()}")
            remedy = f"xb.to_currency({quoted(value)}, {quoted(name)}, '{into}', rates) AS {fresh}"
        else:
            value = _beside(columns, _MEASURES, "value")
            fresh = quoted(f"{value}_{into}")
            remedy = f"xb.convert({quoted(value)}, {quoted(name)}, '{into}') AS {fresh}"
        yield Finding(
            "warning", name, f"'{name}' says {shown}: the rows are not in one {_called(kind)}", remedy
        )


def _beside(columns: Side, names: set[str], other: str) -> str:
    """The one column of numbers that is named like an amount, or a word in its place."""
    found = [name for name, each in columns.items() if each.kind == "number" and set(each.words) & names]
    return found[0] if len(found) == 1 else other


def _share(profile: Profile, value: str) -> float:
    return sum(share for text, share in profile.levels.items() if text.strip() == value)


def _called(kind: str) -> str:
    return "currency" if kind == "currency" else "unit"


def _nested(column: pa.ChunkedArray) -> bool:
    return kind_of(column.type) == "other"


def _without(name: str) -> str:
    return f"SELECT * EXCLUDE ({quoted(name)}) FROM data"
