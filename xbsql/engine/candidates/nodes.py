"""The nodes of a taxonomy as a source: a row is the node whose names and path it is nearest to.

Nearness is corrected for hubs by how near a node lies to its own fellows (as CSLS does with both sides:
Conneau et al., ICLR 2018). A family of nodes of which many are near is likelier than one that lies alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from scipy.special import softmax

from xbsql import kernels
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
HUBS = 0.7
"""Share of a node's nearness to its own fellows that is taken off."""

PATH = 0.3
SPELLING = 0.5
"""What the nearness of paths and of spelling count beside that of names."""

SHARPNESS = 10.0
FAMILY = 0.3
"""How much the log probability of a node's family at each level counts, less with every level."""

NEXT_LEVEL = 0.6


@restorable("nodes")
@dataclass(frozen=True)
class NodePredictor:
    """Names of nodes, and rows that were labelled with one; it holds the embeddings of these.

    Attributes:
        names: float32, shape (m, d), rows of length one, in order of their class.
        y: int64, shape (m,): the class of each.
        grams: csr, shape (m, grams): their n-grams.
        crowd: float32, shape (m,): the mean cosine of each with its nearest fellows.
        paths: float32, shape (classes, d): what stands above each class and it itself.
        path_crowd: float32, shape (classes,): the same of paths.
        family: int64, shape (classes, levels): the node above each class at each level, -1 from itself down.
    """

    names: Vectors
    y: Codes
    grams: sparse.csr_matrix
    crowd: Vectors
    paths: Vectors
    path_crowd: Vectors
    family: Codes

    @classmethod
    def of(cls, sample: Sample, paths: Vectors, family: Codes) -> Self:
        """The nodes by their names.

        Args:
            sample: a row a name, views 'text' and 'ngram'; a class may have several or none.
            paths: float32, shape (classes, d).
            family: see the attribute.
        """
        order = np.argsort(np.asarray(sample.y), kind="stable")
        x, y = sample.x.take(order), np.asarray(sample.y, np.int64)[order]
        names = np.ascontiguousarray(dense(x["text"]), np.float32)
        grams = sparse.csr_matrix(x["ngram"])
        return cls(names, y, grams, crowding(names), paths, crowding(paths), family)

    def taught(self, sample: Sample) -> Self:
        """The same with labelled rows as further names of their nodes."""
        y = np.concatenate([self.y, np.asarray(sample.y, np.int64)])
        order = np.argsort(y, kind="stable")
        more = np.asarray(dense(sample.x["text"]), np.float32)
        names = np.concatenate([self.names, more])[order]
        grams = sparse.vstack([self.grams, sparse.csr_matrix(sample.x["ngram"])], format="csr")[order]
        crowd = np.concatenate([self.crowd, crowding(more, self.names)])[order]
        return replace(self, names=names, y=y[order], grams=grams, crowd=crowd)

    def over(self, paths: Vectors, family: Codes) -> Self:
        """The same over classes of which the first are the known ones."""
        return replace(self, paths=paths, path_crowd=crowding(paths), family=family)

    @cached_property
    def _families(self) -> list[sparse.csr_matrix]:
        """Which class is below which node, of every level at which some have one above them."""
        found = []
        for above in self.family.T:
            below = np.flatnonzero(above >= 0)
            if len(below):
                _, place = np.unique(above[below], return_inverse=True)
                shape = len(above), int(place.max()) + 1
                found.append(sparse.csr_matrix((np.ones(len(below)), (below, place)), shape=shape))
        return found

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        if not len(x):
            return np.empty((0, len(self.paths)))
        text = np.asarray(dense(x["text"]), np.float32)
        near = 2.0 * (text @ self.names.T) - HUBS * self.crowd
        near += SPELLING * (sparse.csr_matrix(x["ngram"]) @ self.grams.T.tocsr()).toarray()
        there, first = np.unique(self.y, return_index=True)
        scores = PATH * (2.0 * (text @ self.paths.T) - HUBS * self.path_crowd)
        best = np.maximum.reduceat(near, first, axis=1)
        least = best.min(axis=1, keepdims=True)
        whole = np.repeat(least, len(self.paths), axis=1)
        whole[:, there] = best
        return self._with_families(SHARPNESS * (whole + scores).astype(np.float64))

    def _with_families(self, scores: Floats) -> Floats:
        """Probabilities, families taken into account."""
        alone, pull = softmax(scores, axis=1), FAMILY
        more = np.zeros_like(scores)
        for below in self._families:
            logs = np.log(np.maximum(alone @ below, 1e-9))
            member = np.asarray(below.sum(axis=1)).ravel() > 0
            own = np.where(member, np.asarray(below.argmax(axis=1)).ravel(), 0)
            more += pull * np.where(member, logs[:, own], 0.0)
            pull *= NEXT_LEVEL
        return np.asarray(softmax(scores + more, axis=1))

    def state(self) -> State:
        """The nodes as data."""
        arrays: dict[str, NDArray[Any]] = {
            "names": self.names, "y": self.y, "crowd": self.crowd, "paths": self.paths,
            "path_crowd": self.path_crowd, "family": self.family, "gram_data": self.grams.data,
            "gram_indices": self.grams.indices, "gram_indptr": self.grams.indptr,
        }  # fmt: skip
        config = {"width": int(self.grams.shape[1]), "holds": "embeddings of its labelled rows"}
        return State("nodes", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The nodes again."""
        a = state.arrays
        parts = (a["gram_data"], a["gram_indices"], a["gram_indptr"])
        grams = sparse.csr_matrix(parts, shape=(len(a["y"]), state.config["width"]))
        rest = (a["crowd"], a["paths"], a["path_crowd"], a["family"])
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
