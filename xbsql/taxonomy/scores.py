"""How good answers in a tree are: at each level, and as deep as they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xbsql.metrics.rows import mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.engine.objective import Score as Weighted
    from xbsql.metrics.rows import Floats, Labels
    from xbsql.taxonomy.tree import Tree

    Codes = NDArray[np.int64]
    Score = Callable[[Labels, Floats, Floats | None], Floats]


@dataclass(frozen=True)
class Answered:
    """Answers of n rows.

    Attributes:
        tree: over the classes.
        nodes: int64, shape (n, levels): the likeliest path, -1 below its end.
        depth: int64, shape (n,): how many levels of it are answered.
    """

    tree: Tree
    nodes: Codes
    depth: Codes

    def scores(self) -> dict[str, Score]:
        """By name, each taking class codes (n,), what was predicted, which it does not read, and weights.

        'accuracy_level_1' and so on: the share of the rows whose label has that level for which the likeliest
        path has its node there. 'answered_level_1': the share of these whose answer goes that deep.
        'answered': the share of rows with an answer at any level; 'accuracy_answered': the share of those
        whose answer, at the level it stops at, is right; an answer below the label is wrong.
        'answered_depth': how deep answers go, as a share of the label's depth, 0 without an answer.
        'hierarchical_f1': of the nodes on the answered path against those on the label's (Kiritchenko et
        al., 2005), summed over rows. NaN where no row counts.
        """
        found: dict[str, Score] = {}
        for level in range(self.tree.depth):
            found[f"accuracy_level_{level + 1}"] = self._score(self._right_at, level)
        for level in range(self.tree.depth):
            found[f"answered_level_{level + 1}"] = self._score(self._deep_at, level)
        found["answered"] = self._score(self._answered)
        found["accuracy_answered"] = self._score(self._sure)
        found["answered_depth"] = self._score(self._share_of_depth)
        found["hierarchical_f1"] = self._f1
        return found

    def _score(self, values: Callable[..., tuple[Floats, NDArray[np.bool_]]], *given: int) -> Score:
        def score(y: Labels, prediction: Floats, weight: Floats | None) -> Floats:
            found, counted = values(self._truth(y), *given)
            kept = counted.astype(np.float64)
            return mean(found, kept if weight is None else kept * weight)

        return score

    def _truth(self, y: Labels) -> Codes:
        return self.tree.ancestors[self.tree.node[y]]

    def _right_at(self, truth: Codes, level: int) -> tuple[Floats, NDArray[np.bool_]]:
        return _float(self.nodes[:, level] == truth[:, level]), truth[:, level] >= 0

    def _deep_at(self, truth: Codes, level: int) -> tuple[Floats, NDArray[np.bool_]]:
        return _float(self.depth > level), truth[:, level] >= 0

    def _answered(self, truth: Codes) -> tuple[Floats, NDArray[np.bool_]]:
        return _float(self.depth > 0), np.ones(len(truth), bool)

    def _sure(self, truth: Codes) -> tuple[Floats, NDArray[np.bool_]]:
        last, rows = np.maximum(self.depth - 1, 0), np.arange(len(truth))
        return _float(self.nodes[rows, last] == truth[rows, last]), self.depth > 0

    def _share_of_depth(self, truth: Codes) -> tuple[Floats, NDArray[np.bool_]]:
        deep = (truth >= 0).sum(axis=1)
        return np.minimum(self.depth / deep, 1.0), np.ones(len(truth), bool)

    def _f1(self, y: Labels, prediction: Floats, weight: Floats | None) -> Floats:
        truth = self._truth(y)
        given = np.arange(truth.shape[1]) < self.depth[:, None]
        both = ((self.nodes == truth) & (truth >= 0) & given).sum(axis=1)
        every = self.depth + (truth >= 0).sum(axis=1)
        weight = np.ones(len(y)) if weight is None else weight
        return np.asarray(2.0 * (weight @ both) / np.maximum(weight @ every, 1e-300))


def level_accuracy(tree: Tree, level: int) -> Score:
    """The accuracy at one level of whatever probabilities are scored."""

    def score(y: Labels, prediction: Floats, weight: Floats | None) -> Floats:
        return _accuracy(tree, level, y, tree.descent(prediction).nodes, weight)

    return score


def node_accuracy(tree: Tree, level: int) -> Weighted:
    """The accuracy at one level of likeliest paths: in place of probabilities their nodes, see `Descent`."""

    def score(y: Labels, nodes: Floats, weight: Floats | None = None, /) -> Floats:
        return _accuracy(tree, level, y, np.asarray(nodes, np.int64), weight)

    return score


def _accuracy(tree: Tree, level: int, y: Labels, nodes: Codes, weight: Floats | None) -> Floats:
    found = Answered(tree, nodes, np.zeros(len(nodes), np.int64))
    return found.scores()[f"accuracy_level_{level + 1}"](y, nodes.astype(np.float64), weight)


def _float(found: NDArray[np.bool_]) -> Floats:
    return np.asarray(found, np.float64)
