"""Sizes of shoes and clothes in the systems of several markets: EU 38, UK 5 and US 7.5 are one."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final

_TABLE: Final = Path(__file__).with_name("sizes.csv")
_ALSO: Final = {"EU": ("DE",), "US": ("USA",)}
"""Other names of a system."""


@cache
def systems() -> tuple[str, ...]:
    """What there is a table of, in order."""
    return tuple(sorted({row["system"] for row in _rows()}))


@cache
def spellings(system: str) -> dict[str, list[str]]:
    """The European size -> how it is written elsewhere: 'EU 38' -> ['38 EU', 'UK 5', '5 UK', ...].

    A number is read beside the name of its system alone: UK 10 is EU 38 for a dress and EU 44.5 for a shoe,
    and 10 is neither. Makers differ by half a size and more; the table is the usual one of British and
    American shops (women's US shoes 2.5 above UK, men's 1).

    Args:
        system: one of `systems`.
    """
    found: dict[str, list[str]] = {}
    for row in _rows():
        if row["system"] != system:
            continue
        sizes = {name: size for name, size in row.items() if name != "system" and size}
        written = [(each, size) for name, size in sizes.items() for each in (name, *_ALSO.get(name, ()))]
        found[f"EU {row['EU']}"] = [
            form for name, size in written for form in (f"{name} {size}", f"{size} {name}", f"{name}{size}")
        ]
    return found


@cache
def _rows() -> list[dict[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
