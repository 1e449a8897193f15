"""Evidence for forecasts: every method forecasts from origins in the past what is known by now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from xbsql.engine.evidence import CLEARLY_WORSE, Evidence
from xbsql.engine.objective import Objective
from xbsql.series.fan import COLUMNS, LEVELS, pinball
from xbsql.series.history import ahead, is_sparse, least_of, movement, traded, trust
from xbsql.series.units import ENOUGH, Units, units_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Labels
    from xbsql.series.method import Known, Method
    from xbsql.series.read.series import Series

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_SERIES: Final = 250
"""More are not forecast for evidence: a sample of so many tells the methods apart."""
MOST_VALUES: Final = 40_000
"""Values that are forecast for evidence in all."""
ORIGINS: Final = 2
MOST_ORIGINS: Final = 6
FEW_ORIGINS: Final = 3
FOLDS: Final = 5
POWER, SETTLING = 8.0, 24
"""Of the ratio of losses, by which methods of few series are weighed beside their standard errors; of u units
u / (u + 24) of it. Chosen on the simulator and on other series and windows than `bench.few` reports."""
UNMOVED: Final = 1e-12
"""Loss of the market's own quantiles, in units of movement, up to which all values are the same."""
SURE: Final = 0.99
"""How sure it must be that home hurts before few series refuse it: as sure as that it helps."""


@dataclass(frozen=True)
class Backtest:
    """What the methods forecast, step by step.

    Attributes:
        evidence: in units of each series' movement; a unit is one series, origin and step.
        step: int64 (n,), 0 for the first one.
        movement: float64 (n,), of the series of each, in its own unit.
        measured: whether there are units enough for a verdict.
    """

    evidence: Evidence
    step: Ints
    movement: Floats
    measured: bool = True


class Trial(NamedTuple):
    """One origin: fans by method, (n, steps, 10), truth (n, steps), both scaled; series, end, scale, (n,)."""

    fans: dict[str, Floats]
    y: Floats
    rows: Ints
    ends: Ints
    scale: Floats


