"""Entities: rows of many markets put together so that all pairs of them agree as well as they can.

Those that are each other's best are merged (Boruvka's order of agglomeration), or three at once where no two
gain; then the rows of one market at a time are assigned anew, which never makes the sum worse, and what is
left is merged again. For two markets this is one-to-one assignment by log odds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.harmonise.assignment import assigned
from xbsql.linking.worth import Rules, Sums, lowest, members_across, sums, without

if TYPE_CHECKING:
    from xbsql.linking.graph import Bools, Floats, Graph, Ints

FLOOR: Final = -6.0
"""Log odds from which on a pair may begin to join two entities."""
REACH: Final = 4.0
"""Three entities may be merged at once where no two of them lose more by it."""
TURNS: Final = 6
"""How often all markets are assigned anew, at most."""


def joined(graph: Graph, rules: Rules, known: Ints | None = None, tied: Ints | None = None) -> Ints:
    """The entity of each row, as the lowest row of it.

    Args:
        graph: n rows and the pairs of them.
        rules: how they may be joined.
        known: int64, shape (n,): entities that are settled, -1 for rows that are to be placed; settled rows
            stay as they are, and no two settled entities are merged.
        tied: int64, shape (n,): the lowest row that each row is tied to, itself where it is free.

    Returns:
        int64, shape (n,). The same for the same rows and pairs; among equals the lower rows are joined first.
    """
    start = _first(graph, known, tied)
    held = np.bincount(start, minlength=len(graph))[start] > 1
    settled = np.zeros(len(graph), np.bool_) if known is None else known >= 0
    found = _merged(graph, rules, start, settled)
    if rules.many:
        return found
    for _ in range(TURNS):
        before = found
        for market in range(int(graph.market.max(initial=-1)) + 1):
            found = _assigned_anew(graph, rules, found, settled, held, market)
        found = _merged(graph, rules, found, settled)
        if np.array_equal(found, before):
            break
    return found


def _first(graph: Graph, known: Ints | None, tied: Ints | None) -> Ints:
    """Entities to begin with: those that are settled, and rows that are tied."""
    entity = np.arange(len(graph)) if tied is None else tied
    if known is None:
        return entity
    keys = np.where(known >= 0, known, known.max(initial=0) + 1 + np.arange(len(graph)))
    best = keys.copy()
    np.minimum.at(best, entity, keys)  # what is tied to a settled row is settled with it
    return lowest(np.where(known >= 0, keys, best[entity]))


def _merged(graph: Graph, rules: Rules, entity: Ints, settled: Bools) -> Ints:
    """Merge entities that are each other's best until none gains by it, nor three at once."""
    entity = entity.copy()
    while True:
        near = _near(graph, rules, entity, settled, -REACH)
        better = near[np.flatnonzero(near.gain > 0)]
        if len(better):
            taken, gain = np.column_stack([better.a, better.b]), better.gain
        else:
            taken, gain = _triples(sums(graph, rules, entity), near, rules)
        if not len(gain):
            return entity
        chosen = taken[_best_of_all(taken, gain, len(graph))]
        new = np.arange(len(graph))
        new[chosen] = chosen[:, :1]
        entity = new[entity]


def _best_of_all(taken: Ints, gain: Floats, n: int) -> Ints:
    """The merges of which none of their entities has a better one; the first among equals."""
    best = np.full(n, -np.inf)
    np.maximum.at(best, taken, gain[:, None])
    top = np.flatnonzero((gain[:, None] >= best[taken]).all(axis=1))
    first = np.full(n, len(gain), np.int64)
    np.minimum.at(first, taken[top], top[:, None])
    kept: Ints = top[(first[taken[top]] == top[:, None]).all(axis=1)]
    # The greatest of all is always there, also where equal merges overlap in turns.
    return kept if len(kept) else top[:1]


@dataclass(frozen=True)
class Merges:
    """Pairs of entities that may be merged, a < b, in their order.

    Attributes:
        a: int64, shape (q,): the lowest row of one entity.
        b: int64, shape (q,): of the other.
        across: what lies between them.
        gain: float64, shape (q,): what is gained.
    """

    a: Ints
    b: Ints
    across: Sums
    gain: Floats

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, places: Ints) -> Merges:
        return Merges(self.a[places], self.b[places], self.across[places], self.gain[places])


