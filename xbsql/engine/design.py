"""Views of rows as one matrix that a learner can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from scipy import sparse

from xbsql.metrics.rows import SMALLEST_PROBABILITY
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.features.views import Features, Matrix

WINSOR = (0.02, 0.98)
"""Numbers beyond these quantiles are set to them, so that one outlier cannot bend a line."""

MOST_LEVELS = 40
"""Levels of a category that get a column of their own; the rarer ones share none."""


@dataclass(frozen=True)
class Layout:
    """Which views a learner reads, and how.

    Attributes:
        views: their names, in the order of the matrix. A linear learner has 'source' first, trees have
            'table' first.
        categorical: columns of 'table' that hold category codes.
        source_scale: the view 'source' has this standard deviation in a linear design, where all numbers have
            1; a larger one is penalised less.
        interact: a linear design holds its columns once more, times the last of them: with 'market' as the
            last view a line of its own for the target (feature augmentation: Daume, ACL 2007).
    """

    views: tuple[str, ...]
    categorical: tuple[int, ...] = ()
    source_scale: float = 5.0
    interact: bool = False


def columns(x: Features, views: Sequence[str], width: int | None = None) -> NDArray[np.float64]:
    """The dense views side by side for a tree learner; 'source' as log odds, NaN kept.

    Args:
        x: n rows.
        views: names, in the order of the matrix.
        width: columns of 'table' that are read, the first ones; None reads all.

    Returns:
        float64, shape (n, d).
    """
    parts = [log_odds(dense(x[name])) if name == "source" else dense(x[name]) for name in views]
    parts = [part[:, :width] if name == "table" else part for name, part in zip(views, parts, strict=True)]
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return np.ascontiguousarray(whole, np.float64)


def log_odds(source: NDArray[Any]) -> NDArray[np.float64]:
    """The home model's prediction as numbers that add up.

    Two classes give one column of log odds, more give log probabilities less their mean; values stay.

    Args:
        source: shape (n, classes) or (n, 1).

    Returns:
        float64, shape (n, 1) or (n, classes).
    """
    if source.shape[1] == 1:
        return np.asarray(source, np.float64)
    logs = np.log(np.clip(source, SMALLEST_PROBABILITY, 1.0))
    if source.shape[1] == 2:
        return np.asarray(logs[:, 1:] - logs[:, :1])
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


SPARSE: Final = 0.2
"""Share of cells from which on a matrix is not worth being held sparse: levels of categories are mostly 0."""


def fit_design(x: Features, layout: Layout) -> Design:
    """Learn scales, category levels and missing indicators from rows.

    Raises:
        ValueError: 'source' is read and does not come first.
    """
    if "source" in layout.views[1:]:
        message = f"the view 'source' comes first in a linear layout, got {layout.views}"
        raise ValueError(message)
    arrays: dict[str, NDArray[Any]] = {}
    if "table" in layout.views:
        arrays |= _fit_table(dense(x["table"]), layout.categorical)
    if "source" in layout.views:
        odds = log_odds(dense(x["source"]))
        centre = odds.mean(axis=0)
        spread = np.sqrt(np.square(odds - centre).mean())
        arrays |= {"source_centre": centre, "source_spread": np.array([spread or 1.0])}
    return Design(layout, arrays)


@restorable("design")
@dataclass(frozen=True)
class Design:
    """A fitted layout: numbers winsorised to 2 .. 98 % and standardised, categories one column a level.

    A missing number becomes the mean and sets an indicator column, a missing or unseen category no column.
    Embeddings and sparse views pass as they are. Columns that a wider 'table' has beside are not read.
    """

    layout: Layout
    arrays: dict[str, NDArray[Any]]

    def __call__(self, x: Features) -> Matrix:
        """The matrix of the rows: float32 where all views are, else float64; csr where one is sparse."""
        parts = [self._view(name, x[name]) for name in self.layout.views]
        if self.layout.interact:
            last = dense(parts[-1])[:, -1:]
            parts += [
                part.multiply(last) if isinstance(part, sparse.csr_matrix) else part * last for part in parts
            ]
        if any(sparse.issparse(part) for part in parts):
            return sparse.hstack(parts, format="csr")
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    @property
    def source_width(self) -> int:
        """Columns of the view 'source'; they are the first of the matrix."""
        return len(self.arrays.get("source_centre", ()))

    def state(self) -> State:
        """The design as data."""
        layout = self.layout
        config = {
            "views": list(layout.views),
            "categorical": list(layout.categorical),
            "source_scale": layout.source_scale,
            "interact": layout.interact,
        }
        return State("design", config, self.arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The design again."""
        config = state.config
        views, categorical = tuple(config["views"]), tuple(config["categorical"])
        layout = Layout(views, categorical, config["source_scale"], config["interact"])
        return cls(layout, dict(state.arrays))

    def _view(self, name: str, view: Matrix) -> Matrix:
        if name == "table":
            return self._table(dense(view))
        if name == "source":
            odds = log_odds(dense(view)) - self.arrays["source_centre"]
            return np.asarray(odds * (self.layout.source_scale / self.arrays["source_spread"]))
        return view

    def _table(self, table: NDArray[Any]) -> Matrix:
        a = self.arrays
        numbers = np.clip(table[:, a["numbers"]], a["lo"], a["hi"])
        scaled = (numbers - a["mean"]) / a["spread"]
        missing = np.isnan(scaled)
        known = np.hstack([np.where(missing, 0.0, scaled), missing[:, a["indicated"]]])
        columns, width = np.unique(a["level_columns"]), known.shape[1] + len(a["level_codes"])
        if known.shape[1] + len(columns) >= SPARSE * width:
            return np.concatenate([known, table[:, a["level_columns"]] == a["level_codes"]], axis=1)
        return sparse.hstack([sparse.csr_matrix(known), self._levels(table, columns)], format="csr")

    def _levels(self, table: NDArray[Any], columns: NDArray[np.int64]) -> sparse.csr_matrix:
        """1 where a category has a level; shape (n, levels)."""
        codes, rows, places = self.arrays["level_codes"], [], []
        for column in columns:
            own = np.flatnonzero(self.arrays["level_columns"] == column)
            near = own[np.searchsorted(codes[own], table[:, column]).clip(max=len(own) - 1)]
            rows.append(np.flatnonzero(codes[near] == table[:, column]))
            places.append(near[rows[-1]])
        where = np.concatenate(rows), np.concatenate(places)
        return sparse.csr_matrix((np.ones(len(where[0])), where), (len(table), len(codes)))


