"""Which columns of a table of labels a model follows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Follow:
    """What to follow.

    Attributes:
        label: the label column.
        ts: the column of moments; None: a call is one moment.
        id: the column that names rows; None.
        group: a column: rows of one value are one unit; None: every row is one.
        grown: where so large a share of the labels it was fitted on is new, the model is fitted again.
    """

    label: str
    ts: str | None = None
    id: str | None = None
    group: str | None = None
    grown: float = 0.2
