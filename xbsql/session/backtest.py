"""What a model would have forecast: from origins in the past of a table's series, beside what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.session.forecast import ForecastCall, forecaster

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.read.series import Series
    from xbsql.session.session import Session
    from xbsql.tasks.forecast.forecaster import Forecaster

    Floats = NDArray[np.float64]

WHERE: Final = "xb.backtest"
MOST_ORIGINS: Final = 50


class Origin(NamedTuple):
    """One origin.

    Attributes:
        series: the histories up to it.
        rows: int64 (m,), which series of the table have a history there.
        y: float64 (m, horizon), what came; NaN where nothing is known.
        yhat: float64 (m, horizon).
        lo: the ends of the interval.
        hi: likewise.
    """

    series: Series
    rows: NDArray[np.int64]
    y: Floats
    yhat: Floats
    lo: Floats
    hi: Floats


def backtest(
    session: Session, reference: str, table: pa.Table, origins: int, horizon: int | None, level: float
) -> pa.Table:
    """Forecasts of the past, one row a series, origin and step.

    The model is asked as it stands: its weights have seen what came, its members are given the history up to
    the origin alone.

    Args:
        session: where the model is.
        reference: a model of the task 'forecast'.
        table: series, in columns named as those that it was fitted on.
        origins: how many, half a horizon apart, the last one a horizon before the end.
        horizon: periods; None for those that the model was fitted for.
        level: the share of truths that an interval shall hold.

    Returns:
        series, origin and ds timestamp (NULL where periods are counted), step int32, period int64 (the count;
        NULL of dates), y, yhat, lo, hi float64 and inside bool.

    Raises:
        XbsqlError: no such model, a column that is missing, arguments out of bounds, histories too short.
    """
    model = forecaster(session, WHERE, reference)
    ForecastCall(model.horizon if horizon is None else horizon, level).check(WHERE)
    with session.calls.record("backtest", reference, len(table)) as call:
        call.kernel = "blend"
        series = _series(model, table)
        return _table(series, from_origins(model, series, origins, horizon or model.horizon, level))


def _series(model: Forecaster, table: pa.Table) -> Series:
    from dataclasses import replace

    from xbsql.series.read.table import read_series

    rules = replace(model.rules, frequency=model.frequency)
    return read_series(WHERE, table, model.columns.of(table), rules)


def from_origins(model: Forecaster, series: Series, origins: int, horizon: int, level: float) -> list[Origin]:
    """What the model would have forecast, the earliest origin first.

    Raises:
        XbsqlError: a number out of bounds, or no series is longer than the horizon.
    """
    from xbsql.series.history import ahead

    if not 1 <= origins <= MOST_ORIGINS:
        raise errors.invalid(WHERE, f"origins is {origins}", f"give 1 to {MOST_ORIGINS}")
    found = []
    for number in range(origins - 1, -1, -1):
        held_out = horizon + number * max(horizon // 2, 1)
        rows = np.flatnonzero(series.lengths > held_out)
        if not len(rows):
            continue
        past = series.take(rows).until(held_out)
        told = model.forecast(past, horizon, level)
        y = ahead(series.take(rows), held_out, horizon)
        found.append(Origin(past, rows, y, told.yhat, told.lo, told.hi))
    if not found:
        problem = f"no series has more than the {horizon} values that are held out"
        raise errors.invalid(WHERE, problem, "give longer histories or a shorter horizon")
    return found


def _table(series: Series, origins: list[Origin]) -> pa.Table:
    parts = []
    for one in origins:
        m, horizon = one.y.shape
        step = np.tile(np.arange(horizon), m)
        first = np.repeat(one.series.ends, horizon)
        at = series.frequency.at(first + step)
        dates = series.frequency.unit != "count"
        none = pa.nulls(len(step), pa.timestamp("s"))
        numbers = (one.y, one.yhat, one.lo, one.hi)
        y, yhat, lo, hi = (pa.array(values.ravel(), from_pandas=True) for values in numbers)
        inside = (one.y >= one.lo) & (one.y <= one.hi)
        columns = {
            "series": pa.array(np.repeat(np.array(one.series.names, object), horizon), pa.string()),
            "origin": pa.array(series.frequency.at(first)).cast(pa.timestamp("s")) if dates else none,
            "step": pa.array(step + 1, pa.int32()),
            "ds": pa.array(at).cast(pa.timestamp("s")) if dates else none,
            "period": pa.nulls(len(step), pa.int64()) if dates else pa.array(at, pa.int64()),
            "y": y,
            "yhat": yhat,
            "lo": lo,
            "hi": hi,
            "inside": pa.array(inside.ravel(), mask=~np.isfinite(one.y).ravel()),
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)
