"""Forecasts of many series, and what another market's series bring to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql import errors
from xbsql.metrics import series as series_metrics
from xbsql.metrics.rows import bootstrap_counts, interval
from xbsql.series.backtest import until
from xbsql.series.carry import carry
from xbsql.series.fan import MEDIAN
from xbsql.series.history import ahead, is_demand, is_whole
from xbsql.series.home import Home
from xbsql.series.method import Known
from xbsql.series.methods import base_methods, home_methods, own_methods
from xbsql.series.read.table import read_series
from xbsql.series.scale import absolute_scale, squared_scale
from xbsql.tasks.candidates import restricted
from xbsql.tasks.forecast_options import ForecastOptions
from xbsql.tasks.forecaster import Forecaster
from xbsql.tasks.notes import report
from xbsql.tasks.progress import fitting, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.series.carry import Carried
    from xbsql.series.method import Method
    from xbsql.series.read.series import Series
    from xbsql.tasks.forecaster import Forecast
    from xbsql.tasks.progress import Progress

    Floats = NDArray[np.float64]

DRAWS = 500
"""Bootstrap resamples of the series behind each interval of a metric."""


def fit(
    data: pa.Table,
    label: str,
    *,
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Forecaster, list[dict[str, Any]]]:
    """Fit a forecast on the series of one market.

    Args:
        data: one row a series and period: the columns that 'id' and 'ts' name (`unique_id`, `ds`), the label.
        label: numbers; see `read_series` for gaps, duplicates and what is no number.
        market: what the series are from, for the record.
        options: see `ForecastOptions`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The forecaster, and one row a metric ('skill', 'pinball' in units of each series' movement): metric,
        value, lo, hi (from past origins; None with histories too short or too few), rows, note.

    Raises:
        XbsqlError: a column is missing or of a type that cannot be used, an option that there is not.
    """
    where, step = "xb.fit", progress or quiet
    chosen = ForecastOptions.of(where, options, label)
    step(0.0, f"reading {data.num_rows} rows")
    series = read_series(where, data, chosen.columns, chosen.rules)
    model, done = forecaster(series, None, None, chosen, "auto", market, step)
    step(1.0, "fitted")
    rows = [] if done.tried is None else _measured(done)
    return model, report(rows, "skill", len(series), _notes(series))


def transfer(
    data: pa.Table,
    label: str,
    *,
    base: Forecaster | None = None,
    source: pa.Table | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Forecaster, Carried]:
    """Carry a home market's series to the market of `data`, and say whether that helped.

    Args:
        data: the target's series.
        label: the values, of the same name on both sides; units may differ.
        base: the home market's model.
        source: the home market's series; one of the same name is the same product. Values after the
            target's last period are not read.
        market: what the target is, for the record.
        method: 'auto', a family or a method; target-only methods always stay.
        options: see `ForecastOptions`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The transferred forecaster, and all that came out on the way: the verdict with notes, every method and
        its weight. Its intervals are calibrated on the target's own past alone.

    Raises:
        XbsqlError: neither base nor source, another frequency at home, a column that is missing or of a type
            that cannot be used, no such method.
    """
    where, step = "xb.transfer", progress or quiet
    if base is None and source is None:
        raise errors.invalid(where, "neither base nor source is given", "name a home model or its rows")
    chosen = ForecastOptions.of(where, options, label)
    step(0.0, f"reading {data.num_rows} rows")
    series = read_series(where, data, chosen.columns, chosen.rules)
    home = None
    if source is not None:
        rules = replace(chosen.rules, frequency=series.frequency)
        home = read_series(where, source, chosen.columns, rules)
    elif base is not None and base.frequency.step != series.frequency.step:
        problem = f"home's periods are {base.frequency.name} and these {series.frequency.name}"
        raise errors.invalid(where, problem, "bring both to one frequency")
    model, done = forecaster(series, home, base, chosen, method, market, step)
    step(1.0, "transferred")
    verdict = replace(done.verdict, notes=(*done.verdict.notes, *_notes(series)))
    return model, replace(done, verdict=verdict)


def evaluate(model: Forecaster, table: pa.Table, label: str, by: str | None = None) -> list[dict[str, Any]]:
    """Measure a forecaster on the last steps of each series, which it forecasts from those before.

    Args:
        model: from `fit` or `transfer`; best one that has not seen these steps.
        table: series of the model's frequency, longer than its horizon.
        label: the values.
        by: 'step': one more group for each step of the horizon.

    Returns:
        One row a group and metric, all steps first: group (None for these), metric ('mase', 'rmsse', 'smape',
        'wape', 'pinball', 'coverage', 'bias'), value (mean over the series), lo and hi (95 % bootstrap
        interval over series), rows (series). None where no series defines it.

    Raises:
        XbsqlError: a column is missing, no series is longer than the horizon, another `by`.
    """
    where = "xb.evaluate"
    if by not in (None, "step"):
        raise errors.unknown(where, "group", str(by), ["step"], place="a forecast is measured by")
    columns = model.columns._replace(y=label).of(table)
    series = read_series(where, table, columns, replace(model.rules, frequency=model.frequency))
    series = series.take(series.lengths > model.horizon)
    if not len(series):
        problem = f"no series has more than the {model.horizon} values that are held out"
        raise errors.invalid(where, problem, "give longer histories, or fit with the option 'horizon'")
    past, y = series.until(model.horizon), ahead(series, model.horizon, model.horizon)
    found = model.forecast(past, model.horizon)
    groups: list[tuple[Any, slice]] = [(None, slice(None))]
    if by == "step":
        groups += [(str(k + 1), slice(k, k + 1)) for k in range(model.horizon)]
    return [{"group": group, **row} for group, steps in groups for row in _scored(past, y, found, steps)]


def forecaster(
    series: Series,
    home: Series | None,
    base: Forecaster | None,
    options: ForecastOptions,
    method: str,
    market: str | None,
    step: Progress,
) -> tuple[Forecaster, Carried]:
    """The model of series as they were read, and all that came out on the way.

    Args:
        series: the target's.
        home: the home market's, or None.
        base: the home market's model, or None.
        options: of the user.
        method: see `transfer`.
        market: for the record.
        step: is told.
    """
    chosen = options.told(series.frequency)
    season, horizon = chosen.season or (), chosen.horizon or 1
    methods: Sequence[Method] = own_methods(series, season)
    if home is not None:
        home = until(home, int(series.ends.max()))
        methods = [*methods, *home_methods(series, home, season)]
    elif base is not None:
        methods = [*methods, *base_methods(base.blend, base.home)]
    methods = restricted("xb.transfer", methods, method)
    known = Known(series, home, horizon, season, chosen.seed)
    done = carry(methods, known, fitting(step))
    model = Forecaster(
        done.blend,
        series.frequency,
        chosen.columns,
        chosen.rules,
        horizon,
        chosen.level,
        Home.of(series),
        done.calibration,
        is_demand(series),
        is_whole(series),
        market,
    )
    return model, done


def _measured(done: Carried) -> list[dict[str, Any]]:
    """The blend's scores from past origins."""
    arm = next(arm for arm in done.verdict.arms if arm.name == "blend")
    rows = 0 if done.tried is None else len(np.unique(done.tried.evidence.group))
    return [{"metric": done.verdict.metric, "value": arm.value, "lo": arm.lo, "hi": arm.hi, "rows": rows}]


def _scored(past: Series, y: Floats, found: Forecast, steps: slice) -> list[dict[str, Any]]:
    """Every metric over the series, for some of the steps."""
    truth, mean, median = y[:, steps], found.yhat[:, steps], found.quantiles[:, steps, MEDIAN]
    absolute, squared = absolute_scale(past), squared_scale(past)
    quantiles = found.quantiles[:, steps]
    scores: dict[str, Floats] = {
        "mase": series_metrics.mase(truth, median, absolute),
        "rmsse": series_metrics.rmsse(truth, mean, squared),
        "smape": series_metrics.smape(truth, median),
        "wape": series_metrics.wape(truth, median),
        "pinball": series_metrics.scaled_pinball(truth, quantiles, absolute),
        "coverage": series_metrics.coverage(truth, found.lo[:, steps], found.hi[:, steps]),
        "bias": series_metrics.bias(truth, mean, absolute),
    }
    return [{"metric": name, **_over_series(score)} for name, score in scores.items()]


def _over_series(score: Floats) -> dict[str, Any]:
    """The mean over the series that define a score, and its interval."""
    known = score[np.isfinite(score)]
    if not len(known):
        return {"value": None, "lo": None, "hi": None, "rows": 0}
    counts = bootstrap_counts(len(known), DRAWS, 0)
    lo, hi = interval(counts @ known / len(known))
    return {"value": float(known.mean()), "lo": lo, "hi": hi, "rows": len(known)}


def _notes(series: Series) -> list[str]:
    """How many series had something to say, and of what frequency all are."""
    odd = sum(text != "ok" for text in series.status)
    periods = f"{len(series)} series, periods {series.frequency.name}"
    return [periods + (f", {odd} of them with a status" if odd else "")]
