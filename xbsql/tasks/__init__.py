"""What each kind of problem is: its features, its candidates and the loss of one unit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

TASKS = ("classify", "predict", "forecast")
SERIES = {"unique_id", "ds"}
"""Columns by which a table is known to hold series."""


def task_module(where: str, name: str) -> ModuleType:
    """The module of a task; importing it also registers the kinds of objects its models are made of.

    Raises:
        XbsqlError: no such task.
    """
    if name not in TASKS:
        raise errors.unknown(where, "task", name, TASKS)
    return import_module(f"xbsql.tasks.{name}")


def task_of(where: str, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> str:
    """The task that a table asks for: text and booleans are classes, numbers are values, or those of series.

    Args:
        where: the SQL function.
        schema: of the table.
        label: its label column.
        options: with 'ts', or where the table has the columns unique_id and ds, numbers are a forecast's.

    Raises:
        XbsqlError: no task takes labels of this type.
    """
    kind = schema.field(label).type
    if is_text(kind) or pa.types.is_boolean(kind):
        return "classify"
    if any(test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)):
        return "forecast" if "ts" in options or set(schema.names) >= SERIES else "predict"
    problem = f"label column '{label}' holds {kind}, and labels are numbers, VARCHAR or BOOLEAN"
    raise errors.invalid(where, problem, f"cast it ({label}::VARCHAR or ::DOUBLE)")
