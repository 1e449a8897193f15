"""The nodes of a taxonomy as a source: a row is the node whose names and path it is nearest to.

Nearness is corrected for hubs (CSLS: Conneau et al., ICLR 2018): by the target's rows where they are at hand,
else by how near a node lies to its own fellows. That a row is no node at all competes with the nodes, and its
score is what nonsense gets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from scipy.special import softmax

from xbsql import kernels
from xbsql.engine.candidates.carrying import carried, learnt_map, older_map
from xbsql.engine.design import dense
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

    Vectors = NDArray[np.float32]
    Codes = NDArray[np.int64]

NEIGHBOURS = 10
PATH = 0.1
SPELLING = 0.2
"""What the nearness of paths and of spelling count beside that of names."""

SHARPNESS = 16.0
"""What scores are multiplied by before the softmax."""

NONSENSE = 0.9
"""Share of nonsense that comes no nearer to any node than what being no node scores."""


@restorable("nodes")
@dataclass(frozen=True)
class NodePredictor:
    """Names of nodes, and rows that were labelled with one; it holds the embeddings of these.

    Attributes:
        names: float32, shape (m, d), rows of length one, in order of their class.
        y: int64, shape (m,): the class of each.
        grams: csr, shape (m, grams): their n-grams.
        crowd: float32, shape (m,): the mean cosine of each with its nearest fellows, or with the nearest rows
            of the target.
        paths: float32, shape (classes, d): what stands above each class and it itself.
        path_crowd: float32, shape (classes,): the same of paths.
        nonsense: float32, shape (k, d): texts that mean nothing; none where nobody gave any.
        across: float32, see `adapted` and `learnt_map`; None moves nothing.
    """

    names: Vectors
    y: Codes
    grams: sparse.csr_matrix
    crowd: Vectors
    paths: Vectors
    path_crowd: Vectors
    nonsense: Vectors
    across: Vectors | None = None

    @classmethod
    def of(cls, sample: Sample, paths: Vectors, nonsense: Vectors | None = None) -> Self:
        """The nodes by their names.

        Args:
            sample: a row a name, views 'text' and 'ngram'; a class may have several or none.
            paths: float32, shape (classes, d).
            nonsense: float32, shape (k, d): texts that mean nothing, of length one.
        """
        order = np.argsort(np.asarray(sample.y), kind="stable")
        x, y = sample.x.take(order), np.asarray(sample.y, np.int64)[order]
        names = np.ascontiguousarray(dense(x["text"]), np.float32)
        nothing = np.empty((0, paths.shape[1]), np.float32) if nonsense is None else nonsense
        grams = sparse.csr_matrix(x["ngram"])
        return cls(names, y, grams, crowding(names), paths, crowding(paths), nothing)

    def taught(self, sample: Sample) -> Self:
        """The same with labelled rows as further names of their nodes."""
        y = np.concatenate([self.y, np.asarray(sample.y, np.int64)])
        order = np.argsort(y, kind="stable")
        more = np.asarray(dense(sample.x["text"]), np.float32)
        names = np.concatenate([self.names, more])[order]
        grams = sparse.vstack([self.grams, sparse.csr_matrix(sample.x["ngram"])], format="csr")[order]
        crowd = np.concatenate([self.crowd, crowding(more, self.names)])[order]
        return replace(self, names=names, y=y[order], grams=grams, crowd=crowd)

    def joined(self, old: NodePredictor, classes: Codes) -> Self:
        """The same with the names and taught rows of an older tree, and the map that it learnt.

        Args:
            old: the older predictor.
            classes: int64, shape (its classes,): what each is here, -1 where it is no more.
        """
        kept = np.flatnonzero(classes[old.y] >= 0)
        y = np.concatenate([self.y, classes[old.y[kept]]])
        order = np.argsort(y, kind="stable")
        names = np.concatenate([self.names, old.names[kept]])[order]
        grams = sparse.vstack([self.grams, old.grams[kept]], format="csr")[order]
        crowd = np.concatenate([self.crowd, old.crowd[kept]])[order]
        return replace(self, names=names, y=y[order], grams=grams, crowd=crowd, across=old.across)

    def over(self, paths: Vectors) -> Self:
        """The same over classes of which the first are the known ones."""
        return replace(self, paths=paths, path_crowd=crowding(paths))

    def adapted(self, rows: Vectors, grams: sparse.csr_matrix) -> Self:
        """The same for a target whose rows are at hand, labelled or not.

        A name counts as near to all by the target's rows that are near to it, and pairs of a row and a name
        that are each other's nearest teach a linear map from the target's language to the names'.

        Args:
            rows: float32, shape (n, d), of length one.
            grams: csr, shape (n, grams): their n-grams.
        """
        across = learnt_map(rows, grams, self.names)
        there = carried(rows, grams, across)
        crowd, path_crowd = crowding(self.names, there), crowding(self.paths, there)
        return replace(self, crowd=crowd, path_crowd=path_crowd, across=across)

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        if not len(x):
            return np.empty((0, len(self.paths)))
        text, grams = np.asarray(dense(x["text"]), np.float32), sparse.csr_matrix(x["ngram"])
        if self.across is not None:
            text = carried(text, grams, self.across)
        spelling = SPELLING * (grams @ self.grams.T.tocsr()).toarray()
        none = self._none + spelling.max(axis=1, keepdims=True, initial=0.0)  # letters alone mean nothing
        scores = np.hstack([self._scores(text, spelling), none])
        found = softmax(np.float64(SHARPNESS) * scores, axis=1)
        return np.asarray(found[:, :-1] + found[:, -1:] / len(self.paths))

    def _scores(self, text: Vectors, spelling: Vectors | float = 0.0) -> Vectors:
        """How well each node stands, shape (n, classes); one without a name by its path, behind others."""
        near = 2.0 * (text @ self.names.T) - self.crowd + spelling
        known, first = np.unique(self.y, return_index=True)
        scores = PATH * (2.0 * (text @ self.paths.T) - self.path_crowd)
        if not len(known):
            return np.asarray(scores, np.float32)
        best = np.maximum.reduceat(near, first, axis=1)
        if len(known) < len(self.paths):
            scores[:, np.setdiff1d(np.arange(len(self.paths)), known)] += best.min(axis=1, keepdims=True)
        scores[:, known] += best
        return np.asarray(scores, np.float32)

    @cached_property
    def _none(self) -> float:
        """What being no node scores."""
        if not len(self.nonsense):
            return -np.inf
        return float(np.quantile(self._scores(self.nonsense).max(axis=1), NONSENSE))

    def state(self) -> State:
        """The nodes as data."""
        arrays: dict[str, NDArray[Any]] = {
            "names": self.names, "y": self.y, "crowd": self.crowd, "paths": self.paths,
            "path_crowd": self.path_crowd, "nonsense": self.nonsense, "gram_data": self.grams.data,
            "gram_indices": self.grams.indices, "gram_indptr": self.grams.indptr,
        }  # fmt: skip
        if self.across is not None:
            arrays["carry"] = self.across
        config = {"width": int(self.grams.shape[1]), "holds": "embeddings of its labelled rows"}
        return State("nodes", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The nodes again."""
        a = state.arrays
        parts = (a["gram_data"], a["gram_indices"], a["gram_indptr"])
        grams = sparse.csr_matrix(parts, shape=(len(a["y"]), state.config["width"]))
        nonsense, across = a.get("nonsense"), a.get("carry")
        if nonsense is None:  # of an older xbsql
            nonsense = np.empty((0, a["paths"].shape[1]), np.float32)
            across = older_map(np.asarray(a["across"], np.float32)) if "across" in a else None
        rest = (a["crowd"], a["paths"], a["path_crowd"], nonsense, across)
        return cls(a["names"], a["y"], grams, *rest)  # type: ignore[arg-type]


def crowding(rows: Vectors, among: Vectors | None = None) -> Vectors:
    """The mean cosine of each row with its nearest, itself left out; float32, shape (n,)."""
    others = rows if among is None else among
    own = 1 if among is None else 0
    k = min(NEIGHBOURS + own, len(others))
    if k <= own:
        return np.zeros(len(rows), np.float32)
    scores, _ = kernels.topk(np.ascontiguousarray(rows), np.ascontiguousarray(others), k)
    return np.asarray(scores[:, own:].mean(axis=1), np.float32)
