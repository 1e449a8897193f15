"""A fitted forecast: histories in, what to expect of each step out, with an interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Self

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.series.closures import closures, none_closed
from xbsql.series.fan import MEAN, interval
from xbsql.series.newcomer import Newcomer
from xbsql.series.read.fill import NO_HISTORY
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.rules import Rules
from xbsql.series.read.table import Columns
from xbsql.store.model import Model, Signature, State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.blend import SeriesBlend
    from xbsql.series.calibration import Calibration
    from xbsql.series.closures import Closures
    from xbsql.series.home import Home
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]

MOST_STEPS = 1000
ROUNDING = 1e-6
FROM_MARKET = f"{NO_HISTORY}: forecast from its market"
NO_LESS = "no forecast is below 0, since nothing was at the fit"
OUTPUT = pa.struct([(name, pa.float64()) for name in ("yhat", "lo", "hi")])


class Forecast(NamedTuple):
    """What is expected of n series.

    Attributes:
        yhat: float64 (n, horizon), the mean: sums of it are the mean of sums. NaN for a series that nothing
            can be said of.
        lo: float64 (n, horizon), the lower end of the interval.
        hi: float64 (n, horizon), the upper end.
        quantiles: float64 (n, horizon, 9), at the levels of M5 Uncertainty, see `xbsql.series.fan.LEVELS`.
        status: one a series: its own, with what the forecast has to say.
        closed: bool (n, horizon): steps without trade, which are 0.
    """

    yhat: Floats
    lo: Floats
    hi: Floats
    quantiles: Floats
    status: tuple[str, ...]
    closed: NDArray[np.bool_]


@restorable("forecaster")
@dataclass(frozen=True)
class Forecaster(Model):
    """A blend of forecasts.

    Attributes:
        blend: histories -> fans.
        frequency: of the series it was fitted on.
        columns: where their table kept what.
        rules: how the table was read.
        horizon: steps its evidence is about.
        level: the share of values an interval shall hold where nobody asks for another.
        home: what this market's products sell, for a market that is carried to from here.
        calibration: of the intervals; None where nothing was measured: they are then the fan's own.
        amounts: whether no value was negative: no forecast is then.
        whole: whether amounts are pieces: ends of intervals are whole then, the lower down, the upper up.
        market: what it was fitted for; None where nobody said.
        shut: holidays on which the known markets are closed, for histories that have not seen them yet.
    """

    blend: SeriesBlend
    frequency: Frequency
    columns: Columns
    rules: Rules
    horizon: int
    level: float
    home: Home
    calibration: Calibration | None
    amounts: bool
    whole: bool
    market: str | None = None
    shut: tuple[str, ...] = ()

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        fields = [(name, pa.string()) for name in self.columns.id] + [(self.columns.ts, pa.timestamp("s"))]
        inputs = pa.schema([*fields, (self.columns.y, pa.float64())])
        return Signature("forecast", inputs, OUTPUT, self.columns.y)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> NoReturn:
        """A row is no history.

        Raises:
            XbsqlError: always.
        """
        problem = f"a forecast reads whole series and got {batch.num_rows} rows"
        raise errors.invalid("xb.predict", problem, "call xb.forecast(model, tbl)")

    def forecast(
        self, history: Series, horizon: int, level: float | None = None, known: Floats | None = None
    ) -> Forecast:
        """What to expect after each history.

        Args:
            history: n series of the model's frequency; an empty one is a product that sells nowhere yet.
            horizon: steps, 1 to 1000.
            level: the share of values that an interval shall hold; None is the model's.
            known: float64 (n, horizon, f), columns that are known in advance; this version reads none.

        Raises:
            XbsqlError: no such horizon or level.
        """
        share = self.level if level is None else level
        if not 1 <= horizon <= MOST_STEPS:
            raise errors.invalid("xb.forecast", f"horizon is {horizon}", f"give 1 to {MOST_STEPS} periods")
        if not 0 < share < 1:
            raise errors.invalid("xb.forecast", f"level is {share}", "give a share between 0 and 1: 0.9")
        shut = self.closures(history)
        fan, closed = self.blend.fan(shut.opened(history), horizon), shut.ahead(history, horizon)
        lo, hi = interval(fan, share)
        if self.calibration is not None:
            warm = (history.lengths > 0)[:, None] | (not self.expects)
            ends = self.calibration.ends(fan, share)
            lo, hi = (np.where(warm, end, plain) for end, plain in zip(ends, (lo, hi), strict=True))
        if self.amounts:
            fan, lo = np.maximum(fan, 0.0), np.maximum(lo, 0.0)
        if self.whole:
            lo, hi = np.floor(lo), np.ceil(hi - ROUNDING)
        mute = np.isnan(fan[:, 0, MEAN]).tolist()
        fan = np.where(closed[..., None], 0.0, fan)
        lo, hi = (np.where(closed, 0.0, ends) for ends in (lo, hi))
        told = zip(history.status, self._notes(history, shut), self._cold(history), mute, strict=True)
        status = tuple(_status(text, notes, said, mute=silent) for text, notes, said, silent in told)
        return Forecast(fan[..., MEAN], lo, hi, fan[..., :MEAN], status, closed)

    def _notes(self, history: Series, shut: Closures) -> list[list[str]]:
        """What the forecast says of each history beside the history's own status."""
        found = [list(notes) for notes in shut.notes(history)]
        if self.amounts:
            for i in np.unique(history.owner()[history.y < 0]).tolist():
                found[i].append(NO_LESS)
        return found

    def _cold(self, history: Series) -> list[str]:
        """Of each series without history, what its forecast is from; '' of the others."""
        cold, names = self.blend.cold, self.columns.facts
        said = cold.remarks(history, names) if isinstance(cold, Newcomer) else [""] * len(history)
        return [
            "" if length else FROM_MARKET + remark
            for length, remark in zip(history.lengths.tolist(), said, strict=True)
        ]

    def of_sums(self, nodes: Series, horizon: int) -> Forecast:
        """What to expect of sums of series, by the members that know no single products.

        `yhat` is NaN where no member does, and where a sum has no history.
        """
        blend = self.blend.of_sums()
        found = replace(self, blend=blend or self.blend).forecast(nodes, horizon)
        silent = (nodes.lengths == 0)[:, None] | (blend is None)
        return found._replace(yhat=np.where(silent, np.nan, found.yhat))

    @property
    def expects(self) -> bool:
        """Whether a user's expectation counts where there is no history."""
        return isinstance(self.blend.cold, Newcomer)

    def closures(self, history: Series) -> Closures:
        """When the series do not trade; never where a period without a row is no 0."""
        if self.rules.fill != "zero":
            return none_closed(history)
        found = closures(history, self.market)
        return found.with_lent(history, frozenset(self.shut), self.market) if self.amounts else found

    def state(self) -> State:
        """The model as data."""
        rules = asdict(replace(self.rules, frequency=None))
        config = {
            "frequency": self.frequency.config(),
            "columns": [list(part) if isinstance(part, tuple) else part for part in self.columns],
            "rules": rules,
            "horizon": self.horizon,
            "level": self.level,
            "amounts": self.amounts,
            "whole": self.whole,
            "market": self.market,
            "shut": list(self.shut),
        }
        parts = {"blend": self.blend.state(), "home": self.home.state()}
        if self.calibration is not None:
            parts["calibration"] = self.calibration.state()
        return State("forecaster", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The model again."""
        config, parts = {"shut": (), **state.config}, state.parts
        frequency = Frequency.from_config(config.pop("frequency"))
        id, ts, y, known, title, facts = (*config.pop("columns"), None, ())[:6]
        return cls(
            restore(parts["blend"]),
            frequency,
            Columns(tuple(id), ts, y, tuple(known), title, tuple(facts)),
            Rules(**config.pop("rules")),
            shut=tuple(config.pop("shut")),
            home=restore(parts["home"]),
            calibration=restore(parts["calibration"]) if "calibration" in parts else None,
            **config,
        )


def _status(text: str, notes: Sequence[str], cold: str, *, mute: bool) -> str:
    """A series' own status and what the forecast adds, which says that there is no history."""
    said = f"{NO_HISTORY}, no forecast" if mute else cold
    own = [part for part in text.split("; ") if part != "ok" and not (said and part == NO_HISTORY)]
    return "; ".join([*own, *notes, *([said] if said else [])]) or "ok"
