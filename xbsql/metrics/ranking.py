"""Scores of orders: where the one right candidate of each unit comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.metrics.rows import mean

if TYPE_CHECKING:
    from xbsql.metrics.rows import Floats, Labels

DEEPEST: Final = 10
"""Places that count."""


def places(y: Labels, score: Floats) -> Floats:
    """The place of the right candidate, 0 for the first; among equal scores the middle one.

    Args:
        y: integer, shape (n,): the right candidate.
        score: shape (n, c), higher comes first.

    Returns:
        float64, shape (n,).
    """
    own = score[np.arange(len(y)), y][:, None]
    return np.asarray((score > own).sum(axis=1) + ((score == own).sum(axis=1) - 1) / 2.0)


def discounts(place: Floats) -> Floats:
    """What a place is worth: 1 / log2(2 + place) (Jarvelin and Kekalainen, 2002)."""
    return np.asarray(1.0 / np.log2(2.0 + place))


def ndcg_of(y: Labels, score: Floats) -> Floats:
    """nDCG@10 of each unit, which has one right candidate; float64, shape (n,), 0 .. 1."""
    place = places(y, score)
    return np.where(place < DEEPEST, discounts(place), 0.0)


def ndcg(y: Labels, score: Floats, weight: Floats | None = None) -> Floats:
    """Mean nDCG@10."""
    return mean(ndcg_of(y, score), weight)


def ndcg_loss(y: Labels, score: Floats) -> Floats:
    """1 - nDCG@10 of each unit; float64, shape (n,)."""
    return np.asarray(1.0 - ndcg_of(y, score))
