"""Forecasts of many series, and what another market's series bring to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.features.roles import kind_of
from xbsql.harmonise.labels import SERIES
from xbsql.metrics import series as series_metrics
from xbsql.metrics.rows import bootstrap_counts, interval
from xbsql.series.backtest import until
from xbsql.series.carry import Carried, carry
from xbsql.series.closures import closures, none_closed
from xbsql.series.fan import MEDIAN
from xbsql.series.history import ahead, is_demand, is_whole
from xbsql.series.home import Home
from xbsql.series.method import Known, Method
from xbsql.series.methods import base_methods, home_methods, own_methods
from xbsql.series.read.table import SeriesTable, read_series
from xbsql.series.read.values import column_of
from xbsql.series.scale import absolute_scale, squared_scale
from xbsql.tasks.forecast.alike import alike_notes
from xbsql.tasks.forecast.forecaster import Forecaster
from xbsql.tasks.forecast.options import ForecastOptions
from xbsql.tasks.personal import refuse_personal_ids
from xbsql.tasks.task import Asked, Problem, Task, mine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.progress import Progress
    from xbsql.series.closures import Closures
    from xbsql.series.read.frequency import Frequency
    from xbsql.series.read.rules import Rules
    from xbsql.series.read.series import Series
    from xbsql.store.model import Model
    from xbsql.tasks.forecast.forecaster import Forecast

    Floats = NDArray[np.float64]

DRAWS = 500
"""Bootstrap resamples of the series behind each interval of a metric."""


@dataclass(frozen=True)
class SeriesProblem(Problem[Method, Carried, Forecaster]):
    """Series of one market, or of a target with a source, ready for the methods.

    Attributes:
        series: the target's.
        options: of the user, checked.
        label: the column of values.
        rules: how the table was read.
        market: what the series are from, for the record.
        home: the home market's series; those of the same name are the same product. Values after the
            target's last period are not looked at.
        base: the home market's model, a candidate as it stands.
    """

    series: Series
    options: ForecastOptions
    label: str
    rules: Rules
    market: str | None = None
    home: Series | None = None
    base: Forecaster | None = None
    metric = "skill"
    unmeasured = "histories too few or too short to measure"

    @cached_property
    def known(self) -> Known:
        """What the methods may learn from: series as if they never closed, see `Closures`."""
        options, frequency = self.options, self.series.frequency
        home = None if self._home is None else self._home[1].opened(self._home[0])
        cycles, seed = options.cycles(frequency), options.seed
        target = self._closures.opened(self.series)
        return Known(target, home, options.steps(frequency), cycles, seed, self.market, self._there)

    @property
    def _there(self) -> str | None:
        """What home is; None where nobody said."""
        return None if self.base is None else self.base.market

    @cached_property
    def _home(self) -> tuple[Series, Closures] | None:
        """Home's series up to the target's last period, and when they do not trade."""
        if self.home is None:
            return None
        home = until(self.home, int(self.series.ends.max()))
        return home, self._closures_of(home, self._there)

    @cached_property
    def _closures(self) -> Closures:
        """When the target does not trade."""
        return self._closures_of(self.series, self.market)

    def _closures_of(self, series: Series, market: str | None) -> Closures:
        """When series do not trade; never where a gap is no 0."""
        return closures(series, market) if self.rules.fill == "zero" else none_closed(series)

    def _shut(self) -> tuple[str, ...]:
        """Holidays on which the target's series are closed, or home's where none of them was open."""
        lent = frozenset() if self.base is None else frozenset(self.base.shut)
        if self._home is not None:
            home, found = self._home
            lent |= found.everywhere(home)
        return tuple(sorted(self._closures.everywhere(self.series, lent)))

    def __len__(self) -> int:
        return len(self.series)

    def candidates(self) -> list[Method]:
        """Methods of the target alone, and those that home's series and its model can feed."""
        known = self.known
        found = own_methods(known.target, known.season)
        if known.home is not None:
            found += home_methods(known.target, known.home, known.season)
        if self.base is not None:
            names = {method.name for method in found}
            theirs = base_methods(known.target, self.base.blend, self.base.home)
            found += [method for method in theirs if method.name not in names]
        return found

    def weighed(self, candidates: Sequence[Method], progress: Progress) -> Carried:
        """The methods, tried from past origins."""
        return carry(candidates, self.known, progress)

    def model(self, found: Carried) -> Forecaster:
        """The blend of the methods' fans, with intervals that past origins calibrated."""
        series, options = self.series, self.options
        opened, blend = self.known.target, found.blend
        if self.home is None and self.base is not None and not len(series.y):
            blend = replace(blend, cold=self.base.blend.cold)
        return Forecaster(
            blend,
            series.frequency,
            options.columns(self.label),
            self.rules,
            options.steps(series.frequency),
            options.level,
            Home.of(opened),
            found.calibration,
            is_demand(series),
            is_whole(series),
            self.market,
            self._shut(),
        )

    def scores(self, found: Carried) -> list[dict[str, Any]]:
        """The blend's skill from past origins; none where histories are too short or too few to tell."""
        if found.tried is None or not found.tried.measured:
            return []
        arm = next(arm for arm in found.verdict.arms if arm.name == "blend")
        rows = len(np.unique(found.tried.evidence.group))
        return [
            {"metric": found.verdict.metric, "value": arm.value, "lo": arm.lo, "hi": arm.hi, "rows": rows}
        ]

    def notes(self, found: Carried) -> list[str]:
        """How many series had something to say, of what frequency all are, and which names are alike."""
        odd = sum(text != "ok" for text in self.series.status)
        periods = f"{len(self.series)} series, periods {self.series.frequency.name}"
        told = periods + (f", {odd} of them with a status" if odd else "")
        home = self.home.names if self.home is not None else self.base.home.names if self.base else ()
        return [told, *self.series.notes, *alike_notes(self.series.names, home)]


