"""Which methods are right at dates like those to come: told by the year before, of the target or of home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.evidence import trimmed
from xbsql.series.backtest import POWER, origins, tried
from xbsql.series.blend import SeriesBlend
from xbsql.series.fan import pinball
from xbsql.series.history import is_sparse
from xbsql.series.read.calendar import calendar
from xbsql.series.read.frequency import DAY
from xbsql.series.rehearsal import stand_ins
from xbsql.series.units import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.series.backtest import Trial
    from xbsql.series.method import Known, Method
    from xbsql.series.read.frequency import Frequency

    Floats = NDArray[np.float64]

WEEKS: Final = 52
"""A year of whole weeks, so that days of the week fall on themselves."""
YEARS: Final = 2
"""Of the target's own history from which on its last year tells: the one before has shown every event."""
MOST_SERIES: Final = 3
"""Home series that are asked."""
SHARE: Final = 0.5
"""Of all weight, where every step to come has an event that the evidence has not seen. Chosen on seeds of the
simulator that `bench.few` does not report."""
COVERED: Final = 0.5
"""Share of the home model that must have a stand-in."""
SAME: Final = {"calendar:own": "calendar:home", "boosted:own": "source:boosted"}
"""What the home model's own methods are where home's series stand for home."""


def reminded(
    methods: Sequence[Method], known: Known, weights: Mapping[str, float], told: Callable[[str], None]
) -> dict[str, float]:
    """Weights drawn towards what is right at the same dates of the year before.

    A stretch of ordinary weeks says which method follows those; it has no word of Christmas. As far as the
    steps to come have holidays or sale days that it has not seen, weights are drawn to those that the year
    before gives: of the target's own series where they hold two years, else of home's, cut as short as the
    target's, home's other series standing for home.

    Args:
        methods: of the target.
        known: the target's histories and home's.
        weights: by the evidence, see `xbsql.series.carry`; as they are where no series is long enough, or
            nothing to come is new. What uses home has none where home was refused.
        told: called with a method's name after each fit.
    """
    plain = dict(weights)
    helps = any(plain[method.name] for method in methods if method.family != "target")
    asked = [method for method in methods if helps or method.family == "target"]
    new = newness(known)
    losses = _losses(asked, known, told, helps=helps) if new else {}
    if not losses:
        return plain
    prior = np.array([method.prior if method.name in losses else 0.0 for method in methods])
    lost = np.array([losses.get(method.name, np.inf) for method in methods])
    then = trimmed(prior * (lost.min() / lost) ** POWER)
    share = SHARE * new
    found = np.array([plain[method.name] for method in methods])
    drawn = trimmed((1 - share) * found + share * then)
    return dict(zip((method.name for method in methods), drawn.tolist(), strict=True))


def newness(known: Known) -> float:
    """The share of the steps to come with an event of the calendar that the evidence has not seen; 0 .. 1.

    0 where series are many, or their demand intermittent: what one window shows of that is luck.
    """
    target = known.target
    rows = np.flatnonzero(target.lengths > 0)
    if not 0 < len(rows) < ENOUGH or is_sparse(target):
        return 0.0
    end, held_out = int(target.ends[rows].max()), origins(target, known.horizon)
    past, ahead = (
        calendar(known.market, target.frequency, np.arange(*span)) > 0
        for span in ((end - max(held_out, default=0), end), (end, end + known.horizon))
    )
    return float((ahead & ~past.any(axis=0)).any(axis=1).mean())


def _losses(
    methods: Sequence[Method], known: Known, told: Callable[[str], None], *, helps: bool
) -> dict[str, float]:
    """What each method lost a year before over the mean of all, by name; empty where nobody can say."""
    year = _year(known.target.frequency)
    if year < known.horizon:
        return {}
    if int(known.target.lengths.max()) >= YEARS * year:
        trials = [tried(methods, known, year, told)]
    else:
        usable = [method for method in methods if method.rehearsed]
        windows = stand_ins(known, [year - known.horizon] * MOST_SERIES) if usable and helps else ()
        trials = [tried(usable, window, known.horizon, told) for window in windows]
    found = [
        _relative(trial, methods, known) for trial in trials if len(trial.rows) and np.isfinite(trial.y).any()
    ]
    names = set.intersection(*map(set, found)) if found else set[str]()
    return {name: float(np.mean([one[name] for one in found])) for name in names}


def _year(frequency: Frequency) -> int:
    """Periods of a year."""
    return max(round(WEEKS * 7 * DAY / frequency.length), 1)


def _relative(trial: Trial, methods: Sequence[Method], known: Known) -> dict[str, float]:
    there = np.isfinite(trial.y)
    fans = dict(_models(trial, methods, known)) | trial.fans
    losses = {name: float(pinball(trial.y[there], fan[there]).mean()) for name, fan in fans.items()}
    usual = float(np.mean(list(losses.values()))) or 1.0
    return {name: loss / usual for name, loss in losses.items()}


def _models(trial: Trial, methods: Sequence[Method], known: Known) -> Iterator[tuple[str, Floats]]:
    """The fans of home models, which have seen these dates themselves: of what they are made of."""
    for method in methods:
        model = method.fit(known) if method.family == "source" and not method.rehearsed else None
        if not isinstance(model, SeriesBlend):
            continue
        named = [(SAME.get(name, name), weight) for name, weight in model.weights.items()]
        parts = [(trial.fans[name], weight) for name, weight in named if name in trial.fans]
        covered = sum(weight for _, weight in parts)
        if covered > COVERED:
            yield method.name, np.sum([weight / covered * fan for fan, weight in parts], axis=0)
