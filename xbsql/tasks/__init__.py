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
        XbsqlError: no task takes labels of this type, or an option that only another task has.
    """
    for name in reversed(TASKS):
        task = task_named(where, name)
        if task.accepts(schema, label, options):
            _refuse_options_of_another(where, task, options)
            return task
    problem = (
        f"label column '{label}' holds {schema.field(label).type}, and labels are numbers, VARCHAR or BOOLEAN"
    )
    raise errors.invalid(where, problem, f"cast it ({label}::VARCHAR or ::DOUBLE)")


def _refuse_options_of_another(where: str, task: Task[Model, Done], options: Mapping[str, Any]) -> None:
    """Refuse options that the task found does not have and another has: that one was meant."""
    from xbsql.tasks.options import CrossingOptions, described

    own = {*described(task.options), *described(CrossingOptions)}
    for option in (option for option in options if option not in own):
        others = [name for name in TASKS if option in described(task_named(where, name).options)]
        if others:
            problem = (
                f"'{option}' is an option of {' and '.join(others)}, and this table reads as {task.name}"
            )
            raise errors.invalid(
                where, problem, f"give task := '{others[0]}' where that is meant, or leave '{option}' out"
            )
