"""Why a model says what it says: what each column adds to each row's prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.engine.contribution import contributions
from xbsql.engine.question import Names, Question
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text
from xbsql.tasks.row_model import Explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.row_model import RowModel

MOST_BACKGROUND = 200
"""Rows of the background that are looked at."""

MOST_SUMMED = 2000
"""Rows that a mean contribution is taken over: tree SHAP takes a millisecond a row."""

BASE, HOME, MARKET, BOUNDS = "(base)", "(home model)", "(market)", "(bounds)"
"""Features that are no column: what an average row gets; a prediction of the home model that was not taken
apart; that the row is of the target; what was cut off at the bounds of the labels."""


@dataclass(frozen=True)
class Explanation:
    """What each feature adds to each row's prediction.

    Attributes:
        rows: int64, shape (n,): places in the table, ascending; rows without any input are left out.
            Where labels are paths a row stands once for each level of its likeliest path, the first first.
        labels: the explained class or node of each row; None where labels are values.
        features: names, F of them.
        parts: float64, shape (n, F): in the label's unit, or in probability of the explained class.
        base: float64, shape (n,): what an average row of the background gets; with the parts it sums to the
            prediction.
        values: each row's value of each feature as text; shape (F, n).
    """

    rows: NDArray[np.int64]
    labels: pa.Array | None
    features: tuple[str, ...]
    parts: Floats
    base: Floats
    values: list[pa.Array]

    def per_row(self) -> pa.Table:
        """One line a row and feature: row (from 1), label, feature, value, contribution; the base first.

        Features follow by the size of their contribution; those that add nothing to any row are left out.
        """
        seen = np.flatnonzero(self.parts.any(axis=0))
        parts = np.column_stack([self.base, self.parts[:, seen]])
        order = np.argsort(-np.abs(parts[:, 1:]), axis=1, kind="stable") + 1
        order = np.column_stack([np.zeros(len(parts), np.int64), order])
        n, width = order.shape
        names = pa.array([BASE, *(self.features[i] for i in seen)])
        values = pa.concat_arrays([pa.nulls(n, pa.string()), *(self.values[i] for i in seen)])
        at = np.repeat(np.arange(n), width)
        labels = pa.nulls(n, pa.string()) if self.labels is None else self.labels
        columns = {
            "row": pa.array(self.rows[at] + 1),
            "label": labels.take(pa.array(at)),
            "feature": names.take(pa.array(order.ravel())),
            "value": values.take(pa.array(order.ravel() * n + at)),
            "contribution": pa.array(parts[at, order.ravel()]),
        }
        return pa.table(columns)

    def summed(self) -> pa.Table:
        """One line a feature, the largest first: its mean absolute contribution; no row, label or value."""
        seen = np.flatnonzero(self.parts.any(axis=0))
        size = np.abs(self.parts[:, seen]).sum(axis=0) / max(len(self.parts), 1)
        order = np.argsort(-size, kind="stable")
        nothing = pa.nulls(len(order), pa.string())
        columns = {
            "row": pa.nulls(len(order), pa.int64()),
            "label": nothing,
            "feature": pa.array([self.features[seen[i]] for i in order], pa.string()),
            "value": nothing,
            "contribution": pa.array(size[order]),
        }
        return pa.table(columns)


def summed(model: RowModel, table: pa.Table, background: pa.Table | None = None) -> pa.Table:
    """Each feature's mean absolute contribution over the rows, at most 2,000 of them; else as `explain`."""
    behind = table if background is None else background
    return explain(
        model, table.take(pa.array(drawn(table.num_rows, MOST_SUMMED))), behind, deepest=True
    ).summed()


def explain(
    model: RowModel, table: pa.Table, background: pa.Table | None = None, *, deepest: bool = False
) -> Explanation:
    """What each column adds to each prediction, see `contributions` for how exact that is.

    All text columns together are one feature, as are all pictures, and the parts of a date.

    Args:
        model: of whole rows.
        table: the columns that the model reads.
        background: the same; what rows are compared with, by default `table` itself.
        deepest: of labels that are paths only the end of each row's likeliest path, and not all its levels.

    Raises:
        XbsqlError: the background is one row.
    """
    behind = table if background is None else background
    if behind.num_rows < 2:
        problem = "one row has no other to be compared with"
        raise errors.invalid("xb.explain", problem, "give background := the table that it comes from")
    rows = np.flatnonzero(~model.reader.blank(table))
    table, names = table.take(pa.array(rows)), names_of(model.reader)
    if not len(rows):
        nothing = np.empty((0, len(names.features)))
        return Explanation(rows, None, names.features, nothing, nothing[:, 0], _values(model.reader, table))
    some = pa.array(drawn(behind.num_rows, MOST_BACKGROUND))
    x, there = model.reader.read(table), model.reader.read(behind.take(some))
    prediction = model.predictor.predict(x)
    asked = [Explained(*model.chosen(prediction))] if deepest else model.explained(prediction)
    found = []
    for each in asked:
        question = Question(x, there, names, each.chosen, groups=each.groups)
        parts = contributions(model.predictor, question)
        base = question.of(prediction) - parts.sum(axis=1)
        found.append(Explanation(rows, each.labels, names.features, parts, base, []))
    return _level_by_level(found, _values(model.reader, table))


def _level_by_level(found: Sequence[Explanation], values: list[pa.Array]) -> Explanation:
    """What was found of some rows at each level as one, row by row; nothing of levels that a path lacks."""
    if found[0].labels is None:
        return replace(found[0], values=values)
    rows, labels = found[0].rows, pa.concat_arrays([each.labels for each in found])
    order = np.arange(len(labels)).reshape(len(found), len(rows)).T.ravel()
    order = order[labels.is_valid().to_numpy(zero_copy_only=False)[order]]
    parts, base = (np.concatenate([getattr(each, name) for each in found]) for name in ("parts", "base"))
    at = pa.array(order % len(rows))
    return Explanation(
        rows[np.asarray(at)], labels.take(pa.array(order)), found[0].features, parts[order], base[order],
        [value.take(at) for value in values],
    )  # fmt: skip


def names_of(reader: Reader) -> Names:
    """The features of what a reader reads: columns, all text as one, all pictures, and what is no column."""
    owners = [place for place, column in enumerate(reader.table.columns) for _ in column.outputs]
    columns = [column.name for column in reader.table.columns]
    features = (*columns, " + ".join(reader.text), " + ".join(reader.pictures), HOME, MARKET, BOUNDS)
    text = len(columns)
    views = {"text": text, "ngram": text, "pooled": text, "picture": text + 1}
    views |= {"source": text + 2, "market": text + 3}
    return Names(features, np.array(owners, np.int64), views, text + 4)


def _values(reader: Reader, table: pa.Table) -> list[pa.Array]:
    """The text of each feature, in their order."""
    table, nothing = reader.at_home(table), pa.nulls(table.num_rows, pa.string())
    found = []
    for column in reader.table.columns:
        held = table[column.name] if column.name in table.column_names else None
        found.append(nothing if held is None else one_chunk(as_text(held)).cast(pa.string()))
    text = reader.raw_texts(table).cast(pa.string()) if reader.text else nothing
    return [*found, text, *[nothing] * 4]
