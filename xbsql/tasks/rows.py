"""Rows of two markets as the engine sees them, whatever their labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.sources import STACKED, StackedSources
from xbsql.features.roles import as_text, kind_of
from xbsql.features.table import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.tasks.reader import Reader


class Labelled(NamedTuple):
    """Rows of one market with what is known of their labels.

    Attributes:
        table: m rows.
        present: bool, shape (m,): where there is a label.
        y: int64 class codes or float64 values, shape (n,): the labels that are present.
    """

    table: pa.Table
    present: NDArray[np.bool_]
    y: NDArray[np.generic]

    @property
    def known(self) -> pa.Table:
        """The n rows with a label."""
        return self.table.filter(pa.array(self.present))


def source_of(
    where: str,
    home: Labelled,
    target: pa.Table,
    reader: Reader,
    model: Predictor,
    column: str | None,
    *,
    named: bool = True,
) -> Source:
    """The home model, and the home rows as the target's reader sees them.

    Args:
        where: the SQL function.
        home: the home market's rows.
        target: the target's, whose columns are of the same kinds, or of kinds that are read alike.
        reader: of the target.
        model: the home model's predictor.
        column: names each home row's market; None where all are of one.
        named: False numbers the markets instead, so that no model holds a value of that column.

    Raises:
        XbsqlError: no home row has a label, a column has another type at home than in `target`, or the column
            of home markets is missing.
    """
    if not home.present.any():
        raise errors.invalid(where, "no row of the source has a label", "give labelled rows or base alone")
    apart = [name for name in home.table.column_names if not _readable(reader, name, home.table, target)]
    joined(home.table.select(apart).slice(0, 0), target.slice(0, 0), where=where)
    rows = home.known
    sample = Sample(reader.read(rows), home.y)
    if column is None:
        return Source(model, sample)
    if column not in rows.column_names:
        what = "column for the option 'source_market'"
        raise errors.unknown(where, what, column, rows.column_names, place="the source has")
    coded = as_text(rows[column], column).combine_chunks().fill_null("(no market)").dictionary_encode()
    market = coded.indices.to_numpy().astype(np.int64)
    names = coded.dictionary.to_pylist()
    shown = names if named else [f"home market {i + 1}" for i in range(len(names))]
    return Source(model, sample, market, tuple(shown))


def _readable(reader: Reader, name: str, home: pa.Table, target: pa.Table) -> bool:
    """Whether a column is read alike though its kind differs: ISO dates, levels, numbers as text."""
    column = next((column for column in reader.table.columns if column.name == name), None)
    if column is None or name not in target.column_names:
        return False
    kinds = {kind_of(side[name].type) for side in (home, target)}
    alike = {"date": {"date", "text"}, "category": {"text", "number", "boolean"}}.get(column.role, set())
    return kinds <= alike or name in reader.written


def market_notes(predictors: Mapping[str, Predictor]) -> list[str]:
    """What each home market weighs for the target, where there are several; one line."""
    stacked = (predictors[name] for name in predictors if name.startswith(STACKED))
    found = [part for part in stacked if isinstance(part, StackedSources)]
    if not found or not found[0].weights:
        return []
    weights = found[0].weights
    total = sum(weights.values())
    listed = sorted(weights, key=lambda name: (-weights[name], name))
    shares = ", ".join(f"{name} {weights[name] / total:.2f}" for name in listed)
    return [f"home markets by what the target's labels say of each: {shares}"]
