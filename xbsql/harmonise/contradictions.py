"""What must not be mixed silently: kilograms with pounds, euros with yen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xbsql.harmonise.profile import Profile

    Side: TypeAlias = Mapping[str, Profile]

Severity: TypeAlias = Literal["error", "warning", "note"]
FINE = "or say that it is fine by options {'units': 'same'}"


class Finding(NamedTuple):
    """One thing that a lint has to say.

    Attributes:
        severity: 'error': the two must not be mixed; 'warning': look at it; 'note': good to know.
        column: the column of the target, or of the source where the target has none.
        problem: one line.
        remedy: SQL to use in place of the column, or what else to do.
    """

    severity: Severity
    column: str
    problem: str
    remedy: str


def contradictions(source: Side, target: Side, names: Mapping[str, str] | None = None) -> list[Finding]:
    """Units and currencies in which two tables contradict each other.

    Args:
        source: profiles by name.
        target: profiles by name.
        names: the target's columns that are read as another column of the source, see `renames`.
    """
    found: list[Finding] = []
    for theirs, ours in _counterparts(source, target, names or {}):
        finding = _named(theirs, ours) or _doubted(theirs, ours) or _stated(theirs, ours)
        if finding is not None:
            found.append(finding)
    return found


def refuse(where: str, findings: list[Finding]) -> None:
    """Raise for the first contradiction there is.

    Raises:
        XbsqlError: there is one; the others are counted.
    """
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        more = f" (and {len(wrong) - 1} more: see xb.lint)" if len(wrong) > 1 else ""
        raise errors.invalid(where, f"{wrong[0].problem}{more}", f"read it as {wrong[0].remedy}, {FINE}")


def _counterparts(source: Side, target: Side, names: Mapping[str, str]) -> Iterator[tuple[Profile, Profile]]:
    """Columns that would be taken for each other, and those that differ in the unit of their name alone."""
    for name, ours in target.items():
        if name in source:
            yield source[name], ours
        elif name in names:
            yield from ((source[home], ours) for home in (names[name],) if home in source)
        else:
            alike = [
                theirs
                for theirs in source.values()
                if theirs.name not in target and theirs.words == ours.words and _measured(theirs, ours)
            ]
            yield from ((theirs, ours) for theirs in alike[:1])


def _measured(theirs: Profile, ours: Profile) -> bool:
    return bool((theirs.units and ours.units) or (theirs.currency and ours.currency))


def _named(theirs: Profile, ours: Profile) -> Finding | None:
    """A contradiction between the units or currencies that two columns' names end with."""
    old, new = theirs.unit, ours.unit
    problem = f"'{theirs.name}' of the source is '{ours.name}' in the target"
    if old is not None and new is not None and old != new and old.dimension == new.dimension:
        remedy = f"xb.convert({quoted(ours.name)}, '{new.name}', '{old.name}') AS {quoted(theirs.name)}"
        return Finding("error", ours.name, problem, remedy)
    if theirs.currency and ours.currency and theirs.currency != ours.currency:
        money = f"'{ours.currency}', '{theirs.currency}'"
        remedy = f"xb.to_currency({quoted(ours.name)}, {money}, rates) AS {quoted(theirs.name)}"
        return Finding("error", ours.name, problem, remedy)
    return None


def _doubted(theirs: Profile, ours: Profile) -> Finding | None:
    """Two names that end differently, in units of which it is not sure which they are."""
    if not (theirs.units and ours.units) or set(theirs.units) == set(ours.units):
        return None
    if not {unit.dimension for unit in theirs.units} & {unit.dimension for unit in ours.units}:
        return None
    unsure = theirs if len(theirs.units) > 1 else ours
    several = " or ".join(f"'{unit.name}'" for unit in unsure.units)
    other = f"'{theirs.name}' of the source is '{ours.name}' in the target"
    problem = f"{other}, and '{unsure.name}' may be in {several}"
    return Finding(
        "warning", ours.name, problem, "xb.convert, with the unit that it is; name the column after it"
    )


def _stated(theirs: Profile, ours: Profile) -> Finding | None:
    """A contradiction between the units or currencies that two columns hold."""
    if theirs.stated is None or ours.stated is None or theirs.stated[0] != ours.stated[0]:
        return None
    kind, before, now = theirs.stated[0], theirs.stated[1], ours.stated[1]
    if before == now:
        return None
    problem = f"'{ours.name}' is {_listed(before)} in the source and {_listed(now)} in the target"
    into = sorted(before)[0]
    remedy = f"xb.convert(value, {quoted(ours.name)}, '{into}') with '{into}' in {quoted(ours.name)}"
    if kind == "currency":
        remedy = f"xb.to_currency(amount, {quoted(ours.name)}, '{into}', rates) with '{into}' in that column"
    return Finding("warning" if before & now else "error", ours.name, problem, remedy)


def quoted(name: str) -> str:
    """A column's name as SQL writes it, in quotes where it is a word of SQL or no small word."""
    plain = name.isidentifier() and name == name.lower() and name not in _RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


_WORDS = """
all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case
cast check collate collation column concurrently constraint create cross default deferrable desc
describe distinct do else end except false fetch for foreign freeze from full glob group having
ilike in initially inner intersect into is isnull join lambda lateral leading left like limit
natural not notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider
placing positional primary qualify references returning right select semi show similar some
summarize symmetric table tablesample then to trailing true union unique unpack unpivot using
variadic verbose when where window with
"""
_RESERVED = frozenset(_WORDS.split())
"""Words that DuckDB takes for no column's name without quotes."""


def _listed(values: frozenset[str]) -> str:
    shown = sorted(values)
    return ", ".join(shown[:3]) + (f" (+{len(shown) - 3} more)" if len(shown) > 3 else "")
