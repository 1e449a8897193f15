"""What people say of pairs: which rows are tied together, which are kept apart, and what that teaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from xbsql.linking.graph import Bools, Floats, Ints

ENOUGH: Final = 10
"""Labelled pairs of each kind from which on they correct how sure the scorer is."""
_HELD: Final = 5.0  # labels that the scorer as it is stands for
_STEPS: Final = 30


@dataclass(frozen=True)
class Labels:
    """Pairs of rows that somebody has labelled.

    Attributes:
        a: int64, shape (q,): lower rows; no pair is there twice.
        b: int64, shape (q,): higher rows.
        match: bool, shape (q,): whether they are one product.
    """

    a: Ints
    b: Ints
    match: Bools

    @classmethod
    def none(cls) -> Labels:
        """No label."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))

    def with_ties(self, other: Labels) -> Labels:
        """These labels and others, of which a pair may be there twice: only for `tied`."""
        a, b = (np.concatenate(ends) for ends in ((self.a, other.a), (self.b, other.b)))
        return Labels(a, b, np.concatenate([self.match, other.match]))

    def tied(self, rows: int) -> Ints:
        """The lowest row that each of so many rows is tied to, by any number of labels."""
        true = self.match
        shape = (rows, rows)
        graph = csr_matrix((np.ones(true.sum()), (self.a[true], self.b[true])), shape=shape)
        place = connected_components(graph, directed=False)[1]
        return np.asarray(np.unique(place, return_index=True)[1][place], np.int64)

    def contradiction(self, market: Ints, *, many: bool) -> tuple[int, int] | None:
        """Two rows that are tied and must not be: labelled apart, or of one market; else None."""
        tied = self.tied(len(market))
        apart = np.flatnonzero(~self.match & (tied[self.a] == tied[self.b]))
        if len(apart):
            return int(self.a[apart[0]]), int(self.b[apart[0]])
        keys = tied * (market.max(initial=0) + 1) + market
        order = np.argsort(keys, kind="stable")
        twice = np.flatnonzero(np.diff(keys[order]) == 0)
        if many or not len(twice):
            return None
        return int(order[twice[0]]), int(order[twice[0] + 1])

    def told(self, i: Ints, j: Ints, odds: Floats, surest: float) -> Floats:
        """Log odds of pairs once the labels are known: labelled pairs are sure, the others are corrected.

        The correction is a line through the log odds (Platt, 1999), held near the odds as they are; it is
        made from `ENOUGH` labels of each kind on.
        """
        rows = int(max(i.max(initial=0), j.max(initial=0), self.b.max(initial=0))) + 1
        keys, labelled = i * rows + j, self.a * rows + self.b
        order = np.argsort(labelled)
        place = np.minimum(np.searchsorted(labelled[order], keys), max(len(labelled) - 1, 0))
        known = np.flatnonzero(labelled[order][place] == keys) if len(labelled) else np.empty(0, np.int64)
        truth = self.match[order][place[known]] if len(known) else np.empty(0, np.bool_)
        slope, shift = _line(odds[known], truth)
        found = slope * odds + shift
        found[known] = np.where(truth, surest, -surest)
        return found


def _line(odds: Floats, truth: Bools) -> tuple[float, float]:
    """The slope and the shift by which log odds fit labels best."""
    if min(truth.sum(), (~truth).sum()) < ENOUGH:
        return 1.0, 0.0
    x, line = np.column_stack([odds, np.ones(len(odds))]), np.array([1.0, 0.0])
    start, hold = line.copy(), _HELD * np.array([np.square(odds).mean() / 4, 0.25])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ line, -30, 30)))
        weight = np.maximum(chance * (1 - chance), 1e-6)
        slope = x.T @ (chance - truth) + hold * (line - start)
        line = line - np.linalg.solve(x.T @ (weight[:, None] * x) + np.diag(hold), slope)
    return float(max(line[0], 0.1)), float(line[1])
