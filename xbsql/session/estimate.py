"""Seconds and memory of a call before it is made: the facts of its rows, priced by the cost model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, tasks
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text
from xbsql.session.cost import FUNCTIONS, Facts, cost_model, priced, probe
from xbsql.tasks.options import CrossingOptions, described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.session.session import Session
    from xbsql.tasks.task import Task

PRICED = ("classify", "predict")
"""Tasks whose fits and transfers the cost model has measured."""
LOOKED_AT = 2000
"""Rows whose texts and levels are looked at."""
A_PICTURE = 0.058
"""Seconds of the usual networks a picture, on the machine of the cost model."""
READ = {"number": 1, "boolean": 1, "date": 4, "category": 1}
"""Roles of columns, and how many numbers each becomes."""
MOST_LEVELS = 40
"""Levels of a category that are a column of a line, see `engine.design`."""


def estimate(
    session: Session,
    function: str,
    table: pa.Table,
    label: str,
    base: str | None,
    other: pa.Table | None,
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """What a call would take.

    Args:
        session: where the home model is.
        function: one of `FUNCTIONS`.
        table: its rows; of a match the left catalogue.
        label: its label column; of a match the text column of both.
        base: the home model, or None.
        other: the home rows, or None; of a match the right catalogue.
        options: of the call.

    Returns:
        One row: function, rows, seconds (of one processor of this machine), gb (beside what is held already).

    Raises:
        XbsqlError: another function, no such column or model, or a match without a right catalogue.
    """
    where = "xb.estimate"
    if function not in FUNCTIONS:
        raise errors.unknown(where, "function", function, FUNCTIONS)
    for rows in (table, *([] if other is None else [other])):
        if label not in rows.column_names:
            raise errors.unknown(where, "column", label, rows.column_names, place="the table has")
    if function == "match":
        if other is None:
            raise errors.invalid(where, "a match has two catalogues", "give the right one as `source`")
        facts = Facts(len(table), len(other), characters=mean_length(table[label]))
    else:
        model = None if base is None else session.model(where, base)
        if model is not None:
            refuse_unpriced(where, model.signature.task)
        facts = facts_of(where, table, label, other, model is not None, options)
    seconds, held = priced(function, facts)
    scale = probe() / cost_model()["probe"]
    rows_read = len(table) + (0 if other is None else len(other))
    seconds += sum(_looking(rows, label, options) for rows in (table, other) if rows is not None)
    return [{"function": function, "rows": rows_read, "seconds": seconds * scale, "gb": held}]


def _looking(table: pa.Table, label: str, options: Mapping[str, Any]) -> float:
    """Seconds that the pictures of a table take to be looked at."""
    from xbsql.tasks.reader import read_roles

    pictures = [name for name, role in read_roles(table, label, options).items() if role == "picture"]
    return A_PICTURE * float(sum(len(table) - table[name].null_count for name in pictures))


def facts_of(
    where: str,
    table: pa.Table,
    label: str,
    home: pa.Table | None,
    based: bool,
    options: Mapping[str, Any],
) -> Facts:
    """The facts of a fit, a transfer or a label curve.

    Args:
        where: the SQL function.
        table: the rows.
        label: the label column.
        home: the home rows, or None.
        based: whether there is a home model.
        options: of the call.

    Raises:
        XbsqlError: the task of these rows is not priced, or has no such option.
    """
    from xbsql.tasks.reader import read_roles

    column = table[label]
    both = (
        column if home is None else pa.chunked_array([*as_text(column).chunks, *as_text(home[label]).chunks])
    )
    task = tasks.task_of(where, table.schema if home is None else home.schema, label, options)
    refuse_unpriced(where, kind := task.name)
    _refuse_unknown(where, task, options)
    found = read_roles(table, label, options)
    text = [name for name, role in found.items() if role == "text"]
    columns = {name: role for name, role in found.items() if role in READ}
    levels = sum(_levels(table[name]) if role == "category" else READ[role] for name, role in columns.items())
    return Facts(
        labels=len(column) - column.null_count,
        others=column.null_count,
        home=0 if home is None else len(home) - home[label].null_count,
        fit_home=home is not None and not based,
        classes=max(pc.count_distinct(both).as_py(), 2) if kind == "classify" else 1,
        columns=sum(READ[role] for role in columns.values()),
        levels=levels,
        characters=sum(mean_length(table[name]) for name in text),
        home_seen=based or home is not None,
    )


def refuse_unpriced(where: str, task: str) -> None:
    """Refuse a task whose work the cost model has not measured.

    Raises:
        XbsqlError: it is none of `PRICED`.
    """
    if task not in PRICED:
        problem = f"what the task '{task}' takes is not known, only that of {' and '.join(PRICED)}"
        raise errors.invalid(where, problem, "time a fit of a few rows")


def _refuse_unknown(where: str, task: Task[Any, Any], options: Mapping[str, Any]) -> None:
    """Refuse options that are those of another task: the call they are of is not priced.

    Raises:
        XbsqlError: the task of these rows has no such option.
    """
    _, rest = task.options.split(where, options)
    for name in rest:
        if name not in described(CrossingOptions):
            raise errors.unknown(where, f"option of the task '{task.name}'", name, described(task.options))


def _levels(column: pa.ChunkedArray) -> int:
    """Columns of a line that a category becomes."""
    return min(int(pc.count_distinct(_some(column)).as_py()), MOST_LEVELS)


def mean_length(column: pa.ChunkedArray) -> float:
    """Mean length of the texts, in characters."""
    return float(pc.mean(pc.utf8_length(as_text(_some(column)))).as_py() or 0.0)


def _some(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.take(pa.array(drawn(len(column), LOOKED_AT)))
