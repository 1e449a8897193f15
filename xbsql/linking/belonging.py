"""How likely each row belongs to its entity, and which rows leave it again.

The log odds of a row are a line through three figures: what the row is worth to its entity
(`worth.belongs`), the root of how many partners its pairs promise within it, and of how many they promise
elsewhere: a row that has as likely partners in other entities is not sure of its own. Fitted by logistic
regression (`python -m bench.entities_belonging`) on catalogues of two to six markets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.linking.evidence import share
from xbsql.linking.worth import Rules, belongs, without

if TYPE_CHECKING:
    from xbsql.linking.graph import Bools, Floats, Graph, Ints

START: Final = -0.37
WEIGHTS: Final = (0.28, 2.17, -1.33)
"""Of `figures`."""
MOST_WORTH: Final = 15.0
"""Log odds that a row is worth to its entity at most."""


def belonging(graph: Graph, rules: Rules, entity: Ints) -> Floats:
    """Log odds that each row belongs to the rest of its entity, float64, shape (n,); NaN for one alone."""
    found = figures(graph, rules, entity) @ np.array(WEIGHTS) + START
    return np.asarray(np.where(np.bincount(entity, minlength=len(graph))[entity] > 1, found, np.nan))


def figures(graph: Graph, rules: Rules, entity: Ints) -> Floats:
    """What the log odds are a line through, float64, shape (n, 3); of a row that stands alone the first is 0.

    Copies of a row's partner are no other partners, and copies of one text are one.
    """
    n = len(graph)
    copy = np.arange(n) if graph.copy is None else graph.copy
    ends, others = np.concatenate([graph.i, graph.j]), np.concatenate([graph.j, graph.i])
    odds = np.concatenate([graph.odds, graph.odds])
    likely = share(odds)
    inside = entity[ends] == entity[others]
    within = np.bincount(ends[inside], likely[inside], minlength=n)
    elsewhere = ~np.isin(entity[ends] * n + copy[others], entity * n + copy)
    texts, place = np.unique((ends * n + copy[others])[elsewhere], return_inverse=True)
    best = np.zeros(len(texts))
    np.maximum.at(best, place, likely[elsewhere])
    beyond = np.bincount(texts // n, best, minlength=n)
    worth = np.clip(np.nan_to_num(belongs(graph, rules, entity)), -MOST_WORTH, MOST_WORTH)
    return np.column_stack([worth, np.sqrt(within), np.sqrt(beyond)])


def without_doubtful(
    graph: Graph, rules: Rules, entity: Ints, held: Bools, least: float
) -> tuple[Ints, Floats]:
    """Let rows stand alone that do not belong, until all that are left do.

    Args:
        graph: n rows and the pairs of them.
        rules: how they were joined.
        entity: int64, shape (n,): the lowest row of each row's entity.
        held: bool, shape (n,): rows that stay whatever speaks against it.
        least: log odds that a row needs.

    Returns:
        int64, shape (n,): the entities; float64, shape (n,): `belonging` of what is left.
    """
    while True:
        odds = belonging(graph, rules, entity)
        doubtful = (odds < least) & ~held
        if not doubtful.any():
            return entity, odds
        entity = without(entity, doubtful)
