"""Forecasts as a session runs them: series, a model's fans, sums that add up, dates as they came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.series.coherent import Key
    from xbsql.series.read.rules import Rules
    from xbsql.series.read.series import Series
    from xbsql.series.read.table import Columns
    from xbsql.session.session import Session
    from xbsql.tasks.forecast.forecaster import Forecaster

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_STEPS: Final = 1000
UNMOVED: Final = "what is known in advance is left out: it did not forecast the last periods better"


@dataclass(frozen=True)
class Asked:
    """What a forecast is asked for.

    Attributes:
        horizon: periods, 1 to 1000.
        level: the share of truths that an interval shall hold, between 0 and 1.
        rollup: whether sums are forecast too, those that SQL's ROLLUP makes of the parts of the id, and all
            made to add up.
        options: see `Rules`; what is not given is as the model was fitted. 'calendar': a market's code, whose
            holidays and sale days count among what is known in advance.
    """

    horizon: int = 8
    level: float = 0.9
    rollup: bool = False
    options: Mapping[str, Any] | None = None

    def check(self, where: str) -> None:
        """Refuse what cannot be answered.

        Raises:
            XbsqlError: a horizon or a level out of bounds.
        """
        if not isinstance(self.horizon, int) or not 1 <= self.horizon <= MOST_STEPS:
            raise errors.invalid(where, f"horizon is {self.horizon}", f"give periods, 1 to {MOST_STEPS}")
        if not isinstance(self.level, int | float) or not 0 < self.level < 1:
            raise errors.invalid(where, f"level is {self.level}", "give a share between 0 and 1: 0.9")


@dataclass(frozen=True)
class Told:
    """What a model expects of n series.

    Attributes:
        series: those that were forecast.
        ids: Arrow array (n,), as the table names them; a sum has NULL for what it sums over.
        yhat: float64 (n, horizon); NaN where the model has nothing to say.
        lo: the ends of the interval.
        hi: likewise.
        status: one a series.
    """

    series: Series
    ids: pa.Array
    yhat: Floats
    lo: Floats
    hi: Floats
    status: tuple[str, ...]


def places(id: Sequence[str], ts: str, y: str, known: Sequence[str] = ()) -> Columns:
    """Where a table keeps what, see `Columns`."""
    from xbsql.series.read.table import Columns

    return Columns(tuple(id), ts, y, tuple(known))


def forecast(session: Session, reference: str, table: pa.Table, columns: Columns, asked: Asked) -> pa.Table:
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
        return _table(table[columns.ts], told(where, model, table, columns, asked))


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


def told(where: str, model: Forecaster, table: pa.Table, columns: Columns, asked: Asked) -> Told:
    """The same before it is a table: the series as they were read, and what is expected of each.

    Raises:
        XbsqlError: as `forecast`.
    """
    rules, columns = _rules(where, model, asked), columns._replace(title=model.columns.title).of(table)
    series = _read(where, model, table, columns, rules)
    ids = _ids(where, table, columns, series)
    series, ahead = _known(where, table, columns, series, rules, asked)
    if ahead is None:
        found = model.forecast(series, asked.horizon, asked.level)
        fans = Told(series, ids, found.yhat, found.lo, found.hi, found.status)
    else:
        fans = _moved(model, series, ids, ahead, asked)
    return _rolled_up(where, model, fans, asked) if asked.rollup else fans


def _known(
    where: str, table: pa.Table, columns: Columns, series: Series, rules: Rules, asked: Asked
) -> tuple[Series, Floats | None]:
    """The series with all that is known beside their values, the market's calendar too, and what follows."""
    from xbsql.series.read.calendar import COLUMNS, calendar
    from xbsql.series.read.table import read_ahead

    market = (asked.options or {}).get("calendar")
    beside, after = [], []
    if series.known is not None:
        beside.append(series.known)
        after.append(read_ahead(where, table, columns, series, asked.horizon, rules))
    if market is not None:
        steps = series.ends[:, None] + np.arange(asked.horizon)
        beside.append(calendar(str(market), series.frequency, series.periods()))
        following = calendar(str(market), series.frequency, steps.ravel())
        after.append(following.reshape(*steps.shape, len(COLUMNS)))
    if not after:
        return series, None
    return replace(series, known=np.concatenate(beside, axis=1)), np.concatenate(after, axis=2)


def _moved(model: Forecaster, series: Series, ids: pa.Array, ahead: Floats, asked: Asked) -> Told:
    """Forecasts of histories without the effects of what is known, and these put on again."""
    from xbsql.series.effects import fit_effects

    effects = fit_effects(series, asked.horizon)
    history = replace(series, known=None) if effects is None else effects.without(series)
    found = model.forecast(history, asked.horizon, asked.level)
    if effects is None:
        status = tuple(f"{text}; {UNMOVED}" if text != "ok" else UNMOVED for text in found.status)
        return Told(history, ids, found.yhat, found.lo, found.hi, status)
    yhat, lo, hi = (effects.on(values, ahead) for values in (found.yhat, found.lo, found.hi))
    return Told(series, ids, yhat, lo, hi, found.status)


