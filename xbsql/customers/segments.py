"""Groups of customers who behave alike; abroad they are home's, so that a group means the same in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.int64]


NEAREST = 5
"""Home customers that are named for each abroad: of one alone chance decides who it is."""


class Behaviour(NamedTuple):
    """What groups are made of; float64 arrays (n,)."""

    orders: Floats
    recency: Floats
    age: Floats
    value: Floats
    alive: Floats

    def features(self) -> Floats:
        """Comparable numbers, (n, 5): money by the market's median, counts and days in logarithms."""
        worth = np.log(np.maximum(self.value, 1e-300))
        return np.stack(
            [
                np.log(self.orders),
                np.log1p(self.recency),
                np.log1p(self.age),
                worth - np.median(worth),
                self.alive,
            ],
            axis=1,
        )


def grouped(customers: Behaviour, spend: Floats, k: int) -> Places:
    """Groups by k-means, int64 (n,), 1 the one that is expected to spend most on average to k, or fewer.

    Args:
        customers: at least one.
        spend: what each is expected to spend.
        k: how many at most; of fewer different customers each is a group.
    """
    x = _scaled(customers.features(), customers.features())
    k = min(k, len(np.unique(x, axis=0)))
    by = np.lexsort(x.T)  # of no order of rows
    label = np.empty(len(x), dtype=np.int64)
    label[by] = KMeans(k, n_init=4, random_state=0).fit(x[by]).labels_
    mean = np.bincount(label, spend, k) / np.bincount(label, minlength=k)
    rank = np.empty(k, dtype=np.int64)
    rank[np.argsort(-mean, kind="stable")] = np.arange(1, k + 1)
    return rank[label]


def carried(customers: Behaviour, home: Behaviour, group: Places) -> tuple[Places, Places]:
    """Home's groups for another market's customers, int64 (n,), and who at home is nearest, int64 (n, k).

    Args:
        customers: the other market's, (n,).
        home: home's, (m,), m at least 1.
        group: theirs.

    Returns:
        The second has places of home, the nearest first; k is `NEAREST`, or m where that is less. Of
        customers at one distance any may come first.
    """
    at_home = _scaled(home.features(), home.features())
    here = _scaled(customers.features(), home.features())
    groups = np.unique(group)
    middles = np.stack([at_home[group == g].mean(axis=0) for g in groups])
    ranks = np.arange(1, min(NEAREST, len(at_home)) + 1)
    like = cKDTree(at_home).query(here, k=ranks)[1]
    return groups[cKDTree(middles).query(here)[1]], like.astype(np.int64)


def _scaled(x: Floats, by: Floats) -> Floats:
    """In standard deviations of other rows."""
    sd = by.std(axis=0)
    found: Floats = (x - by.mean(axis=0)) / np.where(sd > 0, sd, 1.0)
    return found
