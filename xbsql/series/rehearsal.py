"""Which methods are right where histories are short: told by home's own series, cut as short."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.engine.evidence import behind_best, of_units
from xbsql.series.backtest import POWER, joined, tried
from xbsql.series.units import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.series.backtest import Backtest
    from xbsql.series.method import Known, Method

    Floats = NDArray[np.float64]

WINDOWS: Final = 8
"""Stretches of home's history that stand for the target's."""
FEWEST, SHORTEST = 3, 4
"""Stretches, and values of a usual history, from which on something is learnt from them."""
LEAST: Final = 0.02
"""A method that is clearly wrong at home keeps this share of its prior."""
MOST_HOME: Final = 60
"""Home series that the methods learn from in a rehearsal."""


@dataclass(frozen=True)
class Rehearsal:
    """What the methods did on home's own series.

    Attributes:
        factors: what each method's prior is multiplied by, by name, before evidence of the target; 1 where it
            could not take part.
        alone: the same where the target gives no evidence.
        tried: their forecasts; a unit is a window.
    """

    factors: dict[str, float]
    alone: dict[str, float]
    tried: Backtest

    def fans(self, weights: dict[str, float]) -> Floats:
        """What the blend of these weights would have forecast; float64 (n, 10)."""
        shown = {name: weight for name, weight in weights.items() if name in self.tried.evidence.names}
        total = sum(shown.values())
        if not total:
            shown, total = dict.fromkeys(self.tried.evidence.names, 1.0), len(self.tried.evidence.names)
        predictions = self.tried.evidence.predictions
        parts = [weight / total * predictions[name][0] for name, weight in shown.items() if weight > 0]
        return np.asarray(np.sum(parts, axis=0))


def rehearsed(methods: Sequence[Method], known: Known, told: Callable[[str], None]) -> Rehearsal | None:
    """Let the methods forecast stretches of home's series that are as long as the target's.

    Each stretch stands for the target; home's other series, or where there are none the same one's earlier
    past, stand for home. Losses are relative to the mean of all methods, so that all stretches count alike.

    Args:
        methods: of the target; those that stand on a fitted home model, which has seen all of home, are not
            rehearsed.
        known: the target's histories and home's.
        told: called with a method's name after each fit.

    Returns:
        None with many series, without home's, or where home has no room for three stretches.
    """
    usable = [method for method in methods if method.rehearsed]
    trials = [
        trial for window in _windows(known) if len((trial := tried(usable, window, known.horizon, told)).rows)
    ]
    if len(trials) < FEWEST or not usable:
        return None
    found = joined(usable, trials, known, windows=True)
    losses = of_units(found.evidence.losses, found.evidence.group)
    relative = losses / losses.mean(axis=0)
    z, mean = behind_best(relative), relative.mean(axis=1)
    factors = np.maximum(np.exp(-0.5 * np.square(z)), LEAST)
    alone = np.exp(-0.5 * np.square(z)) * (mean.min() / mean) ** POWER
    given = dict.fromkeys((method.name for method in methods), 1.0)
    names = found.evidence.names
    first, only = (given | dict(zip(names, one.tolist(), strict=True)) for one in (factors, alone))
    return Rehearsal(first, only, found)


def _windows(known: Known) -> Iterator[Known]:
    """Problems like the target's, made of home's series."""
    rng = np.random.default_rng(known.seed)
    rooms = _rooms(known)
    for number in range(WINDOWS if rooms else 0):
        row, spare = rooms[number % len(rooms)]
        left_out = int(spare * number / WINDOWS + rng.integers(0, max(spare // WINDOWS, 1)))
        yield _stand_in(known, row, left_out)


def stand_ins(known: Known, left_out: Sequence[int]) -> Iterator[Known]:
    """Problems like the target's, each made of one of home's series without so many of its last values.

    One for each number, of a series of its own; none where home has no further series that is long enough.
    """
    for (row, spare), without in zip(_rooms(known), left_out, strict=False):
        if without <= spare:
            yield _stand_in(known, row, without)


def _rooms(known: Known) -> list[tuple[int, int]]:
    """Home's series that are longer than the target's usual history and its horizon, and by how much."""
    home, target = known.home, known.target
    there = target.lengths[target.lengths > 0]
    if home is None or not len(there) or len(there) >= ENOUGH:
        return []
    length = int(np.median(there))
    room = length + known.horizon + (length // 2 if _alone(known) else 0)
    spare = (home.lengths - room).tolist()
    return [(row, left) for row, left in enumerate(spare) if left >= 0] if length >= SHORTEST else []


def _alone(known: Known) -> bool:
    """Whether home has no other series to stand for home."""
    home = known.home
    return home is not None and (len(home) == 1 or bool(set(home.names) & set(known.target.names)))


def _stand_in(known: Known, row: int, left_out: int) -> Known:
    """A problem like the target's, made of one of home's series without its last values."""
    home = known.home
    if home is None:
        message = "home has no series to stand for the target"
        raise ValueError(message)
    whole = int(np.median(known.target.lengths[known.target.lengths > 0])) + known.horizon
    window = home.take(np.array([row])).until(left_out).last(whole)
    if _alone(known):
        others = home.until(np.maximum(home.ends - int(window.start[0]), 0))
    else:
        others = home.take(np.flatnonzero(np.arange(len(home)) != row)[:MOST_HOME])
    shown = replace(window, names=("",))
    return replace(known, target=shown, home=others.take(others.lengths > 0), market=known.home_market)
