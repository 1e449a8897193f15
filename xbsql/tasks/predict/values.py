"""Labels as values: what a column of numbers holds, and what cannot be learned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.roles import kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats


REACH = 1e30
"""Largest size of a label: trees hold labels in single precision, and squares have to stay finite."""


class ValueLabels(NamedTuple):
    """A label column.

    Attributes:
        present: bool, shape (rows,): where the label is not NULL.
        y: float64, shape (n,): the labels that are present.
    """

    present: NDArray[np.bool_]
    y: Floats


def values_of(where: str, table: pa.Table, label: str) -> ValueLabels:
    """The labels of a table.

    Raises:
        XbsqlError: no such column or two, it holds no numbers, some that are infinite or NaN, or such as lie
            beyond `REACH` or within its inverse.
    """
    if label not in table.column_names:
        raise errors.unknown(where, "label column", label, table.column_names, place="the table has")
    if table.column_names.count(label) > 1:
        raise errors.invalid(where, f"two columns are named '{label}'", "give one another name (AS)")
    column = table[label]
    if kind_of(column.type) not in ("number", "null"):
        problem = f"label column '{label}' holds {column.type}, and values are numbers"
        raise errors.invalid(where, problem, f"cast it ({label}::DOUBLE)")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    present = pc.is_valid(column).to_numpy()
    y = np.array(column.drop_null().cast(pa.float64(), safe=False).to_numpy(), np.float64)
    if wrong := int(np.count_nonzero(~np.isfinite(y))):
        problem = f"label column '{label}' is infinite or NaN in {wrong} rows"
        raise errors.invalid(where, problem, "set these to NULL or leave them out")
    most = float(np.abs(y).max(initial=0.0))
    if most and not 1 / REACH <= most <= REACH:
        problem = f"label column '{label}' holds values up to {most:.3g} in size"
        raise errors.invalid(where, problem, f"give it in another unit ({label} / {most:.0e})")
    return ValueLabels(present, y)


def varied(where: str, label: str, found: ValueLabels, least: int = 0) -> ValueLabels:
    """The labels, if they are not all the same; fewer than `least` are not looked at.

    Raises:
        XbsqlError: they are.
    """
    if len(found.y) >= least and (found.y == found.y[:1]).all():
        rows = f"only the value {found.y[0]:g}" if len(found.y) else "no label, every row is NULL"
        raise errors.invalid(where, f"label column '{label}' holds {rows}", "give rows of several values")
    return found
