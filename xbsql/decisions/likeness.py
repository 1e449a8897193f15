"""How alike two samples are, 0 to 1, freed of what a small sample alone would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Distance = Callable[[NDArray[np.generic], NDArray[np.generic]], float]

DRAWS = 100
"""Resamples behind an interval."""

FLOOR_DRAWS = 30
"""Samples of home, as large as the market's, that say how far chance alone takes them from home."""

MOST = 2000
"""Values of each side that are looked at."""


class Likeness(NamedTuple):
    """One measure of two markets.

    Attributes:
        value: 1 where they cannot be told apart, 0 where they have nothing in common.
        draws: the same in each bootstrap resample, shape (DRAWS,).
    """

    value: float
    draws: Floats


def likeness(
    home: NDArray[np.generic], market: NDArray[np.generic], distance: Distance, rng: np.random.Generator
) -> Likeness:
    """1 minus a distance in 0 .. 1, less what samples of home itself of that size show.

    A market of few rows lies far from home by chance. So samples of home as large as the market's are
    compared with resamples of home first; their mean distance counts as none.

    Args:
        home: shape (n,), n >= 1.
        market: shape (m,), m >= 1.
        distance: of two samples, 0 to 1.
        rng: of the resamples.
    """
    home, market = (_some(side, rng) for side in (home, market))
    alike = [distance(_again(home, rng), rng.choice(home, len(market))) for _ in range(FLOOR_DRAWS)]
    floor = float(np.mean(alike))
    found = distance(home, market)
    again = np.array([distance(_again(home, rng), _again(market, rng)) for _ in range(DRAWS)])
    draws = found + again - again.mean()  # a resample lies further away than the sample does
    value, *rest = 1.0 - np.clip((np.append(found, draws) - floor) / max(1.0 - floor, 1e-9), 0.0, 1.0)
    return Likeness(round(float(value), 4), np.array(rest))


def of_shares(values: Floats, rng: np.random.Generator) -> Likeness:
    """The mean of likenesses that are known one by one, held to 0 .. 1; shape (m,), m >= 1."""
    held = np.clip(_some(values, rng), 0.0, 1.0)
    return Likeness(round(float(held.mean()), 4), np.array([_again(held, rng).mean() for _ in range(DRAWS)]))


def known(value: float) -> Likeness:
    """A likeness that nothing was sampled for."""
    return Likeness(value, np.full(DRAWS, value))


def mean_of(parts: list[Likeness]) -> Likeness:
    """The mean of several."""
    value = round(float(np.mean([part.value for part in parts])), 4)
    return Likeness(value, np.mean([part.draws for part in parts], axis=0))


def kolmogorov(home: NDArray[np.generic], market: NDArray[np.generic]) -> float:
    """The largest distance between two distribution functions (Kolmogorov-Smirnov)."""
    here, there = np.sort(home), np.sort(market)
    both = np.concatenate([here, there])
    below = [np.searchsorted(side, both, side="right") / len(side) for side in (here, there)]
    return float(np.abs(below[0] - below[1]).max())


def total_variation(home: NDArray[np.generic], market: NDArray[np.generic]) -> float:
    """Half the summed difference of the shares of codes from 0 on."""
    width = int(max(home.max(), market.max())) + 1
    shares = [np.bincount(side, minlength=width) / len(side) for side in (home, market)]
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def _some(values: NDArray[np.generic], rng: np.random.Generator) -> NDArray[np.generic]:
    return values if len(values) <= MOST else rng.choice(values, MOST, replace=False)


def _again(values: NDArray[np.generic], rng: np.random.Generator) -> NDArray[np.generic]:
    return values[rng.integers(0, len(values), len(values))]
