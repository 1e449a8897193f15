"""Rows of late beside those that a model was fitted on: columns, texts and pictures by meaning, labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.engine import drift
from xbsql.engine.design import dense
from xbsql.features.drawn import drawn
from xbsql.features.encoder import encoder
from xbsql.features.roles import as_text
from xbsql.features.text import embed_texts
from xbsql.tasks.home_fit import HEADLINES
from xbsql.tasks.reach import as_kept, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from xbsql.engine.drift import Moved
    from xbsql.features.column import Column
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import AnyRowTask

WHERE = "xb.drift"
FEWEST = 20
MOST = 20_000
"""Rows of late that are looked at."""

MATTERS: Mapping[str, float] = {"ks": 0.05, "missing": 0.05, "psi": 0.1, "mmd2": 0.0}
"""Distances below are no alarm, however sure they are."""


class Finding(NamedTuple):
    """One measure of one column, before its p is corrected."""

    column: str
    measure: str
    moved: Moved
    evidence: str


@dataclass(frozen=True)
class Side:
    """Rows as they are compared.

    Attributes:
        table: a column of numbers each, NaN for NULL; of a category its codes. Shape (n, columns).
        text: embeddings, shape (n, d); None without text.
        picture: vectors of pictures, shape (n, d), NaN where none can be read; None without.
        empty: by column of text the rows that say nothing there, bool, shape (n,); of rows that a model keeps
            all columns of text together, since it keeps what their meaning was and not which one said it.
    """

    table: Floats
    text: NDArray[np.float32] | None
    picture: NDArray[np.float32] | None = None
    empty: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table)


def drifted(
    task: AnyRowTask, model: RowModel, rows: pa.Table, reference: pa.Table | None, alpha: float
) -> list[dict[str, Any]]:
    """See `xb.drift`.

    Args:
        task: the model's.
        model: with a `reach`, where no reference is given.
        rows: under the names that the model reads; labelled or not.
        reference: rows to compare with; None: those that the model keeps.
        alpha: the probability of a false alarm among all columns.

    Raises:
        XbsqlError: too few rows, or nothing to compare them with.
    """
    rows = rows.take(drawn(len(rows), MOST))
    known, now = _sides(model, rows, reference)
    for name, side in (("tbl", now), ("the reference", known)):
        if len(side) < FEWEST:
            raise errors.invalid(WHERE, f"{name} has {len(side)} rows", f"give {FEWEST} rows or more")
    found = list(_columns(model, known, now))
    labels = [] if reference is None else list(_labels(task, model, reference, rows))
    corrected = drift.holm([each.moved.p for each in (*found, *labels)])
    told = [_row(each, p, alpha) for each, p in zip((*found, *labels), corrected.tolist(), strict=True)]
    told.sort(key=lambda row: (not row["alarm"], row["p"], -row["value"]))
    return [*told, *_performance(task, model, rows, reference)]


def _row(finding: Finding, p: float, alpha: float) -> dict[str, Any]:
    value = finding.moved.value
    alarm = p <= alpha and value > MATTERS[finding.measure]
    return {
        "column": finding.column, "measure": finding.measure, "value": value, "p": p, "alarm": alarm,
        "evidence": finding.evidence,
    }  # fmt: skip


def _read(model: RowModel, rows: pa.Table) -> Side:
    x = model.reader.read(rows)
    table = dense(x["table"]) if "table" in x else np.empty((len(rows), 0))
    text, picture = (
        np.asarray(dense(x[view]), np.float32) if view in x else None for view in ("text", "picture")
    )
    shown = None if picture is None else _shown(picture)
    empty = {} if text is None else _empty(model, rows)
    return Side(np.asarray(table, np.float64), text, shown, empty)


def _sides(model: RowModel, rows: pa.Table, reference: pa.Table | None) -> tuple[Side, Side]:
    """What rows are compared with, and the rows, both told alike.

    Raises:
        XbsqlError: no reference is given and the model keeps no row.
    """
    now = _read(model, rows)
    if reference is not None:
        return _read(model, reference.take(drawn(len(reference), MOST))), now
    reach = getattr(model, "reach", None)
    if reach is None:
        raise errors.invalid(WHERE, "the model keeps no rows of its fit", "give reference := the rows it had")
    width = len(model.reader.table.names)
    vectors, table = columns_of(reach, width)
    _, told = columns_of(as_kept(reach, model.reader.read(rows)), width)
    numbers = np.setdiff1d(np.arange(width), model.reader.table.categorical)
    told[:, numbers] = np.where(np.isnan(now.table[:, numbers]), np.nan, told[:, numbers])
    text, picture = _parted(vectors, now)
    if text is None or now.text is None:
        return Side(table, text, picture), replace(now, table=told)
    name, nothing = " + ".join(model.reader.text), embed_texts([""], encoder())[0]
    known = {name: np.isclose(text, nothing, atol=1e-5).all(axis=1)}
    late = {name: np.all(list(now.empty.values()), axis=0)}
    return Side(table, text, picture, known), replace(now, table=told, empty=late)


def _empty(model: RowModel, rows: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """By column of text, the rows where it is NULL or blank."""
    table = model.reader.at_home(rows)
    filled = {name: pc.utf8_trim_whitespace(as_text(table[name]).fill_null("")) for name in model.reader.text}
    return {name: pc.equal(column, "").to_numpy() for name, column in filled.items()}


def _parted(
    vectors: NDArray[np.float32] | None, now: Side
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Kept vectors as those of texts and of pictures, which lie side by side in this order."""
    if vectors is None:
        return None, None
    text, picture = np.split(vectors, [0 if now.text is None else now.text.shape[1]], axis=1)
    return None if now.text is None else text, None if now.picture is None else _shown(picture)


