"""The rows of the two markets, read: what a task hands to the engine, whatever its labels are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.sources import StackedSources
from xbsql.features.roles import as_text
from xbsql.features.table import joined
from xbsql.tasks.notes import reading_notes
from xbsql.tasks.reader import fit_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.features.views import Features
    from xbsql.tasks.options import Options
    from xbsql.tasks.progress import Progress
    from xbsql.tasks.reader import Reader

    Mask = NDArray[np.bool_]
    Fitted = TypeVar("Fitted")


class Home(NamedTuple):
    """The rows of one market: how they are read, the labelled ones, and what is to be said of them."""

    reader: Reader
    sample: Sample
    notes: list[str]


class Target(NamedTuple):
    """The target's rows: those with a label, and those without."""

    labelled: Sample
    pool: Features


def home_of(
    where: str,
    data: pa.Table,
    label: str,
    present: Mask,
    y: NDArray[np.generic],
    chosen: Options,
    step: Progress,
) -> Home:
    """Learn to read a market's labelled rows, and read them.

    Args:
        where: the SQL function.
        data: n rows.
        label: the label column, which is not read.
        present: bool, shape (n,): where there is a label.
        y: the labels that are present.
        chosen: options of the user.
        step: is told.

    Raises:
        XbsqlError: no column can be read.
    """
    rows = data.filter(pa.array(present))
    step(0.0, f"reading {rows.num_rows} rows")
    bare = chosen.without_group(rows)
    reader = fit_reader(bare, label, chosen.roles)
    sample = Sample(reader.read(rows), y, group=chosen.groups(where, rows, reader))
    return Home(reader, sample, reading_notes(reader, bare, label))


def target_of(
    where: str, data: pa.Table, present: Mask, y: NDArray[np.generic], reader: Reader, chosen: Options
) -> Target:
    """The target as its reader sees it; arguments as of `home_of`."""
    x, rows = reader.read(data), data.filter(pa.array(present))
    group = chosen.groups(where, rows, reader)
    return Target(Sample(x.take(present), y, group=group), x.take(~present))


def source_of(
    where: str,
    data: pa.Table,
    source: pa.Table,
    present: Mask,
    y: NDArray[np.generic],
    reader: Reader,
    model: Predictor,
    chosen: Options,
) -> Source:
    """The home model, and the home rows as the target's reader sees them.

    Raises:
        XbsqlError: no home row has a label, a column has another type at home than in `data`, or the column
            of home markets is missing.
    """
    if not present.any():
        raise errors.invalid(where, "no row of the source has a label", "give labelled rows or base alone")
    joined(source.slice(0, 0), data.slice(0, 0), where=where)
    rows = source.filter(pa.array(present))
    sample = Sample(reader.read(rows), y)
    column = chosen.source_market
    if column is None:
        return Source(model, sample)
    if column not in rows.column_names:
        what = "column for the option 'source_market'"
        raise errors.unknown(where, what, column, rows.column_names, place="the source has")
    named = as_text(rows[column]).combine_chunks().fill_null("(no market)").dictionary_encode()
    return Source(
        model, sample, named.indices.to_numpy().astype(np.int64), tuple(named.dictionary.to_pylist())
    )


def market_notes(predictors: Mapping[str, Predictor]) -> list[str]:
    """What each home market weighs for the target, where there are several; one line."""
    found = [part for part in predictors.values() if isinstance(part, StackedSources)]
    if not found or not found[0].weights:
        return []
    weights = found[0].weights
    total = sum(weights.values())
    listed = sorted(weights, key=lambda name: (-weights[name], name))
    shares = ", ".join(f"{name} {weights[name] / total:.2f}" for name in listed)
    return [f"home markets by what the target's labels say of each: {shares}"]


def fitted_at_home(
    fit: Callable[..., tuple[Fitted, Any]],
    source: pa.Table | None,
    label: str,
    options: Mapping[str, Any],
    step: Progress,
) -> Fitted:
    """The model that a transfer without `base` starts from: fitted on the home rows.

    Raises:
        XbsqlError: there are no home rows either.
    """
    if source is None:
        raise errors.invalid(
            "xb.transfer", "neither base nor source is given", "name a home model or its rows"
        )
    try:
        return fit(source, label, options=options, progress=lambda share, text: step(0.0, f"home: {text}"))[0]
    except errors.XbsqlError as error:
        raise errors.invalid("xb.transfer", f"in the source, {error.said}") from error