def _rules(where: str, model: Forecaster, asked: Asked) -> Rules:
    """The model's rules with what the options say; sums need series that end together."""
    from xbsql.series.read.rules import Rules

    given = dict(asked.options or {})
    if asked.rollup:
        given.setdefault("end", "common")
    return Rules.of(where, given, model.rules)


def _read(where: str, model: Forecaster, table: pa.Table, columns: Columns, rules: Rules) -> Series:
    """The series, in the model's periods: shorter ones are put together.

    Raises:
        XbsqlError: the periods are longer than the model's.
    """
    from xbsql.series.read.table import read_series

    series, own = read_series(where, table, columns, rules), model.frequency
    given = series.frequency
    if (given.unit, given.step) == (own.unit, own.step):
        return series
    dated = (given.unit == "count") == (own.unit == "count")
    if rules.frequency is None and dated and given.length < own.length:
        return read_series(where, table, columns, replace(rules, frequency=own))
    problem = f"the table's periods are {given.name} and the model's {own.name}"
    raise errors.invalid(where, problem, "fit a model on such periods")


def _ids(where: str, table: pa.Table, columns: Columns, series: Series) -> pa.Array:
    """What the table calls each series: the value of its id column, or of several a STRUCT."""
    from xbsql.series.read.table import series_names

    names = series_names(where, table, columns.id)
    first = pc.index_in(pa.array(series.names, names.type), value_set=names)
    parts = [one_chunk(table[name].take(first)) for name in columns.id]
    if not parts:
        return pa.array(series.names)
    return parts[0] if len(parts) == 1 else pa.StructArray.from_arrays(parts, list(columns.id))


def _rolled_up(where: str, model: Forecaster, told: Told, asked: Asked) -> Told:
    """Forecasts of the sums too, and all of them made to add up; an interval lies about its new forecast.

    What is known in advance is known of the series alone: sums are then those of the series' forecasts.
    """
    from xbsql.series.coherent import reconcile, rollup, spread, summed

    parts = told.ids.flatten() if pa.types.is_struct(told.ids.type) else [told.ids]
    tree = rollup(list(zip(*(part.to_pylist() for part in parts), strict=True)))
    nodes = summed(where, told.series, tree)
    upper = model.forecast(nodes.take(np.arange(tree.upper)), asked.horizon, asked.level, None)
    yhat = np.concatenate([upper.yhat, told.yhat])
    method = "structural" if told.series.known is None else "bottom_up"
    added = reconcile(np.nan_to_num(yhat), tree, method)
    below, above = (spread(half, nodes, tree) for half in (told.yhat - told.lo, told.hi - told.yhat))
    lo, hi = added - below, added + above
    if (told.series.y >= 0).all():
        lo = np.maximum(lo, 0.0)
    added[np.isnan(yhat)] = np.nan
    sums = [_id_of(told.ids.type, key) for key in tree.keys[: tree.upper]]
    ids = pa.concat_arrays([pa.array(sums, told.ids.type), told.ids])
    status = (*upper.status, *told.status)
    return Told(nodes, ids, added, lo, hi, status)


def _id_of(kind: pa.DataType, key: Key) -> Any:  # noqa: ANN401 - an id is of any type
    return dict(zip(kind.names, key, strict=True)) if pa.types.is_struct(kind) else key[0]


def _table(dates: pa.ChunkedArray, told: Told) -> pa.Table:
    n, horizon = told.yhat.shape
    series = pa.array(np.repeat(np.arange(n), horizon))
    step = np.tile(np.arange(horizon), n)
    periods = np.repeat(told.series.ends, horizon) + step
    numbers = [pa.array(values.ravel(), from_pandas=True) for values in (told.yhat, told.lo, told.hi)]
    columns = {
        "series": told.ids.take(series),
        "step": pa.array(step + 1, pa.int32()),
        "ds": _dated(told.series.frequency.at(periods), dates),
        **dict(zip(("yhat", "lo", "hi"), numbers, strict=True)),
        "status": pa.array(told.status, pa.string()).take(series),
    }
    return pa.table(columns)


def _dated(values: Ints, like: pa.ChunkedArray) -> pa.Array:
    """Seconds since 1970-01-01, or counts, as values of the type of a column of dates."""
    from xbsql.series.read.table import in_own_days

    kind = like.type
    if pa.types.is_integer(kind):
        return pa.array(values).cast(kind)
    moments = pa.array(values).cast(pa.timestamp("s"))
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        return moments.cast(kind)
    if in_own_days(one_chunk(like)):
        return pc.assume_timezone(moments, kind.tz, ambiguous="earliest", nonexistent="latest").cast(kind)
    return pc.assume_timezone(moments, "UTC").cast(kind)