def _fit_table(table: NDArray[Any], categorical: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    numbers = np.setdiff1d(np.arange(table.shape[1]), categorical)
    unknown = np.isnan(table[:, numbers])
    values = np.where(unknown.all(axis=0), 0.0, table[:, numbers])
    lo, hi = np.nanquantile(values, WINSOR, axis=0).reshape(2, len(numbers))
    clipped = np.clip(values, lo, hi)
    spread = np.nanstd(clipped, axis=0)
    levels = [_levels(table[:, column]) for column in categorical]
    counts = [len(codes) for codes in levels]
    return {
        "numbers": numbers,
        "lo": lo,
        "hi": hi,
        "mean": np.nanmean(clipped, axis=0),
        "spread": np.where(spread > 0, spread, 1.0),
        "indicated": np.flatnonzero(unknown.any(axis=0) & ~unknown.all(axis=0)),
        "level_columns": np.repeat(np.array(categorical, np.int64), counts),
        "level_codes": np.concatenate([*levels, np.empty(0)]),
    }


def _levels(codes: NDArray[Any]) -> NDArray[np.float64]:
    """The most frequent codes of a category, ascending; of equally frequent ones the lower is taken."""
    found, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    return np.sort(found[np.argsort(-counts, kind="stable")[:MOST_LEVELS]]).astype(np.float64)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length one; zero stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, np.float32(1e-12)), np.float32)


def dense(view: Matrix) -> NDArray[Any]:
    """The matrix as a NumPy array."""
    return view.toarray() if isinstance(view, sparse.csr_matrix) else np.asarray(view)
