"""What to look at before a model crosses from one table to another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.roles import as_text, kind_of, looked_at
from xbsql.harmonise.contradictions import Finding, contradictions, quoted
from xbsql.harmonise.profile import profiles
from xbsql.harmonise.units import units
from xbsql.harmonise.written import DATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.harmonise.contradictions import Side

NEAR = 0.03
"""A ratio of medians this near to a known factor, as a share of it, is taken for that factor."""

FAR = 20.0
"""A ratio of medians from which on two columns can hardly be in one unit."""

SURE = 0.995
"""Rank correlation with a label of numbers, or share of its classes told, from which on a column leaks."""

COMMONEST = 0.95
"""Share of the commonest class from which on any column tells the label well."""

_AFTERWARDS = {
    "arrived", "arrival", "actual", "cancelled", "completed", "closed", "delivered", "paid", "received",
    "refunded", "returned", "resolved", "settled",
}  # fmt: skip
_NUMBER = r"^\s*[\p{Sc}A-Za-z]{0,4}\s*-?\d[\d.,'\s\x{2019}\x{A0}\x{202F}]*\s*[\p{Sc}A-Za-z]{0,4}\s*$"
_ISO = r"^\d{4}-\d{2}-\d{2}"
_ORDER = {"error": 0, "warning": 1, "note": 2}


def lint(where: str, source: pa.Table, target: pa.Table, label: str | None = None) -> list[Finding]:
    """What two tables contradict each other in, and what else a transfer between them will meet.

    Args:
        where: the function, for errors.
        source: the home market's rows.
        target: the other market's rows.
        label: the label column; with it also columns are found that tell it almost perfectly.

    Returns:
        Findings, errors first, then warnings, then notes; by column inside.

    Raises:
        XbsqlError: neither table has the label column.
    """
    if label is not None and label not in {*source.column_names, *target.column_names}:
        raise errors.unknown(where, "label column", label, source.column_names, place="the source has")
    theirs, ours = profiles(source), profiles(target)
    found = contradictions(theirs, ours)
    said = {finding.column for finding in found}
    found += [each for each in (*_types(theirs, ours), *_magnitudes(theirs, ours)) if each.column not in said]
    found += [*_written(source), *_written(target), *_late_names(theirs | ours, label), *_odd(target)]
    if label is not None:
        found += [*_leaks(source, label), *_leaks(target, label)]
    found += _absent(theirs, ours, said)
    unique = {(finding.column, finding.remedy): finding for finding in reversed(found)}
    return sorted(unique.values(), key=lambda finding: (_ORDER[finding.severity], finding.column))


def _types(source: Side, target: Side) -> Iterator[Finding]:
    for name, ours in target.items():
        theirs = source.get(name)
        if theirs is not None and theirs.kind != ours.kind and "null" not in (theirs.kind, ours.kind):
            problem = f"'{name}' is {theirs.kind} in the source and {ours.kind} in the target"
            yield Finding("error", name, problem, f"a cast of {quoted(name)} on one side")


def _magnitudes(source: Side, target: Side) -> Iterator[Finding]:
    """Columns of one name whose medians are a conversion factor, or far, apart."""
    for name, ours in target.items():
        theirs = source.get(name)
        if theirs is None or theirs.kind != "number" or not theirs.deciles or not ours.deciles:
            continue
        before, now = theirs.deciles[5], ours.deciles[5]
        if min(before, now, theirs.deciles[1], ours.deciles[1]) <= 0:
            continue
        ratio, counted = now / before, theirs.counted and ours.counted
        known = next((text for text, factor in _factors() if abs(ratio / factor - 1) < NEAR), None)
        if known is not None and not counted and _alike(theirs.deciles, ours.deciles):
            problem = f"the target's median of '{name}' is {ratio:.4g} times the source's, as {known}"
            yield Finding("warning", name, problem, "xb.convert, where the unit is not the same")
        elif max(ratio, 1 / ratio) >= FAR:
            problem = f"the target's median of '{name}' is {ratio:.3g} times the source's"
            yield Finding("warning", name, problem, "xb.convert or xb.to_currency, where the unit differs")


def _factors() -> Iterator[tuple[str, float]]:
    """Conversions that tables are commonly mixed by, both ways."""
    pairs = ("lb kg", "oz g", "g kg", "in cm", "ft m", "mi km", "cm m", "mm cm", "h d", "gal l", "kg t")
    for one, other in (pair.split() for pair in pairs):
        factor = units()[one].scale / units()[other].scale
        yield f"{one} to {other}", factor
        yield f"{other} to {one}", 1 / factor


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two columns spread alike, whatever their unit: 10 to 90 % on a logarithmic axis."""
    widths = [math.log(deciles[9] / deciles[1]) for deciles in (one, other)]
    return abs(widths[0] - widths[1]) <= 0.25 * max(*widths, 0.1)


