"""Values of attributes in one spelling for all markets."""

from __future__ import annotations

from xbsql.extraction.titles import plain
from xbsql.harmonise.quantities import COUNT, quantities


def canonical(attribute: str, value: str, *, same: bool = False) -> str | None:
    """A value as every market would write it; None where that cannot be told.

    Args:
        attribute: its name.
        value: as it is written.
        same: whether the attribute is written alike everywhere: then case and width alone are made one.
    """
    if same:
        return plain(value).strip()
    found = quantities(value)
    if len(found) == 1:
        number = f"{found[0].value:.10g}"
        return f"{number} pieces" if found[0].unit == COUNT else f"{number} {found[0].unit}"
    return None