def _near(
    graph: Graph, rules: Rules, entity: Ints, settled: Bools, least: float, only: Bools | None = None
) -> Merges:
    """The merges that gain more than `least`; with `only`, those of one entity in it and one that is not."""
    n = len(graph)
    heads, tails = entity[graph.i], entity[graph.j]
    between = heads != tails
    if only is not None:
        between &= only[heads] != only[tails]
    low, high = np.minimum(heads, tails)[between], np.maximum(heads, tails)[between]
    keys, place = np.unique(low * n + high, return_inverse=True)
    strongest = np.full(len(keys), -np.inf)
    np.maximum.at(strongest, place, graph.odds[between])
    ratio = np.bincount(place, graph.ratio[between], minlength=len(keys))
    count = np.bincount(place, minlength=len(keys))
    kept = strongest > FLOOR
    keys, ratio, count = keys[kept], ratio[kept], count[kept]
    a, b = np.divmod(keys, max(n, 1))
    allowed, pairs, prior = _across(graph, rules, entity, a, b, settled)
    a, b, ratio, count = a[allowed], b[allowed], ratio[allowed], count[allowed]
    across = Sums(np.zeros(len(a)), pairs, ratio + (pairs - count) * rules.not_proposed, prior)
    own = sums(graph, rules, entity)
    gain = (own[a] + own[b] + across).worth(rules) - own[a].worth(rules) - own[b].worth(rules)
    return Merges(a, b, across, gain)[np.flatnonzero(gain > least)]


def _triples(own: Sums, near: Merges, rules: Rules) -> tuple[Ints, Floats]:
    """Three entities that gain together what no two of them do.

    Args:
        own: of each entity.
        near: merges of two that gain nothing, though not much less.
        rules: how rows may be joined.

    Returns:
        int64, shape (t, 3), ascending in a row, in order; float64, shape (t,): the gain, above 0.
    """
    n = len(own.rows)
    start = np.searchsorted(near.a, np.arange(n + 1))
    later = np.diff(start)[near.b]
    first = np.repeat(np.arange(len(near)), later)
    within = np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    second = start[near.b[first]] + within
    keys, wanted = near.a * n + near.b, near.a[first] * n + near.b[second]
    third = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    closed = keys[third] == wanted if len(keys) else np.zeros(0, np.bool_)
    first, second, third = first[closed], second[closed], third[closed]
    a, b, c = near.a[first], near.b[first], near.b[second]
    across = near.across[first] + near.across[second] + near.across[third]
    gain = (own[a] + own[b] + own[c] + across).worth(rules)
    gain = gain - own[a].worth(rules) - own[b].worth(rules) - own[c].worth(rules)
    taken, kept = np.column_stack([a, b, c]), np.flatnonzero(gain > 0)
    order = np.lexsort(taken[kept].T[::-1])
    return taken[kept][order], gain[kept][order]


def _across(
    graph: Graph, rules: Rules, entity: Ints, a: Ints, b: Ints, settled: Bools
) -> tuple[Bools, Floats, Floats]:
    """Which pairs of entities may be merged, how many pairs of markets lie between them and their priors."""
    which, x, y = members_across(entity, a, b)
    same = graph.market[x] == graph.market[y]
    barred = graph.barred(x, y) | (same & (not rules.many)) | (settled[x] & settled[y])
    allowed = np.bincount(which, barred, minlength=len(a)) == 0
    pairs = np.bincount(which, ~same, minlength=len(a))
    prior = np.bincount(
        which, np.where(same, 0.0, graph.prior[graph.market[x], graph.market[y]]), minlength=len(a)
    )
    return allowed, pairs[allowed].astype(np.float64), prior[allowed]


def _assigned_anew(
    graph: Graph, rules: Rules, entity: Ints, settled: Bools, held: Bools, market: int
) -> Ints:  # fmt: skip
    """Take the rows of a market that nothing holds out of their entities and assign them anew."""
    free = (graph.market == market) & ~settled & ~held
    entity = without(entity, free)
    near = _near(graph, rules, entity, settled, 0.0, free)
    own, other = np.where(free[near.a], near.a, near.b), np.where(free[near.a], near.b, near.a)
    (rows, row), (parts, part) = (np.unique(ends, return_inverse=True) for ends in (own, other))
    chosen = assigned(row, part, near.gain, 0.0, (len(rows), len(parts)))
    there = np.flatnonzero(chosen >= 0)
    found = entity.copy()
    found[rows[there]] = parts[part[chosen[there]]]
    return lowest(found)