def _written(table: pa.Table) -> Iterator[Finding]:
    """Numbers and dates that are text."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if kind_of(column.type) != "text":
            continue
        texts = as_text(looked_at(column)).combine_chunks().drop_null()
        if not len(texts) or pc.mean(pc.match_substring_regex(texts, _ISO)).as_py() > 0.5:
            continue
        if pc.mean(pc.is_valid(pc.extract_regex(texts, DATE))).as_py() >= 0.95:
            remedy = f"xb.parse_date({quoted(name)}, market)"
            yield Finding("warning", name, f"'{name}' holds dates as text, '{texts[0]}'", remedy)
        elif pc.mean(pc.match_substring_regex(texts, _NUMBER)).as_py() >= 0.95 and _marked(texts):
            remedy = f"xb.parse_number({quoted(name)}, market)"
            yield Finding("warning", name, f"'{name}' holds numbers as text, '{texts[0]}'", remedy)


def _marked(texts: pa.Array) -> bool:
    """Whether some have a decimal mark: bare digits may be codes."""
    return bool(pc.any(pc.match_substring_regex(texts, r"\d[.,]\d")).as_py())


def _late_names(columns: Side, label: str | None) -> Iterator[Finding]:
    for name, profile in columns.items():
        if name != label and set(profile.words) & _AFTERWARDS:
            problem = f"'{name}' is named like something that is known only afterwards"
            yield Finding("warning", name, problem, f"options {{'ignore': ['{name}']}}")


def _odd(table: pa.Table) -> Iterator[Finding]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count == len(column):
            yield Finding("note", name, f"'{name}' is NULL in every row of the target", "nothing")
        elif pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            problem = f"'{name}' holds an infinite value"
            yield Finding(
                "error", name, problem, f"CASE WHEN isfinite({quoted(name)}) THEN {quoted(name)} END"
            )


def _leaks(table: pa.Table, label: str) -> Iterator[Finding]:
    """Columns that tell the label almost perfectly on their own."""
    if label not in table.column_names:
        return
    rows = table.filter(pc.is_valid(table[label]))
    for name in rows.column_names:
        if name != label and len(rows) >= 20 and _tells(rows[name], rows[label]) >= SURE:
            problem = f"'{name}' alone tells the label almost perfectly"
            yield Finding(
                "warning", name, problem, f"options {{'ignore': ['{name}']}} if it is not known in time"
            )


def _tells(column: pa.ChunkedArray, label: pa.ChunkedArray) -> float:
    """How well a column tells the label, 0 to 1: rank correlation, or the rows in a value's class."""
    numbers = {"number", "boolean"}
    if kind_of(label.type) == "number":
        if kind_of(column.type) not in numbers:
            return 0.0
        x, y = (np.asarray(each.cast(pa.float64(), safe=False).to_numpy()) for each in (column, label))
        return _rank_correlation(x, y)
    values = as_text(column).combine_chunks() if kind_of(column.type) in {"text", *numbers} else None
    if values is None or pc.count_distinct(values).as_py() > len(values) / 10:
        return 0.0
    classes = as_text(label).combine_chunks()
    if pc.max(pc.value_counts(classes).field("counts")).as_py() > COMMONEST * len(classes):
        return 0.0
    counts = (
        pa.table({"v": values, "c": classes, "n": np.ones(len(values))})
        .group_by(["v", "c"])
        .aggregate([("n", "sum")])
    )
    most = counts.group_by("v").aggregate([("n_sum", "max")])
    return float(pc.sum(most["n_sum_max"]).as_py()) / len(values)


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import spearmanr

    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < 20 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return 0.0
    return abs(float(spearmanr(x[there], y[there]).statistic))


def _absent(source: Side, target: Side, said: set[str]) -> Iterator[Finding]:
    for name in source:
        if name not in target and name not in said:
            yield Finding("note", name, f"the target lacks '{name}'", "FROM xb.align_columns(source, target)")
    for name in target:
        if name not in source and name not in said:
            yield Finding("note", name, f"the source lacks '{name}'", "FROM xb.align_columns(source, target)")
