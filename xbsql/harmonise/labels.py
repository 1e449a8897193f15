"""A label that two markets call by two names, or that is numbers in text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from xbsql import errors
from xbsql.harmonise.lint_texts import MARKETS, distinct, reading
from xbsql.harmonise.written import read_numbers

if TYPE_CHECKING:
    import pyarrow as pa

SERIES = {"unique_id", "ds"}
"""Columns by which a table is known to hold series."""


class LabelNames(NamedTuple):
    """A target whose label is called as at home.

    Attributes:
        data: the rows, with the label's column renamed.
        label: its name at home.
        options: those given, without the label in 'align'.
    """

    data: pa.Table
    label: str
    options: dict[str, Any]


def of_one_label(
    where: str,
    data: pa.Table,
    label: str,
    options: Mapping[str, Any],
    home: str | None,
    source: pa.Table | None,
) -> LabelNames:
    """Call the target's label as the home market does.

    The names differ where 'align' says so, or where a base was fitted on a label of
    another name. `label` may be either of the two.

    Args:
        where: the function, for errors.
        data: the target's rows.
        label: the label as the user calls it.
        options: with 'align', true or the target's columns by the home market's.
        home: the label of the base; None without one.
        source: the home market's rows, or None.

    Raises:
        XbsqlError: the target or the source lacks the label, or the target has both names.
    """
    given = options.get("align")
    pairs: dict[str, str] = dict(given) if isinstance(given, Mapping) else {}
    abroad = label
    if label not in data.column_names:
        abroad = next(
            (name for name, theirs in pairs.items() if theirs == label and name in data.column_names), label
        )
    if abroad not in data.column_names:
        unknown = errors.unknown(where, "label column", label, data.column_names, place="the table has")
        remedy = "name it as the target does, or add one (NULL AS ...) where no row has a label"
        raise errors.XbsqlError(f"{unknown}; {remedy}")
    theirs = pairs.pop(abroad, None) or (label if source is not None else home) or label
    if source is not None and theirs not in source.column_names:
        unknown = errors.unknown(where, "label column", theirs, source.column_names, place="the source has")
        raise errors.XbsqlError(
            f"{unknown}; say what it is called there: options {{'align': {{'{abroad}': '...'}}}}"
        )
    if theirs == abroad:
        return LabelNames(data, label, dict(options))
    if theirs in data.column_names:
        raise errors.invalid(where, f"the table has both '{abroad}' and '{theirs}'", "leave one out")
    renamed = [theirs if name == abroad else name for name in data.column_names]
    rest = {"align": pairs} if isinstance(given, Mapping) else {}
    return LabelNames(data.rename_columns(renamed), theirs, {**options, **rest})


def refuse_written(where: str, data: pa.Table, label: str, task: str) -> None:
    """Refuse to learn the values of series as classes because they are text, where nobody asked for classes.

    Raises:
        XbsqlError: the table holds series, the task that goes by the label's type is 'classify', and the
            texts are numbers.
    """
    if task != "classify" or not set(data.column_names) >= SERIES:
        return
    values = distinct(data[label])
    if len(values) and reading(values, read_numbers, MARKETS) is not None:
        problem = f"the table holds series, and their values '{label}' are text"
        remedy = f"cast them ({label}::DOUBLE) for a forecast, or say task := 'classify'"
        raise errors.invalid(where, problem, remedy)
