"""The independent units behind evidence: series where there are many, else stretches of time within each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ENOUGH: Final = 30
"""Series from which on they are the independent units."""
FEWEST: Final = 6
"""Units from which on something was measured."""
MOST_ALIKE: Final = 0.8
"""Largest correlation of neighbouring losses that is believed."""
FAR: Final = 2**40
"""More than the periods of any series."""


class Units(NamedTuple):
    """Which losses tell one story.

    Attributes:
        group: int64 (n,), the unit of each loss.
        trust: what standard errors between units are multiplied by: less than 1 where series of one period
            lose together, or blocks are shorter than their autocorrelation asks for.
        measured: whether there are as many independent units as a verdict takes.
    """

    group: Ints
    trust: float
    measured: bool


def units_of(losses: Floats, series: Ints, origin: Ints, period: Ints) -> Units:
    """The units of forecasts from several origins.

    Of 30 series or more each is one. A long series among few has many nearly independent stretches: blocks of
    so many periods as an autocorrelation r of the losses makes one independent value of, (1 + r) / (1 - r)
    (Wilks, Statistical Methods in the Atmospheric Sciences, 5.2.4). Where that leaves fewer than six blocks
    they are cut shorter, trusted less, and no verdict is given. What several origins say of one block is one
    unit. Losses are taken relative to the mean of all methods, which is what weights and verdict compare.

    Args:
        losses: float64 (K, n), of K methods.
        series: int64 (n,), of each loss.
        origin: int64 (n,).
        period: int64 (n,), as the frequency counts.
    """
    if len(np.unique(series)) >= ENOUGH:
        return Units(series, 1.0, True)
    apart = losses - losses.mean(axis=0)
    order = np.lexsort((period, origin, series))
    together = (np.diff(series[order]) == 0) & (np.diff(origin[order]) == 0)
    length, kinds = block_length(apart[:, order], together), len(np.unique(series))
    cut = min(length, max(len(np.unique(period)) * kinds // FEWEST, 1))
    block = (period - period.min()) // cut
    group = np.unique(series * FAR + block, return_inverse=True)[1]
    trust = _trust(apart, series, block) * np.sqrt(cut / length)
    measured = (int(group.max()) + 1) * cut / length >= FEWEST
    return Units(np.asarray(group, np.int64), float(trust), bool(measured))


def block_length(losses: Floats, together: NDArray[np.bool_]) -> int:
    """Periods that make one independent value.

    Args:
        losses: float64 (K, n), in order of time.
        together: bool (n - 1,), whether each loss and the next one are neighbours.
    """
    middle = losses - losses.mean(axis=1, keepdims=True)
    moved = np.square(middle).sum()
    if not together.any() or moved <= 0:
        return 1
    product = (middle[:, :-1] * middle[:, 1:])[:, together].sum() * losses.shape[1] / together.sum()
    alike = float(np.clip(product / moved, 0.0, MOST_ALIKE))
    return max(round((1 + alike) / (1 - alike)), 1)


def _trust(losses: Floats, series: Ints, block: Ints) -> float:
    """1 over the root of the design effect of series that lose together in one block of time."""
    kinds, row = np.unique(series, return_inverse=True)
    times, column = np.unique(block, return_inverse=True)
    if len(kinds) < 2 or len(times) < 2:
        return 1.0
    cell = row * len(times) + column
    size = np.bincount(cell, minlength=len(kinds) * len(times)).reshape(len(kinds), len(times))
    full = np.flatnonzero((size > 0).all(axis=0))
    if len(full) < 2:
        return 1.0
    sums = np.stack([np.bincount(cell, one, size.size).reshape(size.shape) for one in losses])
    mean = (sums / np.maximum(size, 1))[:, :, full]
    mean = mean - mean.mean(axis=2, keepdims=True)
    alone = np.square(mean).sum(axis=1).sum()
    joint = np.square(mean.sum(axis=1)).sum()
    return float(1.0 / np.sqrt(np.clip(joint / alone, 1.0, len(kinds)))) if alone > 0 else 1.0
