"""A linear classifier of n-grams for many classes: first a group of classes, then the class within it.

Groups are classes with alike n-grams. Each row teaches the groups apart and the classes of its own group, so
that the work grows with the root of the classes and not with their number (partitioned label trees: Prabhu et
al., "Parabel", WWW 2018). The solver is liblinear's dual coordinate descent (Fan et al., JMLR 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.svm import LinearSVC

from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

    Codes = NDArray[np.int64]

LOOKED_AT = 3
"""Groups in which a row's class is looked for, the likeliest ones."""

LEAST_LIKELY = 0.01
"""Of the likeliest group's probability: a group below it is not looked into."""

LEAST_SHARE = 0.05
"""Weights below this share of a class's largest are dropped."""

OTHERS = 0.02
"""Probability that is spread over the classes of all other groups."""

SHARPNESS = 6.0
"""What margins are multiplied by before the softmax."""

DIRECTIONS = 64
"""Random directions of the n-grams' means by which classes are grouped."""


@restorable("label_tree")
@dataclass(frozen=True)
class LabelTreePredictor:
    """Linear scores of groups and of the classes within each; n-grams alone, no row.

    Attributes:
        group: int64, shape (classes,): the group of each class; its place among its members is in order of
            their codes.
        groups: csr, shape (grams, groups), float32: weights of the groups.
        members: csr, shape (grams, classes), float32, columns in order of group and code: weights of the
            classes within their group.
        intercepts: float32, shape (groups + classes,): of the groups, then of the columns of `members`.
    """

    group: Codes
    groups: sparse.csr_matrix
    members: sparse.csr_matrix
    intercepts: NDArray[np.float32]

    @cached_property
    def _order(self) -> Codes:
        return np.argsort(self.group, kind="stable")

    @cached_property
    def _edges(self) -> Codes:
        """Where the columns of each group begin, and where the last one ends."""
        return np.searchsorted(self.group[self._order], np.arange(self.groups.shape[1] + 1))

    @cached_property
    def _codes(self) -> Codes:
        """The classes of each group, -1 beyond its last; shape (groups, members of the largest)."""
        sizes = np.diff(self._edges)
        found = np.full((len(sizes), int(sizes.max())), -1, np.int64)
        found[np.arange(found.shape[1]) < sizes[:, None]] = self._order
        return found

    @cached_property
    def _within(self) -> sparse.csr_matrix:
        """Weights within groups, a row for each n-gram and group: one product looks into any groups."""
        whole = self.members.sorted_indices()
        count, group = self.groups.shape[1], self.group[self._order][whole.indices]
        row = np.repeat(np.arange(whole.shape[0]) * count, np.diff(whole.indptr)) + group
        ends = np.cumsum(np.bincount(row, minlength=whole.shape[0] * count), dtype=np.int32)
        parts = whole.data, whole.indices - self._edges[group], np.concatenate([[0], ends])
        return sparse.csr_matrix(parts, shape=(len(ends), self._codes.shape[1]))

    @cached_property
    def _offsets(self) -> Floats:
        """Intercepts by group and place within it, minus infinity beyond its last class."""
        own = np.append(self.intercepts[self.groups.shape[1] :], -np.inf)
        place = np.append(np.argsort(self._order), -1)
        return np.asarray(own[place[self._codes]], np.float64)

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        grams, classes = sparse.csr_matrix(x["ngram"]), len(self.group)
        if not grams.shape[0]:
            return np.empty((0, classes))
        count = self.groups.shape[1]
        scores = (grams @ self.groups).toarray() + self.intercepts[:count]
        likely = softmax(SHARPNESS * scores, axis=1)
        row, group = _looked_into(likely)
        asked = grams[row]
        cells = asked.data, asked.indices * count + np.repeat(group, np.diff(asked.indptr)), asked.indptr
        chosen = sparse.csr_matrix(cells, shape=(len(row), grams.shape[1] * count))
        inside = (chosen @ self._within).toarray() + self._offsets[group]
        share = softmax(SHARPNESS * inside, axis=1) * likely[row, group, None]
        total = OTHERS + np.bincount(row, weights=likely[row, group])
        found = np.repeat(OTHERS / classes / total[:, None], classes, axis=1)
        code = self._codes[group]
        pair, place = np.nonzero(code >= 0)
        found[row[pair], code[pair, place]] += share[pair, place] / total[row[pair]]
        return found

    def state(self) -> State:
        """The predictor as data."""
        arrays: dict[str, NDArray[Any]] = {"group": self.group, "intercepts": self.intercepts}
        for name, matrix in (("groups", self.groups), ("members", self.members)):
            arrays |= {
                f"{name}_data": matrix.data,
                f"{name}_indices": matrix.indices,
                f"{name}_indptr": matrix.indptr,
            }
        return State("label_tree", {"width": [self.groups.shape[1], self.members.shape[1]]}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again."""
        a = state.arrays
        found = []
        for name, width in zip(("groups", "members"), state.config["width"], strict=True):
            parts = (a[f"{name}_data"], a[f"{name}_indices"], a[f"{name}_indptr"])
            found.append(sparse.csr_matrix(parts, shape=(len(parts[2]) - 1, width)))
        return cls(a["group"], found[0], found[1], a["intercepts"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class LabelTree:
    """Fits a `LabelTreePredictor` on the view 'ngram'; weights of rows do not count.

    Attributes:
        classes: how many there are.
        cost: of an error beside the penalty, liblinear's C.
    """

    classes: int
    cost: float = 1.0

    def fit(self, sample: Sample) -> LabelTreePredictor:
        """Fit on the rows of one sample; a class without rows stays unlikely."""
        grams, y = sparse.csr_matrix(sample.x["ngram"]), np.asarray(sample.y, np.int64)
        group = grouped(grams, y, self.classes)
        of_groups = _weights(grams, group[y], int(group.max()) + 1, self.cost)
        found = [_weights_within(grams, y, members, self.cost) for members in _members(group)]
        members = sparse.hstack([weights for weights, _ in found], format="csr", dtype=np.float32)
        intercepts = np.concatenate([of_groups[1], *(offset for _, offset in found)]).astype(np.float32)
        return LabelTreePredictor(group, of_groups[0], members, intercepts)


def grouped(grams: sparse.csr_matrix, y: Codes, classes: int, seed: int = 0) -> Codes:
    """Groups of classes whose mean n-grams are alike, about as many as each has members.

    Returns:
        int64, shape (classes,): the group of each.
    """
    count = round(np.sqrt(classes))
    if count < 4:
        return np.zeros(classes, np.int64)
    generator = np.random.default_rng(seed)
    ahead = generator.standard_normal((grams.shape[1], DIRECTIONS)).astype(np.float32)
    seen = np.asarray(grams @ ahead)
    order = np.argsort(y, kind="stable")
    there, first, sizes = np.unique(y[order], return_index=True, return_counts=True)
    means = np.zeros((classes, DIRECTIONS), np.float32)
    means[there] = np.add.reduceat(seen[order], first, axis=0) / sizes[:, None]
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    found = KMeans(count, n_init=1, max_iter=20, random_state=seed).fit_predict(means)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _members(group: Codes) -> Sequence[Codes]:
    """The classes of each group, in order of their codes."""
    return [np.flatnonzero(group == each) for each in range(int(group.max()) + 1)]


def _weights_within(
    grams: sparse.csr_matrix, y: Codes, members: Codes, cost: float
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """Weights and intercepts of the classes of one group, by the rows of these alone."""
    place = np.full(int(max(y.max(initial=0), members.max())) + 1, -1, np.int64)
    place[members] = np.arange(len(members))
    rows = np.flatnonzero(place[y] >= 0)
    return _weights(grams[rows], place[y[rows]], len(members), cost)


def _weights(
    grams: sparse.csr_matrix, y: Codes, classes: int, cost: float
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """One line a class against all others: csr (grams, classes) and intercepts (classes,).

    Frequent n-grams come first, so that the weights that are read most are neighbours in memory.
    """
    there = np.unique(y)
    shape = grams.shape[1], classes
    offset = np.full(classes, -1.0)
    if len(there) < 2:
        offset[there] = 1.0
        return sparse.csr_matrix(shape, dtype=np.float32), offset
    often = np.bincount(grams.indices, minlength=grams.shape[1])
    used = np.argsort(-often, kind="stable")[: np.count_nonzero(often)]
    place = np.zeros(grams.shape[1], np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    parts = grams.data.astype(np.float64), place[grams.indices], grams.indptr
    narrow = sparse.csr_matrix(parts, shape=(grams.shape[0], len(used)))
    found = LinearSVC(C=cost, tol=0.1, random_state=0).fit(narrow, y)
    lines, own = found.coef_, found.intercept_
    if len(there) == 2:
        lines, own = np.vstack([-lines, lines]), np.concatenate([-own, own])
    offset[there] = own
    kept = np.abs(lines) >= LEAST_SHARE * np.abs(lines).max(axis=1, keepdims=True)
    which, column = np.nonzero(kept)
    cells = lines[which, column].astype(np.float32), (used[column], there[which])
    return sparse.csr_matrix(cells, shape=shape), offset


def _looked_into(likely: Floats) -> tuple[Codes, Codes]:
    """Rows and the groups that are looked into, by row."""
    most = min(LOOKED_AT, likely.shape[1])
    chosen = np.argpartition(-likely, most - 1, axis=1)[:, :most]
    own = np.take_along_axis(likely, chosen, axis=1)
    row, place = np.nonzero(own >= LEAST_LIKELY * own.max(axis=1, keepdims=True))
    return row, chosen[row, place]
