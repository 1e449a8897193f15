"""How far a row lies from the rows that a model was fitted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from xbsql import kernels
from xbsql.engine.design import Design, Layout, dense, fit_design
from xbsql.features.drawn import drawn
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

FAR = 1000.0
MOST_ROWS = 2048
"""Rows that are kept of what the model was fitted on."""


@restorable("reach")
@dataclass(frozen=True)
class Reach:
    """Rows that a model knows, and how far each of them lies from its nearest fellow.

    Attributes:
        design: of the view 'table'; None where there is none.
        vectors: float32, shape (n, d): embedding and standardised columns side by side.
        distances: float32, shape (n,): of each vector to the nearest other, ascending.
    """

    design: Design | None
    vectors: NDArray[np.float32]
    distances: NDArray[np.float32]

    def shift(self, x: Features) -> Floats:
        """Share of known rows that lie closer to their nearest fellow than this row does to its own.

        Returns:
            float64, shape (n,): about 0.5 for rows of the same market, 1 beyond all of them.
        """
        if not len(x):
            return np.empty(0)
        scores, _ = kernels.topk(_vectors(x, self.design), self.vectors, 1, metric="l2")
        place = np.searchsorted(self.distances, -scores[:, 0], side="left")
        return np.asarray(place / len(self.distances), np.float64)

    def state(self) -> State:
        """The rows as data."""
        parts = {} if self.design is None else {"design": self.design.state()}
        config = {"holds": "embeddings or standardised columns of training rows"}
        return State("reach", config, {"vectors": self.vectors, "distances": self.distances}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The rows again."""
        design = restore(state.parts["design"]) if "design" in state.parts else None
        return cls(design, state.arrays["vectors"], state.arrays["distances"])  # type: ignore[arg-type]


def fit_reach(x: Features, categorical: tuple[int, ...]) -> Reach:
    """Keep rows of what the model is fitted on.

    Args:
        x: at least one row, views 'text', 'picture' and 'table' or some of them.
        categorical: columns of 'table' that hold category codes.
    """
    rows = x.take(drawn(len(x), MOST_ROWS))
    design = _far(fit_design(rows, Layout(("table",), categorical))) if "table" in rows else None
    vectors = _vectors(rows, design)
    if len(vectors) == 1:
        return Reach(design, vectors, np.zeros(1, np.float32))
    scores, _ = kernels.topk(vectors, vectors, 2, metric="l2")
    return Reach(design, vectors, np.sort(-scores[:, 1]))


def shifts(reach: Reach | None, x: Features) -> pa.Array:
    """The shift of each row as an Arrow array, float64; NULL where there is no reach."""
    return pa.nulls(len(x), pa.float64()) if reach is None else pa.array(reach.shift(x))


def as_kept(reach: Reach, x: Features) -> Reach:
    """Rows as they would be kept: to be told as `columns_of` tells the kept ones."""
    return replace(reach, vectors=_vectors(x, reach.design))


def columns_of(reach: Reach, width: int) -> tuple[NDArray[np.float32] | None, Floats]:
    """What kept rows were: their embeddings, and the columns of 'table'.

    Args:
        reach: of the rows.
        width: columns of 'table'; those beyond the design's own are all NaN.

    Returns:
        float32 (n, d), None without text; float64 (n, width): numbers are NaN where they were missing; a
        category has the codes of its 40 most frequent levels, and -1 for NULL and all others.
    """
    found = np.full((len(reach.vectors), width), np.nan)
    if reach.design is None:
        return reach.vectors, found
    a = reach.design.arrays
    count = len(a["numbers"]) + len(a["indicated"]) + len(a["level_codes"])
    split = reach.vectors.shape[1] - count
    columns = np.asarray(reach.vectors[:, split:], np.float64) * np.sqrt(max(count, 1))
    numbers, missing, levels = np.split(columns, np.cumsum([len(a["numbers"]), len(a["indicated"])]), axis=1)
    found[:, a["numbers"]] = numbers * a["spread"] + a["mean"]
    indicated = a["numbers"][a["indicated"]]
    found[:, indicated] = np.where(missing > 0.5, np.nan, found[:, indicated])
    for column in reach.design.layout.categorical:
        own = a["level_columns"] == column
        hit = levels[:, own] > 0.5
        found[:, column] = -1.0
        if own.any():
            found[:, column] = np.where(hit.any(axis=1), a["level_codes"][own][hit.argmax(axis=1)], -1.0)
    return (reach.vectors[:, :split] if split else None), found


def _far(design: Design) -> Design:
    """The design with numbers held to a thousand deviations and not to what is usual: far out must show."""
    a = design.arrays
    ends = {"lo": a["mean"] - FAR * a["spread"], "hi": a["mean"] + FAR * a["spread"]}
    return Design(design.layout, {**a, **ends})


def _vectors(x: Features, design: Design | None) -> NDArray[np.float32]:
    parts = [dense(x[view]) for view in ("text", "picture") if view in x]
    if design is not None:
        columns = dense(design(x))
        parts.append(columns / np.sqrt(max(columns.shape[1], 1)))
    return np.ascontiguousarray(np.concatenate(parts, axis=1), np.float32)
