"""What the fields beside the text say of each pair, in log odds, learned without labels.

Fellegi and Sunter, "A Theory for Record Linkage", JASA 1969: a level of agreement says the log of how often
it is met among pairs of one product over how often among pairs of two. Both are learned from the pairs
themselves, each counted by how likely it is (expectation and maximisation: Winkler, 1988), first over all
pairs of markets, then for each pair of markets with all others as its prior. A rare value says more (Winkler,
"Frequency-based matching", 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.linking.fields import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.linking.fields import Field
    from xbsql.linking.graph import Floats, Ints

ROUNDS: Final = 5
_STRENGTH: Final = 20.0  # pairs that the start stands for
_SHARED: Final = 50.0  # pairs that the other markets stand for in a pair of markets
MOST: Final = 12.0  # log odds that one field says at most
_LOOKED_AT: Final = -6.0  # log odds by the text of pairs that are learned from


@dataclass(frozen=True)
class Evidence:
    """What each field says of each pair.

    Attributes:
        names: f fields.
        levels: int64, shape (p, f): -1 where either row says nothing.
        says: float64, shape (p, f): log odds, 0 where either row says nothing.
    """

    names: tuple[str, ...]
    levels: Ints
    says: Floats


def weighed(
    fields: Mapping[str, Field], i: Ints, j: Ints, between: Ints, odds: Floats, told: np.ndarray
) -> Evidence:
    """Learn what the fields say and say it of each pair.

    Args:
        fields: by name.
        i: int64, shape (p,): rows.
        j: int64, shape (p,): rows of other markets.
        between: int64, shape (p,): which two markets they are of.
        odds: float64, shape (p,): log odds by the text.
        told: bool, shape (p,): pairs that the text itself proposed; the others are not learned from.
    """
    names = tuple(sorted(fields))
    likely = share(odds)
    compared = [fields[name].compared(i, j, between, likely) for name in names]
    says = np.zeros((len(i), len(names)))
    used = np.flatnonzero(told & (odds > _LOOKED_AT))
    for _ in range(ROUNDS):
        likely = share(odds + says.sum(axis=1))
        for place, name in enumerate(names):
            level, chance = compared[place]
            says[:, place] = _said(fields[name], level, chance, between, likely, used)
    levels = np.column_stack([level for level, _ in compared]) if names else np.empty((len(i), 0), np.int64)
    return Evidence(names, levels, says)


def _said(
    field: Field, level: Ints, chance: Floats, between: Ints, likely: Floats, used: Ints
) -> Floats:  # fmt: skip
    """Log likelihood ratios, float64, shape (p,); 0 where a row says nothing."""
    count, markets = len(field.levels), int(between.max(initial=-1)) + 1
    rows = used[level[used] != ABSENT]
    key, shape = between[rows] * count + level[rows], (markets, count)
    shares = []
    for start, weight in zip(field.start, (likely[rows], 1 - likely[rows]), strict=True):
        own = np.bincount(key, weight, minlength=markets * count).reshape(shape)
        whole = own.sum(axis=0) + _STRENGTH * np.asarray(start)
        found = own + _SHARED * whole / whole.sum()
        shares.append(found / found.sum(axis=1, keepdims=True))
    ratio = np.log(shares[0]) - np.log(shares[1])
    # What agrees more never says less, and what agrees best never speaks against.
    ratio = np.minimum.accumulate(ratio, axis=1)
    there = np.flatnonzero(level != ABSENT)
    found = np.zeros(len(level))
    found[there] = ratio[between[there], level[there]]
    rare = there[np.isfinite(chance[there])]
    # A value of its own chance: the mean chance of agreement is the level's, the value's takes its place.
    if len(rare):
        mean = np.average(chance[rare])
        found[rare] += np.clip(np.log(mean) - np.log(np.maximum(chance[rare], 1e-9)), -3.0, 3.0)
    # A field that every row has alike says nothing, also where the start, of few pairs, expects less of it.
    return np.clip(found, np.where(level == 0, 0.0, -MOST), MOST)


def share(odds: Floats) -> Floats:
    """Log odds as probabilities."""
    return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
