"""What to look at before a model is fitted on a table, or crosses from one to another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.features.roles import roles
from xbsql.harmonise.contradictions import Finding, contradictions, quoted
from xbsql.harmonise.lint_label import labels, leaks
from xbsql.harmonise.lint_table import constant, duplicates, ids, late_names, mixed, odd
from xbsql.harmonise.lint_texts import placeholders, written
from xbsql.harmonise.profile import profiles
from xbsql.harmonise.units import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from xbsql.harmonise.contradictions import Side

NEAR = 0.03
"""A ratio of medians this near to a known factor, as a share of it, is taken for that factor."""

FAR = 20.0
"""A ratio of medians from which on two columns can hardly be in one unit."""

_ORDER = {"error": 0, "warning": 1, "note": 2}


def lint(
    where: str, source: pa.Table, target: pa.Table | None = None, label: str | None = None
) -> list[Finding]:
    """What to look at in a table before a fit, or in two before a transfer between them.

    Of one table: columns and rows that teach nothing or too much, and texts that are something else. Of two
    also what they contradict each other in.

    Args:
        where: the function, for errors.
        source: the rows of a fit, or the home market's.
        target: the other market's rows; None for one table.
        label: the label column; with it also its values are looked at, and columns that tell them.

    Returns:
        Findings, errors first, then warnings, then notes; by column inside.

    Raises:
        XbsqlError: no table has the label column, or a table has two columns of one name.
    """
    known = [*source.column_names, *(target.column_names if target is not None else ())]
    if label is not None and label not in known:
        place = "the table has" if target is None else "the source has"
        raise errors.unknown(where, "label column", label, source.column_names, place=place)
    found = _alone(source, label) if target is None else _both(source, target, label)
    unique = {(finding.column, finding.remedy): finding for finding in reversed(found)}
    return sorted(unique.values(), key=lambda finding: (_ORDER[finding.severity], finding.column))


def _alone(table: pa.Table, label: str | None) -> list[Finding]:
    """What to look at in one table."""
    columns, read = profiles(table), roles(table, None)
    found = [*duplicates(table, label), *odd(table), *mixed(columns), *late_names(columns, label)]
    if label is not None:
        found += [*labels(table, label), *leaks(table, label)]
    wrong = {each.column for each in found if each.severity == "error"}
    texts = [each for each in written(table, label) if each.column not in wrong]
    said = {each.column for each in texts}
    found += [each for each in ids(table, label, read) if each.column not in said]
    return [*found, *texts, *constant(table, label), *placeholders(table, label)]


def _both(source: pa.Table, target: pa.Table, label: str | None) -> list[Finding]:
    theirs, ours = profiles(source), profiles(target)
    found = contradictions(theirs, ours)
    said = {finding.column for finding in found}
    found += [each for each in (*_types(theirs, ours), *_magnitudes(theirs, ours)) if each.column not in said]
    found += [*late_names(theirs | ours, label), *odd(target, " of the target")]
    for table in (source, target):
        found += [*written(table, label), *placeholders(table, label)]
        if label is not None and label in table.column_names:
            found += [*labels(table, label), *leaks(table, label)]
    return [*found, *_absent(theirs, ours, said)]


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


def _absent(source: Side, target: Side, said: set[str]) -> Iterator[Finding]:
    for name in source:
        if name not in target and name not in said:
            yield Finding("note", name, f"the target lacks '{name}'", "FROM xb.align_columns(source, target)")
    for name in target:
        if name not in source and name not in said:
            yield Finding("note", name, f"the source lacks '{name}'", "FROM xb.align_columns(source, target)")
