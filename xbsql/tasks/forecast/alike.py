"""Names of series that differ in case or blanks alone: surely one thing to whoever wrote them, two to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.errors import shown
from xbsql.features.normal import uncased

if TYPE_CHECKING:
    from collections.abc import Sequence


def alike_notes(names: Sequence[str], home: Sequence[str]) -> list[str]:
    """What there is to say of the names of a market's series, among themselves and beside home's.

    Args:
        names: of the market's series.
        home: of home's; empty without a home.
    """
    notes, first, there = [], dict[str, str](), set(home)
    pairs = [(name, first[key]) for name in names if first.setdefault(key := uncased(name), name) != name]
    if pairs:
        said = f"{len(pairs)} series are named as another but for case or blanks and are told apart"
        notes.append(f"{said} ({_shown(*pairs[0])})")
    theirs = {uncased(name): name for name in home}
    strangers = [name for name in names if name not in there and uncased(name) in theirs]
    if strangers:
        said = f"{len(strangers)} series are named as at home but for case or blanks, and are new to home"
        notes.append(f"{said} ({_shown(strangers[0], theirs[uncased(strangers[0])])})")
    return notes


def _shown(one: str, other: str) -> str:
    return f"'{shown(one, 40)}' and '{shown(other, 40)}'"
