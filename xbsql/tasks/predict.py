"""Regression: a number for each row of columns, text or both, with an interval of its own market."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors
from xbsql.engine.candidate import Source
from xbsql.engine.folds import FEWEST_LABELS, groups_of
from xbsql.engine.objective import regression
from xbsql.engine.transfer import transfer as run
from xbsql.features.views import Features, stack
from xbsql.tasks.candidates import restricted
from xbsql.tasks.intervals import fit_radii
from xbsql.tasks.leaks import leak_notes
from xbsql.tasks.markets import fitted_at_home, home_of, market_notes, source_of, target_of
from xbsql.tasks.notes import lacking_notes, reading_notes, report
from xbsql.tasks.options import Options
from xbsql.tasks.progress import fitting, quiet
from xbsql.tasks.reach import fit_reach
from xbsql.tasks.regressor import Regressor
from xbsql.tasks.scores import VALUES, answering, coverage, grouped, measured
from xbsql.tasks.value_candidates import home_candidates, transfer_candidates
from xbsql.tasks.values import values_of, varied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.engine.candidate import Sample
    from xbsql.engine.transfer import Transfer
    from xbsql.tasks.progress import Progress
    from xbsql.tasks.reader import Reader

OF_THE_TARGET = ("intervals_by", "abstain")
"""Options that say nothing of the home model that a transfer from rows alone begins with."""


def fit(
    data: pa.Table,
    label: str,
    *,
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Regressor, list[dict[str, Any]]]:
    """Fit a regression on the rows of one market.

    Args:
        data: rows with the label column; those whose label is NULL are left out.
        label: finite numbers, not all the same.
        market: what the rows are from, for the record.
        options: see `Options`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The regression, and one row a metric ('r2', 'mae', 'rmse'): metric, value, lo, hi (out of fold; None
        with too few labels), rows, note.

    Raises:
        XbsqlError: no such column, a label that is no number, infinite, constant or always NULL, no column
            that can be read.
    """
    where, chosen = "xb.fit", Options.of("xb.fit", options, "predict")
    step = progress or quiet
    found = varied(where, label, values_of(where, data, label))
    reader, sample, notes = home_of(where, data, label, found.present, found.y, chosen, step)
    markets = chosen.markets(where, data.filter(pa.array(found.present)), reader)
    candidates = home_candidates(reader)
    done = run(candidates, None, sample, Features({}), regression(), seed=chosen.seed, progress=fitting(step))
    model = _model(done, reader, markets, sample, sample.x, chosen, label, market)
    notes += leak_notes(reader, sample, None)
    step(1.0, "fitted")
    scores = [] if done.held_out is None else measured(sample.y, done.held_out.mean(axis=0), VALUES)
    return model, report(scores, "r2", len(sample), notes)


def transfer(
    data: pa.Table,
    label: str,
    *,
    base: Regressor | None = None,
    source: pa.Table | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Regressor, Transfer]:
    """Carry a home market's numbers to the market of `data`, and say whether that helped.

    Args:
        data: the target; rows whose label is NULL, or all of them, are unlabelled.
        label: the label column, of the same name and unit on both sides.
        base: the home market's model.
        source: the home market's rows; without `base` a home model is fitted on them first.
        market: what the target is, for the record.
        method: 'auto', a family or a candidate; target-only candidates always stay.
        options: see `Options`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The transferred regression, and all that the engine found: the verdict with notes, every candidate,
        its weight and evidence. Intervals are calibrated on the target's labels alone; NULL where these are
        too few.

    Raises:
        XbsqlError: neither base nor source, no row, a label that is no number, infinite or, in 30 rows or
            more, constant, a column that is missing or of another type, no such method.
    """
    where, chosen = "xb.transfer", Options.of("xb.transfer", options, "predict")
    step = progress or quiet
    if not data.num_rows:
        raise errors.invalid(where, "the target has no rows", "give its rows, labelled or not")
    found = varied(where, label, values_of(where, data, label), FEWEST_LABELS)
    at_home = {name: value for name, value in (options or {}).items() if name not in OF_THE_TARGET}
    home = base or fitted_at_home(fit, source, label, at_home, step)
    step(0.0, f"reading {data.num_rows} rows")
    bare = chosen.without_group(data)
    reader = home.reader.abroad(bare, label, chosen.roles)
    target = target_of(where, data, found.present, found.y, reader, chosen)
    markets = chosen.markets(where, data.filter(pa.array(found.present)), reader)
    origin = Source(home.predictor)
    if source is not None:
        theirs = values_of(where, source, label)
        origin = source_of(where, data, source, theirs.present, theirs.y, reader, home.predictor, chosen)
    candidates = restricted(where, transfer_candidates(reader, origin), method)
    done = run(
        candidates,
        origin,
        target.labelled,
        target.pool,
        regression(),
        seed=chosen.seed,
        progress=fitting(step),
    )
    everyone = stack([target.labelled.x, target.pool])
    model = _model(done, reader, markets, target.labelled, everyone, chosen, label, market)
    step(1.0, "transferred")
    notes = (
        *done.verdict.notes,
        *lacking_notes(home.reader, data),
        *reading_notes(reader, bare, label),
        *leak_notes(reader, target.labelled, None),
        *market_notes(done.predictors),
    )
    return model, replace(done, verdict=replace(done.verdict, notes=notes))


def evaluate(model: Regressor, table: pa.Table, label: str, by: str | None = None) -> list[dict[str, Any]]:
    """Measure a regression on labelled rows.

    Args:
        model: from `fit` or `transfer`.
        table: rows with the model's columns and the label; rows without a label do not count.
        label: the label column.
        by: a column; one more group of rows for each of its values.

    Returns:
        One row a group and metric, all rows first: group (None for these), metric ('r2', 'mae', 'rmse', and
        'coverage' where the model has intervals, 'answered' and 'mae_answered' where it abstains), value, lo
        and hi (95 % bootstrap interval), rows. R2 is None where the labels of a group are all the same.

    Raises:
        XbsqlError: no such column, a label that is no finite number, no labelled row.
    """
    where = "xb.evaluate"
    found = values_of(where, table, label)
    if not found.present.any():
        raise errors.invalid(where, f"no row has a label in column '{label}'", "give labelled rows")
    rows = table.filter(pa.array(found.present))
    value, answered = model.values(rows), model.answers(rows)
    radius = None if model.radius is None else model.radius.of(model.reader.at_home(rows))
    measures = []
    for group, members in grouped(where, rows, by):
        scores = dict(VALUES)
        if radius is not None:
            scores["coverage"] = coverage(radius[members])
        if answered is not None:
            scores |= answering(answered[members], "mae", VALUES["mae"])
        measures += [{"group": group, **row} for row in measured(found.y[members], value[members], scores)]
    return measures


def _model(
    done: Transfer,
    reader: Reader,
    markets: pa.ChunkedArray | None,
    labelled: Sample,
    everyone: Features,
    chosen: Options,
    label: str,
    market: str | None,
) -> Regressor:
    radius = None
    if done.held_out is not None:
        units, column = groups_of(labelled), chosen.intervals_by
        radius = fit_radii(labelled.y, done.held_out, chosen.level, units, column, markets)
    reach = fit_reach(everyone, reader.table.categorical) if chosen.keep_rows else None
    return Regressor(reader, done.blend, label, radius, chosen.level, market, reach, chosen.abstain)