class Forecasting(Task[Forecaster, Carried]):
    """A table holds one row a series and period; see `read_series` for gaps and duplicates."""

    name = "forecast"
    options = ForecastOptions

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Numbers, with 'ts' among the options or the columns unique_id and ds."""
        numbers = kind_of(schema.field(label).type) == "number"
        return numbers and ("ts" in options or set(schema.names) >= SERIES)

    def at_home(self, asked: Asked, instead: Callable[[], Frequency | None] | None = None) -> SeriesProblem:
        """The series of one market; where no row has a value, of the other frequency."""
        options = ForecastOptions.of(asked.where, asked.options)
        options.refuse_twice(asked.where, asked.label)
        rules = options.rules(asked.where)
        if "id" not in asked.options:
            refuse_personal_ids(asked.where, asked.data, options.id)
        for name in options.facts:
            column_of(asked.where, asked.data, name)
        asked.step(0.0, f"reading {asked.data.num_rows} rows")
        table = SeriesTable.of(asked.where, asked.data, options.columns(asked.label))
        if instead is not None and not np.isfinite(table.y).any():
            rules = replace(rules, frequency=rules.frequency or instead())
        series = table.series(rules, may_be_empty=instead is not None)
        return SeriesProblem(series, options, asked.label, rules, asked.market)

    def abroad(self, asked: Asked, base: Model | None, source: pa.Table | None) -> SeriesProblem:
        """The target's series with home's, of the same periods, or else with its model.

        Raises:
            XbsqlError: another frequency at home.
        """
        where = asked.where
        home = None if base is None else mine(where, base, Forecaster)
        problem = self.at_home(asked, partial(self._grid, asked, source, home))
        series = problem.series
        if source is not None:
            rules = replace(problem.rules, frequency=series.frequency)
            columns = problem.options.columns(asked.label)
            problem = replace(problem, home=read_series(where, source, columns, rules))
        if home is not None and (home.frequency.unit, home.frequency.step) != (
            series.frequency.unit,
            series.frequency.step,
        ):
            said = f"home's periods are {home.frequency.name} and these {series.frequency.name}"
            raise errors.invalid(where, said, "bring both to one frequency")
        return replace(problem, base=home)

    def _grid(self, asked: Asked, source: pa.Table | None, home: Forecaster | None) -> Frequency | None:
        """Home's frequency, for a target that has no value to find its own from."""
        if source is None:
            return None if home is None else home.frequency
        options = ForecastOptions.of(asked.where, asked.options)
        table = SeriesTable.of(asked.where, source, options.columns(asked.label))
        return table.grid(options.rules(asked.where))

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """Measure a forecaster on the last steps of each series, which it forecasts from those before.

        Metrics are 'mase', 'rmsse', 'smape', 'wape', 'pinball', 'coverage' and 'bias', means over the series
        with a bootstrap interval over series.

        Raises:
            XbsqlError: a column is missing, no series is longer than the horizon, another `by` than 'step'.
        """
        where, known = "xb.evaluate", mine("xb.evaluate", model, Forecaster)
        if by not in (None, "step"):
            raise errors.unknown(where, "group", str(by), ["step"], place="a forecast is measured by")
        columns = known.columns._replace(y=label).of(table)
        series = read_series(where, table, columns, replace(known.rules, frequency=known.frequency))
        series = series.take(series.lengths > known.horizon)
        if not len(series):
            problem = f"no series has more than the {known.horizon} values that are held out"
            raise errors.invalid(where, problem, "give longer histories, or fit with the option 'horizon'")
        past, y = series.until(known.horizon), ahead(series, known.horizon, known.horizon)
        found = known.forecast(past, known.horizon)
        groups: list[tuple[Any, slice]] = [(None, slice(None))]
        if by == "step":
            groups += [(str(k + 1), slice(k, k + 1)) for k in range(known.horizon)]
        return [{"group": group, **row} for group, steps in groups for row in _scored(past, y, found, steps)]


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


TASK: Final = Forecasting()
