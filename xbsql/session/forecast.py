"""Forecasts with the models of a store: series are read once, forecast, summed, and dated as they came."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.progress import tell
from xbsql.session.forecast_options import ForecastCallOptions
from xbsql.session.known import known_in_advance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.series.coherent import Key
    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.rules import Rules
    from xbsql.series.read.series import Series
    from xbsql.series.read.table import Columns, SeriesTable
    from xbsql.session.session import Session
    from xbsql.tasks.forecast.forecaster import Forecaster

    Floats = NDArray[np.float64]

MOST_STEPS: Final = 1000
LARGEST: Final = 1e150
HALF: Final = 0.5
"""Of what is expected, how far it may be off where nobody says."""
NOTHING: Final = "no row: a market of which nothing is known"
UNASKED: Final = "expected is not used: no series is without history"
MOST_VALUES: Final = 20_000_000
"""Values that one call forecasts, over all series: a fan of them takes 1.6 GB."""


@dataclass(frozen=True)
class ForecastCall:
    """What a forecast is asked for.

    Attributes:
        horizon: periods, 1 to 1000.
        level: the share of truths that an interval shall hold, between 0 and 1.
        rollup: whether sums are forecast too, those that SQL's ROLLUP makes of the parts of the id, and all
            made to add up.
        options: see `ForecastCallOptions`; what is not given is as the model was fitted.
        expected: what a usual period of a series without history shall bring; None: nobody said.
        expected_sd: how far that may be off; None: by half.
    """

    horizon: int = 8
    level: float = 0.9
    rollup: bool = False
    options: Mapping[str, Any] | None = None
    expected: float | None = None
    expected_sd: float | None = None

    def check(self, where: str) -> None:
        """Refuse what cannot be answered.

        Raises:
            XbsqlError: a horizon, a level or an expectation out of bounds.
        """
        for name, value in (("expected", self.expected), ("expected_sd", self.expected_sd)):
            if value is not None and not 0 < value <= LARGEST:
                remedy = f"give a number above 0 and up to {LARGEST:g}"
                raise errors.invalid(where, f"{name} is {value}", remedy)
        if self.expected is None and self.expected_sd is not None:
            raise errors.invalid(where, "expected_sd is given and expected is not", "give both")
        if not isinstance(self.horizon, int) or not 1 <= self.horizon <= MOST_STEPS:
            raise errors.invalid(where, f"horizon is {self.horizon}", f"give periods, 1 to {MOST_STEPS}")
        if not isinstance(self.level, int | float) or not 0 < self.level < 1:
            raise errors.invalid(where, f"level is {self.level}", "give a share between 0 and 1: 0.9")


@dataclass(frozen=True)
class SeriesForecast:
    """What a model expects of n series.

    Attributes:
        series: those that were forecast.
        ids: Arrow array (n,), as the table names them; a sum has NULL for what it sums over.
        yhat: float64 (n, horizon); NaN where the model has nothing to say.
        lo: the ends of the interval.
        hi: likewise.
        status: one a series.
        closed: bool (n, horizon), steps without trade; None where nobody looked.
        known: bool (n, horizon), steps in which something known in advance lies off its usual value; None
            where nothing is known.
    """

    series: Series
    ids: pa.Array
    yhat: Floats
    lo: Floats
    hi: Floats
    status: tuple[str, ...]
    closed: NDArray[np.bool_] | None = None
    known: NDArray[np.bool_] | None = None


def places(id: Sequence[str], ts: str, y: str, known: Sequence[str] = ()) -> Columns:
    """Where a table keeps what, see `Columns`."""
    from xbsql.series.read.table import Columns

    return Columns(tuple(id), ts, y, tuple(known))


def forecast(
    session: Session, reference: str, table: pa.Table, columns: Columns, asked: ForecastCall
) -> pa.Table:
    """What a model expects of the periods after each series of a table.

    Args:
        session: where the model is.
        reference: a model of the task 'forecast'.
        table: history, and after it rows without a value for what is known in advance.
        columns: where the table keeps what.
        asked: how far, how sure, with which sums.

    Returns:
        series (of the id's type; of several columns a STRUCT), step int32 from 1, ds (of the type of the
        dates), yhat, lo, hi float64, status: one row a series and step, by series and step. NULL where a
        model has nothing to say of a series.

    Raises:
        XbsqlError: no such model or one of another task, a horizon or a level out of bounds, a column that is
            missing or no date or number, longer periods than the model was fitted on.
    """
    where = "xb.forecast"
    asked.check(where)
    model = forecaster(session, where, reference)
    with session.calls.record("forecast", reference, len(table)) as call:
        call.kernel = "blend"
        tell(0.0, f"reading {len(table)} rows")
        read = _read(where, model, table, columns)
        return _table(read, _expected(model, read, asked))


def forecaster(session: Session, where: str, reference: str) -> Forecaster:
    """A model of the task 'forecast'.

    Raises:
        XbsqlError: no such model, or one of another task.
    """
    model = session.model(where, reference)
    if model.signature.task != "forecast":
        problem = f"'{reference}' was fitted for {model.signature.task}"
        raise errors.invalid(where, problem, "name a model of the task 'forecast'")
    return model  # type: ignore[return-value]


def told(
    where: str, model: Forecaster, table: pa.Table, columns: Columns, asked: ForecastCall
) -> SeriesForecast:
    """The same before it is a table: the series as they were read, and what is expected of each.

    Raises:
        XbsqlError: as `forecast`.
    """
    return _expected(model, _read(where, model, table, columns), asked)


def beside(where: str, model: Forecaster, table: pa.Table) -> Series:
    """Home's series, in the model's periods and columns, to be drawn beside those that are forecast.

    Raises:
        XbsqlError: no row, a column that is missing, or longer periods.
    """
    from xbsql.series.read.table import read_series

    rules = replace(model.rules, frequency=model.frequency)
    return read_series(where, table, model.columns.of(table), rules)


def _read(where: str, model: Forecaster, table: pa.Table, columns: Columns) -> SeriesTable:
    """The table, with the titles that the model reads."""
    from xbsql.series.read.table import SeriesTable

    theirs = model.columns
    known = tuple(name for name in columns.known if name.removeprefix("known.") not in theirs.facts)
    given = columns._replace(known=known, title=theirs.title, facts=theirs.facts)
    return SeriesTable.of(where, table, given.of(table))


def _expected(model: Forecaster, table: SeriesTable, asked: ForecastCall) -> SeriesForecast:
    options = ForecastCallOptions.of(table.where, asked.options)
    if asked.rollup and options.end is None:
        options = replace(options, end="common")
    rules = options.rules(table.where, model.rules)
    series = _series(model, table, rules)
    if rules.negative == "zero":
        model = replace(model, amounts=True)
    ids = table.ids if len(table.names) else pa.nulls(1, table.ids.type)
    if asked.expected is not None:
        if not model.expects:
            problem = "expected is given, and this model tells what has no history from products"
            raise errors.invalid(table.where, problem, "leave it out, or fit with the option 'facts'")
        told = (asked.expected, asked.expected_sd or HALF * asked.expected)
        series = replace(series, expected=np.tile(told, (len(series), 1)))
        if (series.lengths > 0).all():
            series = replace(series, notes=(*series.notes, UNASKED))
    if len(series) * asked.horizon > MOST_VALUES:
        problem = f"{len(series)} series of {asked.horizon} periods are more than {MOST_VALUES} values"
        raise errors.invalid(table.where, problem, "forecast fewer series in one call, or a shorter horizon")
    tell(0.2, f"forecasting {len(series)} series")
    known = known_in_advance(table, series, asked.horizon, options.calendar, model.closures(series))
    if known is None:
        found = model.forecast(series, asked.horizon, asked.level)
        fans = SeriesForecast(series, ids, found.yhat, found.lo, found.hi, found.status, found.closed)
    else:
        found = model.forecast(known.plain, asked.horizon, asked.level)
        yhat, lo, hi = (known.on(values) for values in (found.yhat, found.lo, found.hi))
        status = tuple(map(_said, found.status, known.notes))
        fans = SeriesForecast(known.series, ids, yhat, lo, hi, status, found.closed, known.moved())
    tell(0.8, "adding up" if asked.rollup else "forecast")
    fans = _rolled_up(table.where, model, fans, asked) if asked.rollup else fans
    lo, hi = np.minimum(fans.lo, fans.yhat), np.maximum(fans.hi, fans.yhat)
    return replace(fans, lo=lo, hi=hi, status=tuple("; ".join((text, *series.notes)) for text in fans.status))


def _said(status: str, notes: Sequence[str]) -> str:
    """A status with notes behind it."""
    return "; ".join(notes if status == "ok" and notes else (status, *notes))


def _series(model: Forecaster, table: SeriesTable, rules: Rules) -> Series:
    """The series, in the model's periods: shorter ones are put together.

    Raises:
        XbsqlError: the periods are longer than the model's.
    """
    own, given = model.frequency, rules.frequency or table.grid(rules)
    if table.counts != (own.unit == "count"):
        raise _apart(table.where, "I" if table.counts else "dates", own)
    if given is None or (rules.frequency is None and given.length < own.length):
        given = own
    if (given.unit, given.step) != (own.unit, own.step):
        raise _apart(table.where, given.name, own)
    if not len(table.names):
        if table.notes:
            raise errors.invalid(table.where, "id is NULL in every row", "name the series: id := column")
        return _nothing(given, rules)
    return table.series(replace(rules, frequency=given), may_be_empty=True)


def _nothing(frequency: Frequency, rules: Rules) -> Series:
    """The one series of a table without rows, which begins now, or after the option 'until'."""
    from xbsql.series.read.series import Series

    moment = int(time.time()) if rules.until is None else rules.until
    first = frequency.index(np.array([0 if frequency.unit == "count" else moment])) + 1
    return Series(("",), np.zeros(0), np.zeros(2, np.int64), first, frequency, (NOTHING,))


def _apart(where: str, given: str, own: Frequency) -> errors.XbsqlError:
    problem = f"the table's periods are {given} and the model's {own.name}"
    return errors.invalid(where, problem, "fit a model on such periods")


def _rolled_up(where: str, model: Forecaster, told: SeriesForecast, asked: ForecastCall) -> SeriesForecast:
    """Forecasts of the sums too, and all of them made to add up; an interval lies about its new forecast.

    What is known in advance is known of the series alone: sums are then those of the series' forecasts.
    """
    from xbsql.series.coherent import least_spread, reconcile, rollup, spread, summed

    parts = told.ids.flatten() if pa.types.is_struct(told.ids.type) else [told.ids]
    tree = rollup(list(zip(*(part.to_pylist() for part in parts), strict=True)))
    nodes = summed(where, told.series, tree)
    upper = model.of_sums(nodes.take(np.arange(tree.upper)), asked.horizon)
    of_parts = (tree.sums @ np.nan_to_num(told.yhat))[: tree.upper]
    yhat = np.concatenate([np.where(np.isnan(upper.yhat), of_parts, upper.yhat), told.yhat])
    method = "structural" if told.series.known is None else "bottom_up"
    added = reconcile(np.nan_to_num(yhat), tree, method)
    halves = (spread(half, nodes, tree) for half in (told.yhat - told.lo, told.hi - told.yhat))
    least = least_spread(nodes, tree, asked.horizon, asked.level)
    below, above = (np.where(half > 0, np.maximum(half, least), half) for half in halves)
    lo, hi = added - below, added + above
    if (told.series.y >= 0).all():
        lo = np.maximum(lo, 0.0)
    added[np.isnan(yhat)] = np.nan
    sums = [_id_of(told.ids.type, key) for key in tree.keys[: tree.upper]]
    ids = pa.concat_arrays([pa.array(sums, told.ids.type), told.ids])
    status = (*upper.status, *told.status)
    return SeriesForecast(nodes, ids, added, lo, hi, status)


def _id_of(kind: pa.DataType, key: Key) -> Any:  # noqa: ANN401 - an id is of any type
    return dict(zip(kind.names, key, strict=True)) if pa.types.is_struct(kind) else key[0]


def _table(table: SeriesTable, found: SeriesForecast) -> pa.Table:
    n, horizon = found.yhat.shape
    series = pa.array(np.repeat(np.arange(n), horizon))
    step = np.tile(np.arange(horizon), n)
    periods = np.repeat(found.series.ends, horizon) + step
    numbers = [pa.array(values.ravel(), from_pandas=True) for values in (found.yhat, found.lo, found.hi)]
    columns = {
        "series": found.ids.take(series),
        "step": pa.array(step + 1, pa.int32()),
        "ds": table.dated(found.series.frequency.at(periods)),
        **dict(zip(("yhat", "lo", "hi"), numbers, strict=True)),
        "status": pa.array(found.status, pa.string()).take(series),
    }
    return pa.table(columns)
