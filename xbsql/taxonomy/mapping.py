"""Two taxonomies laid upon each other, without a label: names, paths, and relatives that help one another.

Two nodes are alike as their names and paths are, corrected for hubs (CSLS: Conneau et al., ICLR 2018), the
more so as their parents and their children are (Melnik et al., "Similarity Flooding", ICDE 2002). The pairs
that are each other's best then teach a linear map from one side's vectors to the other's, and all is compared
once more. Who maps to whom is chosen together, as most nodes have one counterpart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import softmax

from xbsql import errors
from xbsql.engine.design import unit
from xbsql.features.ngrams import Ngrams
from xbsql.harmonise.assignment import assigned
from xbsql.progress import tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.taxonomy.nodes import Nodes

    Scores = NDArray[np.float32]
    Codes = NDArray[np.int64]

MOST_CELLS: Final = 150_000_000
"""Pairs of nodes: 12,000 x 12,000. Each takes some 30 bytes."""

NEIGHBOURS: Final = 10
SPELLING: Final = 0.5
CHILDREN: Final = 0.3
PARENTS: Final = 0.6
COUNT: Final = 0.1
DEPTH: Final = 0.3
"""What each evidence counts beside the nearness of names and paths."""

CANDIDATES: Final = 20
"""Right nodes of each left node that are chosen from."""

CHOSEN: Final = 1.0
"""What it counts that two nodes are each other's when all are chosen together."""

SHARPNESS: Final = 3.0
"""What scores are multiplied by before the softmax."""


def mapping(where: str, left: Nodes, right: Nodes) -> NDArray[np.float64]:
    """How likely each right node is what each left node means.

    Returns:
        float64, shape (left nodes, right nodes): rows sum to 1.

    Raises:
        XbsqlError: there are more pairs than fit in memory.
    """
    cells = len(left.names) * len(right.names)
    if cells > MOST_CELLS:
        problem = f"{len(left.names)} nodes are to be mapped on {len(right.names)}"
        raise errors.invalid(where, problem, "map one branch at a time")
    relatives = _Relatives(left, right)
    fixed = SPELLING * _spelling(left, right) + relatives.shapes()
    tell(0.2, "comparing names and paths")
    pairs = [(left.name_vectors, right.name_vectors), (left.path_vectors, right.path_vectors)]
    near = [corrected(a @ b.T) for a, b in pairs]
    scores = relatives.told(near[0] + near[1] + fixed)
    tell(0.5, "learning from likely pairs")
    own, other = _mutual(scores, _together(scores))
    for view, (a, b) in enumerate(pairs):
        near[view] = 0.5 * (near[view] + corrected(_carried(a, b, own, other) @ b.T))
    scores = relatives.told(near[0] + near[1] + fixed)
    tell(0.9, "choosing")
    partner = _together(scores)
    rows = np.flatnonzero(partner >= 0)
    scores[rows, partner[rows]] += CHOSEN
    return np.asarray(softmax(SHARPNESS * scores.astype(np.float64), axis=1))


def corrected(cosines: Scores, k: int = NEIGHBOURS) -> Scores:
    """Twice the cosine less the mean of each side's nearest: a node that is near to all is near to none."""
    forth = _nearest(cosines, min(k, cosines.shape[1]))
    back = _nearest(cosines.T, min(k, cosines.shape[0]))
    return np.asarray(2 * cosines - forth[:, None] - back, np.float32)


def _nearest(cosines: Scores, k: int) -> NDArray[np.float32]:
    return np.asarray(np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1), np.float32)


def _spelling(left: Nodes, right: Nodes) -> Scores:
    """The cosine of the n-grams of names: what two languages write alike."""
    names = [[found[0] if found else "" for found in side.names] for side in (left, right)]
    if not any(any(side) for side in names):
        return np.zeros((len(names[0]), len(names[1])), np.float32)
    grams = Ngrams.fit([name for side in names for name in side])
    return np.asarray((grams.transform(names[0]) @ grams.transform(names[1]).T).toarray(), np.float32)


