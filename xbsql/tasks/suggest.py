"""Which rows to label next: those from which a model learns most, and some drawn at random as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.engine.blend import Blend
from xbsql.engine.design import Layout, dense, fit_design
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.row_model import RowModel

RANDOM_SHARE: Final = 0.25
"""Of the rows: drawn at random from those that are not chosen, so that they are fair to the market."""

MOST_ROWS: Final = 2000
"""Unlabelled rows that are looked at, drawn from all, and labelled rows that they are compared with."""

WIDTH: Final = 0.3
"""Of the kernel, in median squared distances."""

NOISE: Final = 0.3
"""Variance of a label beside the kernel's 1."""


SAME: Final = 0.9999
"""Likeness from which on a row is a copy: its label is known."""

TINY: Final = np.float32(1e-6)


class Doubt(NamedTuple):
    """How unsure a model is of each row.

    Attributes:
        wrong: shape (n,): probability that the answer is wrong, or how far the members' values lie apart
            (standard deviation).
        torn: shape (n,): 1 less the margin over the runner-up, times what a label would say of which member
            is right, see `told`; of values, and of a model of one member, without the latter.
    """

    wrong: Floats
    torn: Floats


@dataclass(frozen=True)
class Suggestion:
    """Rows to label, the most useful first.

    Attributes:
        rows: int64, shape (n,): places in the table.
        drawn: bool, shape (n,): whether a row was drawn at random.
        weight: float64, shape (n,), of mean 1: what a row counts where the labels are to stand for the whole
            market. A chosen row stands for itself; those at random stand for all that were not chosen.
        doubt: float64, shape (n,), see `Doubt.wrong`; NaN for random rows that were not looked at.
    """

    rows: NDArray[np.int64]
    drawn: NDArray[np.bool_]
    weight: Floats
    doubt: Floats

    def table(self) -> pa.Table:
        """Row (its place, from 1), part ('chosen' or 'random'), weight, doubt."""
        return pa.table({
            "row": pa.array(self.rows + 1),
            "part": pa.array(np.where(self.drawn, "random", "chosen").tolist(), pa.string()),
            "weight": pa.array(self.weight),
            "doubt": pa.array(self.doubt, from_pandas=True),
        })  # fmt: skip


def suggest(model: RowModel, table: pa.Table, n: int, *, by: str | None = None, seed: int = 0) -> Suggestion:
    """The rows whose labels bring most.

    Three quarters are chosen one by one: the row that takes away most doubt from all rows, times the model's
    own doubt of it. How much doubt a label takes from rows like it is what it takes from the variance of a
    Gaussian process over the rows' features (transductive experimental design: Yu, Bi and Tresp, ICML 2006),
    each row weighted by how likely the model is wrong there. So a row is chosen where the model is unsure,
    where many rows are, and where nothing like it is labelled or chosen. Part of the model's own doubt is how
    far its members disagree: where all are unsure alike, a label says little. The others are drawn at random.

    Args:
        model: a home model or a transferred one.
        table: rows of the target; those with a label stay out, and count as known.
        n: how many, 1 or more; of fewer unlabelled rows all are given, copies last.
        by: a column, such as the market: its values get rows in proportion to how many have them.
        seed: of what is drawn.

    Raises:
        XbsqlError: n is no whole number from 1 on, no such column, or no row is without a label.
    """
    where = "xb.suggest_labels"
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise errors.invalid(where, f"n is {n!r}", "give a whole number, 1 or more")
    if by is not None and by not in table.column_names:
        raise errors.unknown(where, "column", by, table.column_names, place="the table has")
    labelled = np.zeros(table.num_rows, bool)
    if model.label in table.column_names:
        labelled = pc.is_valid(one_chunk(table[model.label])).to_numpy(zero_copy_only=False)
    free = np.flatnonzero(~labelled & ~model.reader.blank(table))
    if not len(free):
        raise errors.invalid(where, "every row has a label or no input", "give rows whose label is NULL")
    generator = np.random.default_rng(seed)
    n = min(n, len(free))
    seen = np.sort(generator.permutation(free)[:MOST_ROWS])
    known = np.flatnonzero(labelled)
    known = known[drawn(len(known), MOST_ROWS)]
    x = model.reader.read(table.take(pa.array(np.concatenate([known, seen]))))
    doubt = doubt_of(model, x.take(slice(len(known), None)))
    likeness = _likeness(x, model.reader.table.categorical)
    few = min(n - int(np.ceil(RANDOM_SHARE * n)), len(seen))
    room = _room(table, by, seen, few)
    chosen = seen[_greedy(likeness, len(known), doubt, room, few)]
    rest = generator.permutation(np.setdiff1d(free, chosen))[: n - few]
    return _ordered(chosen, rest, len(free), dict(zip(seen.tolist(), doubt.wrong.tolist(), strict=True)))


