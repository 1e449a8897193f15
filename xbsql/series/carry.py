"""Forecasts by the engine's rules: methods, evidence from past origins, blend, verdict, intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.decision import decided, undecided
from xbsql.engine.verdict import UNMEASURED, prior_verdict
from xbsql.features.views import Features
from xbsql.series.anniversary import reminded
from xbsql.series.backtest import backtest, objective, origins
from xbsql.series.blend import SeriesBlend
from xbsql.series.calibration import LEAST, Calibration, calibrated, edges_of
from xbsql.series.cold import COLD, cold_of
from xbsql.series.fan import MEAN
from xbsql.series.history import is_sparse, is_whole, trust
from xbsql.series.rehearsal import WINDOWS, rehearsed
from xbsql.series.units import ENOUGH, FEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.decision import Decision
    from xbsql.engine.verdict import Verdict
    from xbsql.series.backtest import Backtest
    from xbsql.series.method import Known, Method, SeriesPredictor
    from xbsql.series.rehearsal import Rehearsal

    Floats = NDArray[np.float64]


WIDE, WIDER = 1.0, 1.4
"""The smallest factor of intervals that home took part in, which may be calmer than the target; and where the
target's own past measures nothing."""


@dataclass(frozen=True)
class Carried:
    """What came out.

    Attributes:
        blend: the forecaster that is delivered.
        fitted: every method's forecaster by name, fitted on all that is known.
        weights: every method's weight by name; they sum to 1.
        tried: what they forecast from past origins; None where histories are too short or too few.
        held_out: the blend's own forecasts there, (1, n, 10) in units of movement; None without.
        verdict: whether home helped.
        calibration: of the intervals; None where nothing was tried.
    """

    blend: SeriesBlend
    fitted: Mapping[str, SeriesPredictor]
    weights: Mapping[str, float]
    tried: Backtest | None
    held_out: Floats | None
    verdict: Verdict
    calibration: Calibration | None

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes in the verdict."""
        return replace(self, verdict=self.verdict.noted(notes))


def carry(methods: Sequence[Method], known: Known, told: Callable[[float, str], None]) -> Carried:
    """Try the methods on the past, weigh them, and fit those that are delivered on all that is known.

    Args:
        methods: at least one of the family 'target'; the first has a fan for every series with a value.
        known: the target's histories, and home's.
        told: the share done, 0 to 1, and a method's name.
    """
    rounds = len(origins(known.target, known.horizon)) + 1 + (WINDOWS if known.home is not None else 0)
    done = 0

    def step(name: str) -> None:
        nonlocal done
        done += 1
        told(min(done / (rounds * len(methods)), 1.0), name)

    practice = rehearsed(methods, known, step)
    before = methods if practice is None else _weighed(methods, practice.factors)
    tried = backtest(before, known, step)
    if tried is not None and len(np.unique(tried.evidence.group)) < FEWEST:
        tried = None
    weighed, verdict, held_out = _decision(methods, before, known, practice, tried)
    weights = reminded(methods, known, weighed, step)
    fitted = {}
    for method in methods:
        if weights[method.name] > 0 or method.name in COLD:
            fitted[method.name] = method.fit(known)
        step(method.name)
    calibration = _calibration(known, tried, held_out, practice, weights)
    members = {name: fitted[name] for name, weight in weights.items() if weight > 0}
    cold = cold_of(known, fitted)
    blend = SeriesBlend(members, {name: weights[name] for name in members}, cold)
    return Carried(blend, fitted, weights, tried, held_out, verdict, calibration)


def _weighed(methods: Sequence[Method], factors: Mapping[str, float]) -> list[Method]:
    """The methods with their priors multiplied."""
    return [replace(method, prior=method.prior * factors[method.name]) for method in methods]


def _decision(
    methods: Sequence[Method],
    before: Sequence[Method],
    known: Known,
    practice: Rehearsal | None,
    tried: Backtest | None,
) -> Decision:
    """Weights and verdict by the target's past, or else by what home's series say, or else by the priors.

    Args:
        methods: as they are.
        before: with the priors that they were tried with.
        known: the target's histories, and home's.
        practice: what they did at home.
        tried: what they did in the target's past.
    """
    source = any(method.family != "target" for method in methods)
    if tried is None:
        own = _own(known) if practice is None else 1.0
        chosen = methods if practice is None else _weighed(methods, practice.alone)
        found = undecided(chosen, _units(known), objective(), own, source=source)
        return found._replace(verdict=replace(found.verdict, reason=_unmeasured(known)))
    found = decided(before, tried.evidence, objective(), known.seed)
    if tried.measured:
        return found
    verdict = prior_verdict(objective(), _units(known), source=source)
    return found._replace(verdict=replace(verdict, reason=_unmeasured(known)))


def _unmeasured(known: Known) -> str:
    """Why nothing was measured."""
    series = int((known.target.lengths > 0).sum())
    if not series:
        return f"no series has a history: {UNMEASURED}"
    longest = int(known.target.lengths.max())
    held = f"{series} series of up to {longest} periods"
    return f"{held} are too few or too short to try {known.horizon} periods ahead on: {UNMEASURED}"


def _calibration(
    known: Known,
    tried: Backtest | None,
    held_out: Floats | None,
    practice: Rehearsal | None,
    weights: Mapping[str, float],
) -> Calibration | None:
    """From what the blend missed in the target's past, and in home's where it was rehearsed.

    Of few series all steps have one factor: fans widen by themselves, and a step has few forecasts. Many
    whose demand is intermittent have factors by how much is expected of each.
    """
    parts = [] if tried is None or held_out is None else [(tried, held_out[0])]
    trust = _trust(known) if parts else 0.0
    if practice is not None:
        parts.append((practice.tried, practice.fans(dict(weights))))
        trust = 1.0
    if not parts:
        return None
    y, fan, step = (
        np.concatenate(each)
        for each in zip(*((part.evidence.y, fans, part.step) for part, fans in parts), strict=True)
    )
    few = int((known.target.lengths > 0).sum()) < ENOUGH
    units = sum(len(np.unique(part.evidence.group)) for part, _ in parts) if few else None
    return calibrated(
        np.asarray(y, np.float64),
        fan,
        np.zeros_like(step) if few else step,
        trust,
        whole=is_whole(known.target),
        least=_least(practice, tried),
        units=units,
        **(_groups(tried, fan) if tried is not None and not few and is_sparse(known.target) else {}),
    )


def _groups(tried: Backtest, fan: Floats) -> dict[str, Floats]:
    """What was expected of the series of each forecast, its mean over them, and where groups of it end."""
    _, row = np.unique(tried.evidence.group, return_inverse=True)
    mean = np.bincount(row, fan[:, MEAN] * tried.movement) / np.bincount(row)
    return {"level": mean[row], "edges": edges_of(mean)}


def _least(practice: Rehearsal | None, tried: Backtest | None) -> float:
    """The smallest factor of an interval."""
    if tried is None or not tried.measured:
        return WIDER
    return LEAST if practice is None else WIDE


def _trust(known: Known) -> float:
    """How far past origins speak for what is to come: k of them k / (k + 1), less where they are short.

    And less of short intermittent demand: whether the weeks that were tried held a large order is luck.
    """
    held_out = origins(known.target, known.horizon)
    reach = min(max(held_out) / known.horizon, 1.0)
    return trust(known.target) * reach * len(held_out) / (len(held_out) + 1)


def _own(known: Known) -> float:
    """What methods of the target alone count without evidence: as far as there is history; 0 .. 1."""
    usual = float(np.median(known.target.lengths)) if len(known.target) else 0.0
    return min(1.0, usual / known.horizon)


def _units(known: Known) -> Sample:
    """The series that have a history, as the verdict counts labels."""
    rows = np.flatnonzero(known.target.lengths > 0)
    return Sample(Features({}), np.zeros(len(rows)), group=rows)
