"""What each kind of problem is: its features, its candidates and the loss of one unit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text

if TYPE_CHECKING:
    from types import ModuleType

TASKS = ("classify", "predict", "forecast")


def task_module(where: str, name: str) -> ModuleType:
    """The module of a task; importing it also registers the kinds of objects its models are made of.

    Raises:
        XbsqlError: no such task.
    """
    if name not in TASKS:
        raise errors.unknown(where, "task", name, TASKS)
    return import_module(f"xbsql.tasks.{name}")


def task_of(where: str, label: pa.Field) -> str:
    """The task that a label's type asks for: text and booleans are classes, numbers are values.

    Raises:
        XbsqlError: no task takes labels of this type.
    """
    if is_text(label.type) or pa.types.is_boolean(label.type):
        return "classify"
    if any(test(label.type) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)):
        return "predict"
    problem = f"label column '{label.name}' holds {label.type}, and labels are numbers, VARCHAR or BOOLEAN"
    raise errors.invalid(where, problem, f"cast it ({label.name}::VARCHAR or ::DOUBLE)")