def doubt_of(model: RowModel, x: Features) -> Doubt:
    """How unsure a model is of rows; a predictor of values with one member is equally unsure everywhere."""
    prediction, blend = model.predictor.predict(x), model.predictor
    parts, weights = (blend.parts(x), blend.weights) if isinstance(blend, Blend) else ({}, {})
    if prediction.ndim == 2:
        best = np.sort(prediction, axis=1)[:, ::-1]
        second = best[:, 1] if best.shape[1] > 1 else np.zeros(len(best))
        torn, said = 1.0 - (best[:, 0] - second), told(prediction, parts, weights)
        return Doubt(1.0 - best[:, 0], torn * said if said.any() else torn)
    squares = (weights[name] * np.square(part - prediction) for name, part in parts.items())
    apart = np.sqrt(sum(squares, np.zeros(len(prediction))))
    return Doubt(apart, apart) if apart.any() else Doubt(apart + 1.0, apart + 1.0)


def told(blend: Floats, parts: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """What a label would say of which member is right (BALD: Houlsby et al., 2011), float64, shape (n,).

    It is the entropy of the blend less that of its members: large where each is sure of another class, 0
    where they agree, however unsure they are.

    Args:
        blend: probabilities of n rows, shape (n, classes).
        parts: those of its members by name.
        weights: of the members; they sum to 1.
    """
    if not parts:
        return np.zeros(len(blend))
    within = sum((weights[name] * _entropy(part) for name, part in parts.items()), np.zeros(len(blend)))
    return np.maximum(np.round(_entropy(blend) - within, 9), 0.0)


def _entropy(probability: Floats) -> Floats:
    return np.asarray(-np.sum(probability * np.log(np.maximum(probability, 1e-12)), axis=1))


def _likeness(x: Features, categorical: tuple[int, ...]) -> NDArray[np.float32]:
    """Kernel of the rows, 1 for equal ones: exp(-d / WIDTH), d the mean over the views of their distances."""
    apart = []
    for view in (name for name in ("text", "picture") if name in x):
        moved = dense(x[view]) - dense(x[view]).mean(axis=0)
        apart.append(_apart(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)))
    if "table" in x:
        apart.append(_apart(dense(fit_design(x, Layout(("table",), categorical))(x))))
    return np.asarray(np.exp(-np.mean(apart, axis=0) / WIDTH), np.float32)


def _apart(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Squared distances of all rows, in units of their median."""
    rows = rows.astype(np.float32)
    square = np.square(rows).sum(axis=1)
    found = np.maximum(square[:, None] + square - 2.0 * (rows @ rows.T), 0.0)
    return np.asarray(found / (np.median(found[found > 1e-6]) if (found > 1e-6).any() else 1.0), np.float32)


def _given(likeness: NDArray[np.float32], known: int) -> NDArray[np.float32]:
    """Covariance of the rows behind the first `known` ones, once the labels of these are there."""
    if not known:
        return likeness
    labels = likeness[:known, :known] + NOISE * np.eye(known, dtype=np.float32)
    across = likeness[:known, known:]
    return np.asarray(likeness[known:, known:] - across.T @ np.linalg.solve(labels, across), np.float32)


def _room(
    table: pa.Table, by: str | None, seen: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], Floats]:
    """The group of each row that is looked at, and how many of n rows each group may have."""
    if by is None:
        return np.zeros(len(seen), np.int64), np.array([float(n)])
    values = as_text(table[by].take(pa.array(seen)), by).combine_chunks().fill_null("")
    group = np.asarray(values.dictionary_encode().indices.to_numpy(), np.int64)
    return group, np.ceil(n * np.bincount(group) / len(seen))


def _greedy(
    likeness: NDArray[np.float32],
    known: int,
    doubt: Doubt,
    room: tuple[NDArray[np.int64], Floats],
    n: int,
) -> NDArray[np.int64]:
    """The n rows behind the `known` ones, each the best after those before it; of equal ones the lower.

    Copies of a known or chosen row come last, and so do rows of a group that has its share.
    """
    left, alike, (group, free) = _given(likeness, known).copy(), likeness[known:, known:], room
    wrong, torn = doubt.wrong.astype(np.float32) + TINY, doubt.torn.astype(np.float32) + TINY
    fresh = likeness[:known, known:].max(axis=0, initial=0.0) < SAME
    untaken, free, chosen = np.ones(len(left), bool), free.copy(), []
    for _ in range(n):
        variance = np.diag(left) + np.float32(NOISE)
        gain = np.where(fresh & (free[group] > 0), torn * (wrong @ np.square(left)) / variance, -1.0)
        row = int(np.where(untaken, gain, -2.0).argmax())
        chosen.append(row)
        fresh &= alike[row] < SAME
        untaken[row], free[group[row]] = False, free[group[row]] - 1
        left -= np.outer(left[:, row], left[:, row] / variance[row])
    return np.array(chosen, np.int64)


def _ordered(
    chosen: NDArray[np.int64], rest: NDArray[np.int64], free: int, doubt: dict[int, float]
) -> Suggestion:
    """Both parts mixed evenly, so that the first rows are a batch, too."""
    rows = np.concatenate([chosen, rest])
    at_random = np.arange(len(rows)) >= len(chosen)
    weight = np.where(at_random, (free - len(chosen)) / max(len(rest), 1), 1.0)
    place = [(np.arange(len(part)) + 0.5) / max(len(part), 1) for part in (chosen, rest)]
    order = np.argsort(np.concatenate(place), kind="stable")
    found = np.array([doubt.get(row, np.nan) for row in rows.tolist()])
    return Suggestion(rows[order], at_random[order], (weight / weight.mean())[order], found[order])