def origins(series: Series, horizon: int) -> list[int]:
    """How many of the last values each origin holds out, most first; empty where histories are too short.

    One horizon and one and a half. A history under two horizons is halved, and quartered beside: its methods
    are judged on fewer steps than they will be asked for. Few series are tried from more origins, and where
    that leaves fewer than three, from half a horizon before the end as well.
    """
    lengths = series.lengths[series.lengths > 0]
    usual = int(np.median(lengths)) if len(lengths) else 0
    first = min(horizon, usual // 2)
    if first < 1:
        return []
    if first < horizon:
        return sorted({first, max(first // 2, 1)}, reverse=True)
    number = int(np.clip(-(-ENOUGH // len(lengths)), ORIGINS, MOST_ORIGINS))
    stride = max(first // 2, 1)
    found = [first + i * stride for i in range(number)]
    found = [held for held in found if usual - held >= min(horizon, usual // 2)]
    if number > ORIGINS and len(found) < FEW_ORIGINS:
        found.append(stride)
    return sorted(found, reverse=True)


def until(series: Series, period: int) -> Series:
    """The series without the values of this period and later ones."""
    return series.until(np.maximum(series.ends - period, 0))


def backtest(methods: Sequence[Method], known: Known, told: Callable[[str], None]) -> Backtest | None:
    """Let every method forecast from every origin.

    Methods learn from all series up to the origin, of home as well; a sample of the series is forecast. What
    a method has no fan for (a history too short for it) is given the fan of the first method.

    Args:
        methods: the first one has a fan for every series that has a value.
        known: what may be learned from in the end.
        told: called with a method's name after each fit.

    Returns:
        None where no history is long enough.
    """
    held = origins(known.target, known.horizon)
    trials = [tried(methods, known, held_out, told) for held_out in held]
    trials = [trial for trial in trials if len(trial.rows)]
    return joined(methods, trials, known, stretch=max(held)) if trials else None


def joined(
    methods: Sequence[Method],
    trials: Sequence[Trial],
    known: Known,
    *,
    windows: bool = False,
    stretch: int = 0,
) -> Backtest:
    """Several trials as evidence.

    Args:
        methods: that were tried.
        trials: at least one.
        known: what may be learned from in the end.
        windows: whether each trial is a unit for itself; else see `units_of`.
        stretch: periods from the first origin on. Days of one stretch are alike in more than their losses
            show, and what comes is another one: of few series it speaks by its share in it and the horizon.
    """
    names = tuple(method.name for method in methods)
    shape = [np.isfinite(trial.y) for trial in trials]
    y = np.concatenate([trial.y[there] for trial, there in zip(trials, shape, strict=True)])
    step = np.concatenate([np.nonzero(there)[1] for there in shape])
    row = [np.nonzero(there)[0] for there in shape]
    series, ends, scale = (
        np.concatenate([values[at] for values, at in zip(each, row, strict=True)])
        for each in zip(*((trial.rows, trial.ends, trial.scale) for trial in trials), strict=True)
    )
    origin = np.repeat(np.arange(len(trials)), [int(there.sum()) for there in shape])
    fans = {
        name: np.concatenate([trial.fans[name][there] for trial, there in zip(trials, shape, strict=True)])
        for name in names
    }
    losses = np.stack([pinball(y, fans[name]) for name in names])
    prior = np.array([method.prior for method in methods])
    period = ends + step
    units = Units(origin, 1.0, True) if windows else units_of(losses, series, origin, period)
    folds = _folds(units.group, known.seed)[None]
    predictions = {name: fan[None] for name, fan in fans.items()}
    believed = trust(known.target) * units.trust
    few = len(np.unique(series)) < ENOUGH
    number = len(np.unique(units.group))
    power = POWER * number / (number + SETTLING) if few and not is_sparse(known.target) else 0.0
    shown = (names, prior, y, units.group, folds, predictions, losses)
    refused = _refused(number, believed, measured=units.measured) if few else CLEARLY_WORSE
    reach = stretch / (stretch + known.horizon) if few and stretch else 1.0
    evidence = Evidence(*shown, trust=believed * reach, power=power, refused=refused)
    return Backtest(evidence, step, scale, units.measured)


def _refused(units: int, believed: float, *, measured: bool) -> float:
    """Standard errors by which home must be worse to be refused, by Student's t; never without a verdict."""
    return float(stdtrit(units - 1, SURE)) / believed if measured else np.inf


def tried(methods: Sequence[Method], known: Known, held_out: int, told: Callable[[str], None]) -> Trial:
    """All methods from one origin: without the last `held_out` values of the target, and home's after it."""
    steps = min(held_out, known.horizon)
    past = known.target.until(held_out)
    rows = _sample(np.flatnonzero(past.lengths > 0), steps, known.seed)
    y, shown = ahead(traded(known.target.take(rows)), held_out, steps), past.take(rows)
    home = None if known.home is None else until(known.home, int(known.target.ends.max()) - held_out)
    then = replace(known, target=past.take(past.lengths > 0), home=home, horizon=steps)
    scale = movement(past, least_of(past))[rows]
    fans: dict[str, Floats] = {}
    for method in methods:
        fan = method.fit(then).fan(shown, steps) if len(rows) else np.empty((0, steps, COLUMNS))
        first = fans.get(methods[0].name, fan)
        fans[method.name] = np.where(np.isfinite(fan), fan, first)
        told(method.name)
    scaled = {name: fan / scale[:, None, None] for name, fan in fans.items()}
    return Trial(scaled, y / scale[:, None], rows, past.ends[rows], scale)


def _sample(rows: Ints, steps: int, seed: int) -> Ints:
    """So many of the rows as may be tried, in their order."""
    most = min(MOST_SERIES, max(MOST_VALUES // (steps * ORIGINS), 1))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _folds(group: Ints, seed: int) -> Ints:
    """A fold for each unit, groups kept whole."""
    _, unit = np.unique(group, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(int(unit.max()) + 1) % FOLDS
    return np.asarray(dealt[unit], np.int64)


def objective() -> Objective:
    """Scaled pinball loss over nine quantiles, reported as 'skill'.

    Skill is 1 minus the loss over that of the market's own quantiles, which know nothing of a series but its
    unit (Koenker and Machado, JASA 1999, the mean over the levels): to the pinball loss what R2 is to the
    squared error. Where all values are the same it is 1 for that value and 0 for any other.
    """
    return Objective("skill", None, pinball, _skill)


def _skill(y: Labels, prediction: Floats, weight: Floats | None = None, /) -> Floats:
    plain = pinball(y, np.broadcast_to(np.r_[np.quantile(y, LEVELS), y.mean()], (len(y), COLUMNS)))
    own = pinball(y, prediction)
    counted = np.ones(len(y)) if weight is None else weight
    lost, usual = counted @ own, counted @ plain
    moves = usual > UNMOVED * counted.sum(axis=-1)
    return np.where(moves, 1.0 - lost / np.where(moves, usual, 1.0), np.where(lost > usual, 0.0, 1.0))