def _carried(a: Scores, b: Scores, own: Codes, other: Codes) -> Scores:
    """The left vectors where a linear map brings them that was learnt on pairs, drawn to leaving them."""
    x, y = a[own].astype(np.float64), b[other].astype(np.float64)
    gram = x.T @ x + np.eye(a.shape[1])
    return unit(np.asarray(a + a @ np.linalg.solve(gram, x.T @ (y - x)), np.float32))


def _together(scores: Scores) -> Codes:
    """The right node of each left one, no right node twice, so that the sum is greatest; -1 for none."""
    most = min(CANDIDATES, scores.shape[1])
    j = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    i = np.repeat(np.arange(len(scores)), most)
    odds = scores[i, j.ravel()].astype(np.float64)
    chosen = assigned(i, j.ravel(), 3.0 * (odds - odds.mean()), -20.0, scores.shape)
    return np.where(chosen >= 0, j.ravel()[chosen], -1)


def _mutual(scores: Scores, partner: Codes) -> tuple[Codes, Codes]:
    """Left nodes that are the best of the right node they were given, and those."""
    best = scores.argmax(axis=0)
    own = np.flatnonzero((partner >= 0) & (best[partner] == np.arange(len(scores))))
    return own, partner[own]


@dataclass(frozen=True)
class _Relatives:
    """What parents and children say of pairs of nodes."""

    left: Nodes
    right: Nodes

    def told(self, scores: Scores) -> Scores:
        """The scores with what the children add, and then, from the first level down, the parents."""
        return self._from_parents(scores + CHILDREN * self._from_children(scores))

    def shapes(self) -> Scores:
        """What differs in depth and in the number of children counts against a pair."""
        depth = [side.tree.level.astype(np.float32) for side in (self.left, self.right)]
        count = [np.log1p(_children(side.parents)).astype(np.float32) for side in (self.left, self.right)]
        away = DEPTH * np.abs(depth[0][:, None] - depth[1]) + COUNT * np.abs(count[0][:, None] - count[1])
        return np.asarray(-away, np.float32)

    def _from_parents(self, scores: Scores) -> Scores:
        """A pair's score and a share of its parents'; the least there is where one alone has a parent."""
        found, above = scores.copy(), self.right.parents
        first = above < 0
        for level in range(self.left.tree.depth):
            rows = np.flatnonzero(self.left.tree.level == level)
            if level == 0:
                found[rows] += PARENTS * np.where(first, 0.0, -1.0).astype(np.float32)
                continue
            of_parent = found[self.left.parents[rows]]
            own = of_parent[:, np.maximum(above, 0)]
            own[:, first] = of_parent.min(axis=1, keepdims=True)
            found[rows] += PARENTS * own
        return found

    def _from_children(self, scores: Scores) -> Scores:
        """How well the children of one match those of the other, both ways; 0 where either has none."""
        order, first, owners = _families(self.right.parents)
        own_order, own_first, own = _families(self.left.parents)
        found = np.zeros_like(scores)
        if not len(owners) or not len(own):
            return found
        best = np.maximum.reduceat(scores[own_order][:, order], first, axis=1)
        sizes = np.diff(np.append(own_first, len(own_order)))[:, None]
        forth = np.add.reduceat(best, own_first, axis=0) / sizes
        best = np.maximum.reduceat(scores[own_order][:, order], own_first, axis=0)
        back = np.add.reduceat(best, first, axis=1) / np.diff(np.append(first, len(order)))
        found[np.ix_(own, owners)] = 0.5 * (forth + back)
        return found


def _children(parents: Codes) -> Codes:
    """How many children each node has."""
    return np.bincount(parents[parents >= 0], minlength=len(parents))


def _families(parents: Codes) -> tuple[Codes, Codes, Codes]:
    """Nodes by their parent, where each family begins, and whose family it is."""
    order = np.argsort(parents, kind="stable")
    order = order[np.searchsorted(parents[order], 0) :]
    owners, first = np.unique(parents[order], return_index=True)
    return order, first, owners
