"""What each kind of problem is: its features, its candidates and the loss of one unit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from xbsql.store.model import Model
    from xbsql.tasks.task import Done, Task

TASKS = ("classify", "predict", "forecast", "translate", "extract", "recommend", "profile")
"""Each has a folder of its name, whose module `task` holds it as TASK. A later one reads a more special
table: of several that accept one, the last is meant."""


def task_named(where: str, name: str) -> Task[Model, Done]:
    """The task of this name; importing it also registers the kinds of objects its models are made of.

    Raises:
        XbsqlError: no such task.
    """
    if name not in TASKS:
        raise errors.unknown(where, "task", name, TASKS)
    found: Task[Model, Done] = import_module(f"xbsql.tasks.{name}.task").TASK
    return found


def task_of(where: str, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> Task[Model, Done]:
    """The task that a table asks for: text and booleans are classes, numbers are values, or those of series.

    Args:
        where: the SQL function.
        schema: of the table.
        label: its label column.
        options: as the user gives them.

    Raises:
        XbsqlError: no task takes labels of this type.
    """
    for name in reversed(TASKS):
        task = task_named(where, name)
        if task.accepts(schema, label, options):
            return task
    problem = (
        f"label column '{label}' holds {schema.field(label).type}, and labels are numbers, VARCHAR or BOOLEAN"
    )
    raise errors.invalid(where, problem, f"cast it ({label}::VARCHAR or ::DOUBLE)")
