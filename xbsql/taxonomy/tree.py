"""A tree over classes: what a prediction says of every node, and the deepest one that is sure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats
    from xbsql.taxonomy.levels import Levels

    Codes = NDArray[np.int64]


class Descent(NamedTuple):
    """The likeliest path of each row, from the first level down.

    Attributes:
        nodes: int64, shape (n, levels): the node at each level, -1 below the end of the path.
        scores: float64, shape (n, levels): its probability, 0 below the end; they never rise.
        weight: float64, shape (n, nodes): the probability of every node.
    """

    nodes: Codes
    scores: Floats
    weight: Floats

    def depth(self, sure: float) -> Codes:
        """How many levels are at least that sure, int64, shape (n,)."""
        return np.asarray(((self.nodes >= 0) & (self.scores >= sure)).sum(axis=1), np.int64)


@dataclass(frozen=True)
class Tree:
    """Nodes in the order of their paths, so that each one's classes are neighbours.

    Attributes:
        labels: of the nodes.
        parent: int64, shape (nodes,): -1 for the first level.
        level: int64, shape (nodes,): 0 for the first level.
        node: int64, shape (classes,): the node that each class is.
    """

    labels: tuple[str, ...]
    parent: Codes
    level: Codes
    node: Codes

    @classmethod
    def of(cls, classes: Sequence[str], levels: Levels) -> Tree:
        """The tree of some classes, with every node above them."""
        paths = {path for name in classes for path in _prefixes(levels.path(name))}
        ordered = sorted(paths)
        place = {path: i for i, path in enumerate(ordered)}
        parent = np.array([place.get(path[:-1], -1) for path in ordered], np.int64)
        level = np.array([len(path) - 1 for path in ordered], np.int64)
        node = np.array([place[levels.path(name)] for name in classes], np.int64)
        return cls(tuple(path[-1] for path in ordered), parent, level, node)

    @cached_property
    def depth(self) -> int:
        """How many levels there are."""
        return int(self.level.max()) + 1

    @cached_property
    def ancestors(self) -> Codes:
        """The node of each level above each node and it itself, -1 below it; int64, (nodes, levels)."""
        found = np.full((len(self.labels), self.depth), -1, np.int64)
        for node, above in enumerate(self.parent.tolist()):
            if above >= 0:
                found[node] = found[above]
            found[node, self.level[node]] = node
        return found

    @cached_property
    def _below(self) -> csr_matrix:
        """1 where a class is a node or lies below it, shape (nodes, classes)."""
        above = self.ancestors[self.node]
        code, level = np.nonzero(above >= 0)
        cells = np.ones(len(code)), (above[code, level], code)
        return csr_matrix(cells, shape=(len(self.labels), len(above)))

    def of_nodes(self, probability: Floats) -> Floats:
        """The probability of each node, its own and of all below; (n, classes) -> (n, nodes)."""
        return np.asarray(self._below @ probability.T).T

    @cached_property
    def _classes(self) -> Codes:
        """The class of each node, -1 where the node is none."""
        found = np.full(len(self.labels), -1, np.int64)
        found[self.node] = np.arange(len(self.node))
        return found

    def descent(self, probability: Floats) -> Descent:
        """The likeliest path of each row: from child to likeliest child, until the node itself is likelier.

        Args:
            probability: of the classes, float64, shape (n, classes).
        """
        weight = self.of_nodes(probability)
        shape = len(probability), self.depth
        nodes, scores = np.full(shape, -1, np.int64), np.zeros(shape)
        rows, above = np.arange(len(probability)), np.full(len(probability), -1, np.int64)
        for level in range(self.depth):
            there = self._children[1][above + 1] > 0
            rows, above = rows[there], above[there]
            if not len(rows):
                break
            chosen = self._likeliest_child(weight, rows, above)
            score = weight[rows, chosen]
            goes = (score >= self._itself(probability, rows, above)) if level else np.ones(len(rows), bool)
            rows, above = rows[goes], chosen[goes]
            nodes[rows, level], scores[rows, level] = above, score[goes]
        return Descent(nodes, scores, weight)

    @cached_property
    def _children(self) -> tuple[Codes, Codes, Codes]:
        """All nodes by parent; of -1 and each node, how many children it has and where they begin there."""
        sizes = np.bincount(self.parent + 1, minlength=len(self.labels) + 1)
        return np.argsort(self.parent, kind="stable"), sizes, np.cumsum(sizes) - sizes

    def _likeliest_child(self, weight: Floats, rows: Codes, above: Codes) -> Codes:
        """The likeliest child of each row's node, int64, shape (rows,); of equal ones the first."""
        children, sizes, first = self._children
        size = sizes[above + 1]
        begin = np.cumsum(size) - size
        run = np.arange(size.sum()) - np.repeat(begin - first[above + 1], size)
        score = weight[np.repeat(rows, size), children[run]]
        best = np.flatnonzero(score == np.repeat(np.maximum.reduceat(score, begin), size))
        return np.asarray(children[run[best[np.searchsorted(best, begin)]]], np.int64)

    def rivals(self, found: Descent, levels: Codes) -> tuple[Codes, Floats]:
        """The likeliest other node of one level of each row, and its probability; -1 and 0 where none is.

        Args:
            found: the paths.
            levels: int64, shape (n,): the level that is asked about.
        """
        nodes, scores = np.full(len(levels), -1, np.int64), np.zeros(len(levels))
        for level in np.unique(levels).tolist():
            own, rows = np.flatnonzero(self.level == level), np.flatnonzero(levels == level)
            here, node = found.weight[np.ix_(rows, own)], found.nodes[rows, level]
            there = np.flatnonzero(node >= 0)
            here[there, np.searchsorted(own, node[there])] = -1.0
            second = here.argmax(axis=1)
            likely = here[np.arange(len(rows)), second]
            nodes[rows], scores[rows] = np.where(likely > 0, own[second], -1), np.maximum(likely, 0.0)
        return nodes, scores

    def _itself(self, probability: Floats, rows: Codes, node: Codes) -> Floats:
        """The probability that a row's class is this node and none below it; 0 where it is no class."""
        code = self._classes[node]
        return np.where(code >= 0, probability[rows, code], 0.0)


def _prefixes(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[: end + 1] for end in range(len(path))]


def _steps(scores: Floats) -> list[float]:
    """At most 200 of the scores that occur, the largest first."""
    steps = np.unique(np.round(scores[scores > 0], 3))
    kept = np.linspace(0, max(len(steps) - 1, 0), min(len(steps), 200)).round().astype(int)
    return list(steps[kept][::-1].tolist())


def sure_from(right: NDArray[np.bool_], scores: Floats, sure: float) -> float:
    """The least score from which on answers are right often enough.

    Of rows that were held out the answer is the deepest node of at least this score; among those that get
    one, the share that is wrong stays below 1 - `sure`, one more wrong answer counted in (conformal risk
    control: Angelopoulos et al., ICLR 2024).

    Args:
        right: bool, shape (n, levels): whether the node at each level is right.
        scores: float64, shape (n, levels): its probability, 0 below the end of the path.
        sure: the share that has to be right.

    Returns:
        0 to 1; above 1 where no score is sure enough.
    """
    found = 1.1
    for step in _steps(scores):
        depth = (scores >= step).sum(axis=1)
        answered = np.flatnonzero(depth)
        wrong = (~right[answered, depth[answered] - 1]).sum()
        if (wrong + 1) / (len(answered) + 1) <= 1 - sure:
            found = step
    return found
