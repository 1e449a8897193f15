"""Intervals of values: how far the truth lay from predictions that had not seen it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow.compute as pc

from xbsql.engine.evidence import standing
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.features.hidden import fresh_key, hidden, hidden_column
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels


@dataclass(frozen=True)
class Radii:
    """Half the widths of intervals.

    Attributes:
        pooled: for all rows that have none of their own.
        column: whose values may have one; None where all rows share `pooled`.
        own: by value of that column, as text.
        key: the values are hashes under this key, see `hidden`; None: they are the values.
    """

    pooled: float
    column: str | None = None
    own: Mapping[str, float] = field(default_factory=dict)
    key: str | None = None

    def concealed(self) -> Self:
        """The same radii with the values of the column as hashes."""
        key = fresh_key()
        return replace(self, own=dict(zip(hidden(self.own, key), self.own.values(), strict=True)), key=key)

    def of(self, table: pa.Table) -> Floats:
        """The radius of each row: its market's, else the pooled one (also for NULL); float64, shape (n,)."""
        radius = np.full(table.num_rows, self.pooled)
        if self.column in table.column_names:
            markets = as_text(table[self.column], str(self.column))
            markets = markets if self.key is None else hidden_column(markets, self.key)
            for market, width in self.own.items():
                radius[pc.fill_null(pc.equal(markets, market), False).to_numpy()] = width
        return radius


def fit_radii(
    y: Labels,
    held_out: Floats,
    level: float,
    group: NDArray[np.int64],
    column: str | None = None,
    markets: pa.ChunkedArray | None = None,
    sampling: Floats | None = None,
) -> Radii | None:
    """The radius of all rows and, by market, of those that have 30 independent labels or more.

    One radius holds its share over all markets together, and may hold too much of a calm one and too little
    of a wild one; a radius of the market's own holds it there (Mondrian conformal: Vovk, Gammerman and
    Shafer, "Algorithmic Learning in a Random World", 2005).

    Args:
        y: as `conformal_radius`; so are `held_out`, `level` and `group`.
        held_out: see there.
        level: see there.
        group: see there.
        column: the name of the column of markets; None gives one radius alone.
        markets: the market of each row as text, shape (n,).
        sampling: as `conformal_radius`.

    Returns:
        None where all labels together are too few for this level.
    """
    pooled = conformal_radius(y, held_out, level, group, sampling)
    if pooled is None or column is None or markets is None:
        return None if pooled is None else Radii(pooled)
    own = {}
    for market in sorted(pc.unique(markets.drop_null()).to_pylist()):
        rows = pc.fill_null(pc.equal(markets, market), False).to_numpy()
        if len(np.unique(group[rows])) >= FEWEST_LABELS:
            counted = None if sampling is None else sampling[rows]
            own[market] = conformal_radius(y[rows], held_out[:, rows], level, group[rows], counted)
    return Radii(pooled, column, {market: radius for market, radius in own.items() if radius is not None})


def conformal_radius(
    y: Labels, held_out: Floats, level: float, group: NDArray[np.int64], sampling: Floats | None = None
) -> float | None:
    """Half the width of an interval that holds a new label with this probability.

    Conformal, from absolute out-of-fold residuals (split conformal: Lei et al., JASA 2018; over folds: Vovk,
    2015): of n units it is the (n + 1) * level-th smallest, the repeats of all units ranked together. Between
    two residuals it is interpolated; the larger one would hold up to 1 / (n + 1) more than was asked. It
    holds for rows of the market that the labels are from.

    Args:
        y: float64, shape (n,).
        held_out: out-of-fold predictions, shape (repeats, n).
        level: between 0 and 1.
        group: shape (n,): rows of a group are one unit.
        sampling: shape (n,): how many rows of the market each stands for (weighted conformal: Tibshirani et
            al., NeurIPS 2019), the units are as many as would say as much; None: all for as many.

    Returns:
        The radius; None where the units are too few for this level.
    """
    units = len(np.unique(group)) * (1.0 if sampling is None else standing(sampling))
    share = (units + 1) * level / units
    if share > 1.0 + 1e-9:
        return None
    away, share = np.abs(held_out - y), min(share, 1.0)
    if sampling is None:
        return float(np.quantile(away, share, method="interpolated_inverted_cdf"))
    counted = np.broadcast_to(sampling, away.shape)
    return float(np.quantile(away.ravel(), share, weights=counted.ravel(), method="inverted_cdf"))
