"""What is answered where labels are paths: the deepest node that is sure, a score a level, the next best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pyarrow as pa

from xbsql.store.model import State, restorable
from xbsql.tasks.row_model import Explained
from xbsql.taxonomy.levels import Levels
from xbsql.taxonomy.tree import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats

FEW = 8
"""Labels that are found one after the other faster than by parting all."""

CERTAIN = 1e-9
"""Scores are rounding errors apart where they ought to be equal."""


CELLS = 500_000
"""Probabilities of nodes that are looked at at a time."""


class _Found(NamedTuple):
    """What is found of n rows.

    Attributes:
        nodes: int64, shape (n, levels), see `Descent`.
        scores: float64, shape (n, levels).
        depth: int64, shape (n,): how many levels are sure.
        rival: int64, shape (n,): the likeliest other node of the level that is shown.
        behind: float64, shape (n,): its probability.
        best: int64, shape (n, k): the likeliest classes.
    """

    nodes: NDArray[np.int64]
    scores: Floats
    depth: NDArray[np.int64]
    rival: NDArray[np.int64]
    behind: Floats
    best: NDArray[np.int64]


@restorable("path_answers")
@dataclass(frozen=True)
class PathAnswers:
    """How probabilities of classes become answers in a tree.

    Attributes:
        classes: the labels by class code.
        levels: how they say their paths.
        least: the score from which on a node is sure.
        best: how many of the likeliest labels are listed.
    """

    classes: tuple[str, ...]
    levels: Levels
    least: float
    best: int = 3

    @cached_property
    def tree(self) -> Tree:
        """The nodes above the classes."""
        return Tree.of(self.classes, self.levels)

    @cached_property
    def _shown(self) -> pa.Array:
        """The nodes' labels."""
        return pa.array(self.tree.labels, pa.string())

    @cached_property
    def _names(self) -> pa.Array:
        """The last part of each node's label."""
        return pa.array([self.levels.name(label) for label in self.tree.labels], pa.string())

    def answers(self, probability: Floats) -> list[pa.Array]:
        """The columns of an answer.

        Args:
            probability: of the classes, float64, shape (n, classes).

        Returns:
            label, the deepest sure node, NULL where the first level is not sure; score, its probability or
            else that of the likeliest node of the first level; runner_up, the likeliest other node of that
            level; margin; path, the names down to `label`; level, how many those are; scores, of every
            level of the likeliest path, also below `level`; best, the likeliest labels.
        """
        step = max(1, CELLS // len(self.tree.labels))
        starts = range(0, max(len(probability), 1), step)
        parts = [self._found(probability[start : start + step]) for start in starts]
        found = _Found(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        rows, shown = np.arange(len(probability)), np.maximum(found.depth - 1, 0)
        node, score = found.nodes[rows, shown], found.scores[rows, shown]
        return [
            self._labels(np.where(found.depth > 0, node, -1)),
            pa.array(score),
            self._labels(found.rival),
            pa.array(score - found.behind),
            self._paths(found.nodes, found.depth),
            pa.array(found.depth, pa.int32()),
            _lists(pa.array(found.scores.ravel()), found.nodes >= 0),
            self._named(found.best, np.take_along_axis(probability, found.best, axis=1)),
        ]

    def explained(self, probability: Floats) -> list[Explained]:
        """The node of each level of the likeliest path, -1 below its end, as the group of its classes."""
        nodes, above = self.tree.descent(probability).nodes, self.tree.ancestors[self.tree.node]
        return [Explained(at, self._labels(at), above[:, level]) for level, at in enumerate(nodes.T)]

    def _found(self, probability: Floats) -> _Found:
        """What is found of a few rows, whose numbers stay near the processor."""
        path = self.tree.descent(probability)
        depth = path.depth(self.least - CERTAIN)
        rival, behind = self.tree.rivals(path, np.maximum(depth - 1, 0))
        best = _largest(probability, min(self.best, probability.shape[1]))
        return _Found(path.nodes, path.scores, depth, rival, behind, best)

    def _labels(self, nodes: NDArray[np.int64]) -> pa.Array:
        """The nodes' labels, NULL for -1."""
        return self._shown.take(pa.array(nodes, mask=nodes < 0))

    def _paths(self, nodes: NDArray[np.int64], depth: NDArray[np.int64]) -> pa.Array:
        """The names of the answered levels; NULL where none is."""
        there = np.arange(nodes.shape[1]) < depth[:, None]
        flat = self._names.take(pa.array(nodes[there]))
        return _listed(flat, there.sum(axis=1), depth == 0)

    def _named(self, codes: NDArray[np.int64], scores: Floats) -> pa.Array:
        """Labels with their scores, a list a row."""
        labels = pa.array(self.classes, pa.string()).take(pa.array(codes.ravel()))
        pairs = pa.StructArray.from_arrays([labels, pa.array(scores.ravel())], names=["label", "score"])
        return _listed(pairs, np.full(len(codes), codes.shape[1]), None)

    def state(self) -> State:
        """The answers as data; `classes` stand in the classifier as well."""
        config = {"levels": self.levels.config(), "least": self.least, "best": self.best}
        return State("path_answers", {**config, "classes": list(self.classes)})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The answers again."""
        config = state.config
        levels = Levels.from_config(config["levels"])
        return cls(tuple(config["classes"]), levels, config["least"], config["best"])


def _largest(probability: Floats, most: int) -> NDArray[np.int64]:
    """The columns of the largest values of each row, the largest first, the lower one among equals."""
    if most <= FEW:
        left, rows = probability.copy(), np.arange(len(probability))
        found = np.empty((len(probability), most), np.int64)
        for place in range(most):
            found[:, place] = left.argmax(axis=1)
            left[rows, found[:, place]] = -1.0
        return found
    some = np.argpartition(-probability, most - 1, axis=1)[:, :most]
    order = np.lexsort((some, -np.take_along_axis(probability, some, axis=1)), axis=1)
    return np.take_along_axis(some, order, axis=1)


def _lists(flat: pa.Array, there: NDArray[np.bool_]) -> pa.Array:
    """The values of each row that are there, as lists."""
    return _listed(flat.filter(pa.array(there.ravel())), there.sum(axis=1), None)


def _listed(flat: pa.Array, sizes: NDArray[np.int64], null: NDArray[np.bool_] | None) -> pa.Array:
    """Values as lists of these sizes, NULL where said."""
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    mask = None if null is None else pa.array(null)
    return pa.ListArray.from_arrays(pa.array(ends), flat, mask=mask)