def _shown(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of pictures, NaN for the zero vector of a row without one that can be read."""
    return np.where(pictures.any(axis=1, keepdims=True), pictures, np.float32("nan"))


def _columns(model: RowModel, known: Side, now: Side) -> Iterator[Finding]:
    """Every column, a date by its day, and the texts together."""
    encoder = model.reader.table
    places = {name: place for place, name in enumerate(encoder.names)}
    for column in encoder.columns:
        if column.role == "vector":
            own = [places[output] for output in column.outputs]
            sides = [side.table[:, own] for side in (known, now)]
            null = [np.asarray(np.isnan(side).any(axis=1)) for side in sides]
            yield from _missing(column.name, null[0], null[1], "NULL")
            yield from _meaning(column.name, _whole(sides[0]), _whole(sides[1]), "vectors")
            continue
        outputs = [f"{column.name}.days"] if column.role == "date" else column.outputs
        for output in outputs:
            yield from _column(column, output, known.table[:, places[output]], now.table[:, places[output]])
    for name in known.empty:
        yield from _missing(name, known.empty[name], now.empty[name], "no text")
    if known.text is not None and now.text is not None:
        yield from _meaning(" + ".join(model.reader.text), known.text, now.text, "texts")
    if known.picture is not None and now.picture is not None:
        name, here, there = " + ".join(model.reader.pictures), known.picture, now.picture
        lacking = "no picture that can be read"
        yield from _missing(name, np.isnan(here[:, 0]), np.isnan(there[:, 0]), lacking)
        yield from _meaning(name, _whole(here), _whole(there), "pictures")


def _whole(rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The rows that are there."""
    return np.asarray(rows[~np.isnan(rows).any(axis=1)], np.float32)


def _meaning(name: str, known: NDArray[np.float32], now: NDArray[np.float32], what: str) -> Iterator[Finding]:
    """Vectors as a whole."""
    here, there = (side[drawn(len(side), drift.MOST_IN_MEMORY // 2)] for side in (known, now))
    if min(len(here), len(there)) >= 2:
        evidence = f"{len(there)} {what} against {len(here)}, {drift.PERMUTATIONS} permutations"
        yield Finding(name, "mmd2", drift.mmd(here, there), evidence)


def _missing(name: str, known: NDArray[np.bool_], now: NDArray[np.bool_], what: str) -> Iterator[Finding]:
    """How many rows lack a value, where that is not what it was."""
    shares = [float(side.mean()) for side in (known, now)]
    if shares[0] != shares[1]:
        counts = [np.array([side.sum(), (~side).sum()], np.float64) for side in (known, now)]
        moved = drift.shares_moved(*counts)._replace(value=abs(shares[1] - shares[0]))
        yield Finding(name, "missing", moved, f"{what} in {shares[1]:.1%}; was {shares[0]:.1%}")


def _column(column: Column, name: str, known: Floats, now: Floats) -> Iterator[Finding]:
    here, there = known[~np.isnan(known)], now[~np.isnan(now)]
    yield from _missing(name, np.isnan(known), np.isnan(now), "NULL")
    if not len(here) or not len(there):
        return
    if column.role in ("category", "boolean"):
        width = int(max(here.max(), there.max())) + 2  # -1 are others
        counts = [
            np.bincount(np.rint(s).astype(np.int64) + 1, minlength=width).astype(np.float64)
            for s in (here, there)
        ]
        yield Finding(name, "psi", drift.shares_moved(*counts), _most(column, counts))
        return
    evidence = f"median {np.median(there):.4g}; was {np.median(here):.4g}; psi {drift.psi(here, there):.2f}"
    yield Finding(name, "ks", drift.ks(here, there), evidence)


def _most(column: Column, counts: list[Floats]) -> str:
    """Which value moved most, and how many rows have a new one; counts begin with those of all others."""
    shares = [side / side.sum() for side in counts]
    moved = np.abs(shares[1] - shares[0])
    most = int((moved if moved.any() else shares[0]).argmax())
    named = ("any other value", *(column.coded if column.role == "category" else ("false", "true")))
    name = named[most] if most < len(named) else "a new value"
    new = int(counts[1][counts[0] == 0].sum())
    told = f"{name}: {shares[1][most]:.1%}; was {shares[0][most]:.1%}"
    return told + (f"; {new} rows of values that were not there" if new else "")


def _labels(task: AnyRowTask, model: RowModel, reference: pa.Table, rows: pa.Table) -> Iterator[Finding]:
    """The label, where both sides have some."""
    label = model.label
    if any(
        label not in side.column_names or side[label].null_count == len(side) for side in (reference, rows)
    ):
        return
    found = [task.labels(WHERE, side, label) for side in (reference, rows)]
    y = [np.asarray(task.truth(each)) for each in found]
    if y[0].dtype.kind == "f":
        evidence = f"median {np.median(y[1]):.4g}; was {np.median(y[0]):.4g}"
        yield Finding(label, "ks", drift.ks(y[0], y[1]), evidence)
        return
    names, codes = np.unique(np.concatenate(y).astype(str), return_inverse=True)
    counts = [np.bincount(c, minlength=len(names)).astype(np.float64) for c in np.split(codes, [len(y[0])])]
    shares = [side / side.sum() for side in counts]
    most = int(np.abs(shares[1] - shares[0]).argmax())
    evidence = f"'{names[most]}' {shares[1][most]:.1%}; was {shares[0][most]:.1%}"
    yield Finding(label, "psi", drift.shares_moved(*counts), evidence)


def _performance(
    task: AnyRowTask, model: RowModel, rows: pa.Table, reference: pa.Table | None
) -> Iterator[dict[str, Any]]:
    """What the model is worth on these rows, with labels and without."""
    label = model.label
    if reference is not None:
        for name, value in task.unlabelled_fit(model, reference, rows).items():
            yield _told(label, name, value, "of the classes' shares, told without labels")
    confidence = getattr(model, "confidence", None)
    if confidence is not None:
        probability = model.predictor.predict(model.reader.read(rows))
        evidence = f"told without labels, by how sure the model is; it was tried on {confidence.rows} rows"
        yield _told(label, "expected accuracy", confidence.expected(probability), evidence)
    if label not in rows.column_names:
        return
    # What it was fitted on says nothing of what it is worth.
    known = np.zeros(len(rows), bool) if model.seen is None else model.seen.among(rows, label)
    known &= np.asarray(rows[label].is_valid().combine_chunks().to_numpy(zero_copy_only=False), bool)
    rows = rows.filter(pa.array(~known))
    if rows[label].null_count < len(rows):
        scores = {row["metric"]: row for row in task.evaluated(model, rows, label, None)}
        name = next(name for name in HEADLINES if name in scores)
        lo, hi = scores[name]["lo"], scores[name]["hi"]
        ends = "" if lo is None else f", 95 % interval {lo:.3f} to {hi:.3f}"
        told = f" that it does not know ({int(known.sum())} of the fit left out)" if known.any() else ""
        evidence = f"of {scores[name]['rows']} labelled rows{told}{ends}"
        yield _told(label, name, scores[name]["value"], evidence)


def _told(column: str, measure: str, value: float | None, evidence: str) -> dict[str, Any]:
    return {
        "column": column,
        "measure": measure,
        "value": value,
        "p": None,
        "alarm": None,
        "evidence": evidence,
    }
