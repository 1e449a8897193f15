"""What an entity is worth: how well all pairs of its rows agree.

An entity of s rows with k pairs of different markets is worth

    (s - 1) (prior - threshold) + sum of the pairs' log likelihood ratios / (1 + (k / (s - 1) - 1) DEPENDENCE)

Each row beyond the first pays the prior once, and every pair has its say, so pairs that close a circle lift
each other; because they repeat each other (one product, one wording), k pairs count as fewer (the design
effect: Kish, "Survey Sampling", 1965). Of two rows it is the log odds of their pair. A pair that no one
proposed says NOT_PROPOSED.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from xbsql.linking.graph import Bools, Floats, Graph, Ints

DEPENDENCE: Final = 0.65
"""How much of a further pair repeats what the first said, 0 to 1."""
NOT_PROPOSED: Final = -3.0
"""The log likelihood ratio of a pair that neither meaning nor spelling proposed."""


@dataclass(frozen=True)
class Rules:
    """How rows may be joined.

    Attributes:
        threshold: log odds that each row beyond the first has to bring.
        many: whether an entity may hold several rows of a market; pairs of one market then say nothing.
        dependence: see `DEPENDENCE`.
        not_proposed: see `NOT_PROPOSED`.
    """

    threshold: float = 0.0
    many: bool = False
    dependence: float = DEPENDENCE
    not_proposed: float = NOT_PROPOSED

    @property
    def free(self) -> Rules:
        """The same without a threshold."""
        return replace(self, threshold=0.0)


@dataclass(frozen=True)
class Sums:
    """What the parts of an entity's worth add up from, one entry an entity; see the module's text.

    Attributes:
        rows: how many rows.
        pairs: how many pairs of different markets.
        ratio: the sum of their log likelihood ratios.
        prior: the sum of their priors.
    """

    rows: Floats
    pairs: Floats
    ratio: Floats
    prior: Floats

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.rows + other.rows,
            self.pairs + other.pairs,
            self.ratio + other.ratio,
            self.prior + other.prior,
        )

    def __getitem__(self, places: Ints) -> Sums:
        return Sums(self.rows[places], self.pairs[places], self.ratio[places], self.prior[places])

    def worth(self, rules: Rules) -> Floats:
        """Log odds that all rows are one product against all being alone, less the threshold of each."""
        joins, pairs = np.maximum(self.rows - 1, 1), np.maximum(self.pairs, 1)
        repeated = 1 + np.maximum(self.pairs / joins - 1, 0) * rules.dependence
        found = (self.rows - 1) * (self.prior / pairs - rules.threshold) + self.ratio / repeated
        return np.where(self.pairs > 0, found, 0.0)


def lowest(entity: Ints) -> Ints:
    """Entities named by their lowest row."""
    _, first, place = np.unique(entity, return_index=True, return_inverse=True)
    return np.asarray(first[place], np.int64)


def without(entity: Ints, rows: Bools) -> Ints:
    """The entities without some rows, which stand alone."""
    return lowest(np.where(rows, len(entity) + np.arange(len(entity)), entity))


def members_across(entity: Ints, a: Ints, b: Ints) -> tuple[Ints, Ints, Ints]:
    """Each row of one entity with each row of another: places in `a`, and the rows, int64, shape (q,)."""
    order = np.argsort(entity, kind="stable")
    start = np.searchsorted(entity[order], np.arange(len(entity) + 1))
    size = np.diff(start)
    each = size[a] * size[b]
    which = np.repeat(np.arange(len(a)), each)
    within = np.arange(len(which)) - np.repeat(np.cumsum(each) - each, each)
    own, other = np.divmod(within, np.maximum(size[b][which], 1))
    return which, order[start[a][which] + own], order[start[b][which] + other]


def sums(graph: Graph, rules: Rules, entity: Ints) -> Sums:
    """What each entity's worth adds up from, by its lowest row; 0 at other rows."""
    n = len(graph)
    inside = entity[graph.i] == entity[graph.j]
    ratio = np.bincount(entity[graph.i][inside], graph.ratio[inside], minlength=n)
    count = np.bincount(entity[graph.i][inside], minlength=n)
    size = np.bincount(entity, minlength=n)
    some = np.flatnonzero(size > 1)
    which, x, y = members_across(entity, some, some)
    kept = (x < y) & (graph.market[x] != graph.market[y])
    which, x, y = which[kept], x[kept], y[kept]
    pairs, prior = np.zeros(n), np.zeros(n)
    pairs[some] = np.bincount(which, minlength=len(some))
    prior[some] = np.bincount(which, graph.prior[graph.market[x], graph.market[y]], minlength=len(some))
    return Sums(size.astype(np.float64), pairs, ratio + (pairs - count) * rules.not_proposed, prior)


def belongs(graph: Graph, rules: Rules, entity: Ints) -> Floats:
    """Log odds that each row belongs to the rest of its entity, float64, shape (n,); NaN for one alone."""
    n = len(graph)
    own = sums(graph, rules, entity)
    size = np.bincount(entity, minlength=n)
    rows = np.flatnonzero(size[entity] > 1)
    # Each row's part in the sums of its entity.
    _, x, y = members_across(entity, *(np.flatnonzero(size > 1),) * 2)
    kept = (x != y) & (graph.market[x] != graph.market[y])
    x, y = x[kept], y[kept]
    pairs = np.bincount(x, minlength=n).astype(np.float64)
    prior = np.bincount(x, graph.prior[graph.market[x], graph.market[y]], minlength=n)
    inside = entity[graph.i] == entity[graph.j]
    ratio, count = np.zeros(n), np.zeros(n)
    for ends in (graph.i, graph.j):
        ratio += np.bincount(ends[inside], graph.ratio[inside], minlength=n)
        count += np.bincount(ends[inside], minlength=n)
    ratio += (pairs - count) * rules.not_proposed
    whole = own[entity[rows]]
    lost = (-each[rows] for each in (pairs, ratio, prior.astype(np.float64)))
    rest = whole + Sums(-np.ones(len(rows)), *lost)
    found = np.full(n, np.nan)
    found[rows] = whole.worth(rules.free) - rest.worth(rules.free)
    return found
