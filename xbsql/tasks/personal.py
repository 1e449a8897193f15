"""Columns that look personal are not learnt from until somebody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.arrow import is_text
from xbsql.features.personal import personal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

MOST_NAMED = 6
"""Columns that one error names."""


def refuse_personal(where: str, table: pa.Table, label: str, told: Iterable[str]) -> None:
    """Refuse columns that look like data of persons and of which nothing was said.

    Args:
        where: the SQL function.
        table: what is to be learnt from.
        label: the label column; of numbers it is not looked at.
        told: columns that the options name: to be read as text or categories, or not to be read.

    Raises:
        XbsqlError: there are such columns.
    """
    given = {*told, *(() if is_text(table.schema.field(label).type) else (label,))}
    found = personal(table, given)
    if label in found:
        problem = f"label column '{label}' looks like {found[label]}, and a model names its classes"
        raise errors.invalid(where, problem, f"learn another column, or say {{'category': ['{label}']}}")
    if not found:
        return
    said = ", ".join(f"'{name}' ({kind})" for name, kind in list(found.items())[:MOST_NAMED])
    more = f" (+{len(found) - MOST_NAMED} more)" if len(found) > MOST_NAMED else ""
    names = ", ".join(f"'{name}'" for name in found)
    raise errors.invalid(
        where,
        f"columns that look personal: {said}{more}",
        f"leave them out by options {{'ignore': [{names}]}}, or have them read all the same by naming them "
        "under 'text' or 'category'",
    )


def refuse_personal_ids(where: str, table: pa.Table, names: Iterable[str]) -> None:
    """Refuse series that are named by what looks like data of persons, where nobody said that they are.

    Raises:
        XbsqlError: they are.
    """
    found = personal(table.select([name for name in names if name in table.column_names]))
    for name, kind in found.items():
        problem = f"column '{name}' looks like {kind}, and a forecast holds the names of its series"
        raise errors.invalid(where, problem, f"hash it (md5({name}) AS {name}), or say {{'id': '{name}'}}")
