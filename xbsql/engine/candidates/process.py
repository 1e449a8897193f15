"""A Gaussian process: classes spread from labelled rows to rows alike in meaning, in spelling and in looks.

Class indicators are regressed (regularised least squares classification: Rifkin and Lippert, 2003), so the
fit is one Cholesky factor. Rows can be added to a factor without doing it again: that is how a home market's
factor serves every target and every fold. Cost grows with the cube of the rows, so `MOST_ROWS` are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from scipy import sparse
from scipy.linalg import solve_triangular
from scipy.special import log_softmax, softmax

from xbsql import kernels
from xbsql.engine.candidates.covariance import MOST_ROWS, USUAL, Covariance, shared
from xbsql.engine.cholesky import inverse_root, lower_root
from xbsql.engine.design import dense
from xbsql.features.views import Features, Itself, stack
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Matrix
    from xbsql.metrics.rows import Floats

NOISE = 0.3
"""Variance of a label beside the process's own of 1: how much one row is trusted."""

SHARPNESS = 6.0
"""What scores are multiplied by before the softmax where no rows are there to find it from."""

SHARPNESSES = np.geomspace(1.0, 30.0, 18)
_FEWEST_FOR_SHARPNESS = 30

MOST_LEFT_OUT = 1024
"""Rows, drawn at random, that are enough to find how sharp probabilities may be."""


@dataclass(frozen=True)
class Factor:
    """The Cholesky factor of the covariance of labelled rows, their noise on its diagonal.

    It is a chain: rows that came later hold their own block and lean on the factor before them, which is
    shared and not copied.

    Attributes:
        covariance: of two rows.
        rows: the labelled rows, the views that the covariance reads.
        y: int64 class codes, shape (n,).
        lower: float32, shape (m, m): the block of the last m rows, undefined above the diagonal.
        before: the factor of the first n - m rows; None where m = n.
        across: float32, shape (n - m, m): the block between the two, transposed.
        part: what the last m rows are a part of, and which of it; None where that is not worth knowing.
    """

    covariance: Covariance
    rows: Features
    y: NDArray[np.int64]
    lower: NDArray[np.float32]
    before: Factor | None = None
    across: NDArray[np.float32] | None = None
    part: tuple[Features, NDArray[np.int64]] | None = None

    @classmethod
    def of(cls, covariance: Covariance, rows: Features, y: NDArray[np.int64], noise: float = NOISE) -> Self:
        """Factor the covariance of these rows; n^3 / 3 multiplications."""
        lower = _root(covariance.lower(rows), noise)
        return cls(covariance, covariance.read(rows), y, lower, part=shared(rows))

    def extended(self, rows: Features, y: NDArray[np.int64], noise: float = NOISE) -> Factor:
        """This factor with more rows; costs n^2 m and not n^3 for m rows."""
        if not len(y):
            return self
        across, own = self._beside(rows)
        both, codes = stack([self.rows, self.covariance.read(rows)]), np.concatenate([self.y, y])
        return Factor(self.covariance, both, codes, _root(own, noise), self, across, shared(rows))

    def _beside(self, rows: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The block between these rows and further ones, and what those have beside it; folds share it."""
        if (part := shared(rows)) is None:
            return self._block(self.covariance(self.rows, rows), self.covariance(rows, rows))
        whole, chosen = part
        across, own = whole.once(
            ("beside", Itself(self)), lambda: self._block(self._with(whole), self.covariance.among(whole))
        )
        return across[:, chosen], own[np.ix_(chosen, chosen)]

    def _block(
        self, between: NDArray[np.float32], own: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same from the covariance of further rows with these, (n, r), and with one another."""
        across = self.forward(between)
        return across, own - across.T @ across

    def _with(self, whole: Features) -> NDArray[np.float32]:
        """The covariance of these rows with further ones, made once for all their parts; float32, (n, r)."""
        return whole.once(("with", Itself(self)), lambda: self.covariance(self.rows, whole))

    def towards(self, x: Features) -> NDArray[np.float32] | None:
        """The covariance of rows with these, float32, shape (r, n).

        Returns:
            None where it is not at hand: `x` is no part of what the last rows are a part of.
        """
        there = shared(x)
        if self.part is None or there is None or there[0] is not self.part[0]:
            return None
        (whole, asked), chosen = there, self.part[1]
        own = self.covariance.among(whole)[np.ix_(asked, chosen)]
        return own if self.before is None else np.hstack([self.before._with(whole)[:, asked].T, own])

    def fitted(
        self,
        classes: int,
        *,
        last: int = 0,
        sharpness: float = SHARPNESS,
        group: NDArray[np.int64] | None = None,
    ) -> Process:
        """The process that these rows give.

        Args:
            classes: how many there are; codes in `y` lie below.
            last: that many rows at the end, all added at once, are left out one at a time to find how sharp
                probabilities may be; under 30 of them `sharpness` is taken.
            sharpness: see `Process`.
            group: of each of these rows, shape (last,): rows of one are left out together.
        """
        dual = self.backward(self.forward(indicators(self.y, classes)))
        near = None if self.part is None else self
        process = Process(self.covariance, self.rows, self.y, dual, sharpness, near)
        if last < _FEWEST_FOR_SHARPNESS:
            return process
        held_out = self.left_out(process, len(self.y) - last, len(self.y), group)
        return replace(process, sharpness=sharpest(held_out, self.y[-last:]))

    def left_out(
        self, process: Process, first: int, last: int, group: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """What rows `first` to `last` - 1, all added at once, score where each of them alone was not there.

        With groups, shape (last - first,), where none of its group was there.

        In closed form: the label less the dual over the diagonal of the inverse (Rasmussen and Williams,
        "Gaussian Processes for Machine Learning", 2006, 5.4.2).

        Returns:
            float32, shape (last - first, classes).
        """
        columns = self._columns(first, last)
        diagonal = np.einsum("ij,ij->j", columns, columns)
        away = process.dual[first:last] / diagonal[:, None]
        for rows in _together(group):
            some = columns[:, rows]
            away[rows] = np.linalg.solve(some.T @ some, process.dual[first + rows])
        return np.asarray(indicators(self.y[first:last], process.classes) - away)

    def _columns(self, first: int, last: int) -> NDArray[np.float32]:
        """Columns `first` to `last` - 1 of L^-1, from row `first` on: it is zero above."""
        n = len(self.y) - len(self.lower)
        if self.before is None or self.across is None or first >= n:
            tail = self.lower[first - n :, first - n :]
            if last - first == len(tail):
                return np.tril(inverse_root(tail))
            return _solved(tail, np.eye(len(tail), last - first, dtype=np.float32))
        top = self.before._columns(first, last)
        return np.concatenate([top, _solved(self.lower, -(self.across[first:].T @ top))])

    def forward(self, right: NDArray[np.float32]) -> NDArray[np.float32]:
        """L^-1 times `right`, shape (n, r), for the whole factor L."""
        if self.before is None or self.across is None:
            return _solved(self.lower, right)
        n = len(self.before.y)
        top = self.before.forward(right[:n])
        return np.concatenate([top, _solved(self.lower, right[n:] - self.across.T @ top)])

    def backward(self, right: NDArray[np.float32]) -> NDArray[np.float32]:
        """L^-T times `right`, shape (n, r)."""
        if self.before is None or self.across is None:
            return _solved(self.lower, right, trans="T")
        n = len(self.before.y)
        bottom = _solved(self.lower, right[n:], trans="T")
        return np.concatenate([self.before.backward(right[:n] - self.across @ bottom), bottom])


@restorable("process")
@dataclass(frozen=True)
class Process:
    """A fitted process. It holds the embeddings and hashed n-grams of the rows that it was fitted on.

    Attributes:
        covariance: of two rows.
        rows: the labelled rows.
        y: their classes.
        dual: float32, shape (n, classes): a score is the covariance with the rows times these.
        sharpness: scores are multiplied by it before the softmax.
        near: the factor that it comes from, where that knows what held-out rows have to do with these.
    """

    covariance: Covariance
    rows: Features
    y: NDArray[np.int64]
    dual: NDArray[np.float32]
    sharpness: float
    near: Factor | None = field(default=None, repr=False, compare=False)

    @property
    def classes(self) -> int:
        """How many classes it tells apart."""
        return int(self.dual.shape[1])

    @cached_property
    def factor(self) -> Factor:
        """The factor of its rows with the usual noise, made when it is first asked for."""
        return Factor.of(self.covariance, self.rows, self.y)

    @cached_property
    def _lexical(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The n-grams that occur in the rows, and what each adds to the scores: the cosine is linear."""
        grams = sparse.csr_matrix(self.rows["ngram"])
        occurs = np.zeros(grams.shape[1], bool)
        occurs[grams.indices] = True
        used, place = np.flatnonzero(occurs), np.cumsum(occurs) - 1
        narrow = sparse.csr_matrix(
            (grams.data, place[grams.indices], grams.indptr), (len(self.rows), len(used))
        )
        return used, np.asarray(narrow.T @ self.dual, np.float32)

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        if not len(x):
            return np.empty((0, self.classes))
        towards = None if self.near is None else self.near.towards(x)
        scores = self._scores(x) if towards is None else towards @ self.dual
        return np.asarray(softmax(self.sharpness * np.asarray(scores, np.float64), axis=1))

    def _scores(self, x: Features) -> NDArray[np.floating]:
        """The covariance with the rows times the dual, shape (n, classes)."""
        scores: NDArray[np.floating] = np.zeros((len(x), self.classes), np.float32)
        for view, (gamma, share) in self.covariance.radial.items():
            rows, memory = (np.ascontiguousarray(dense(side[view]), np.float32) for side in (x, self.rows))
            scores = scores + kernels.rbf_matvec(rows, memory, self.dual, gamma=gamma) * share
        if self.covariance.lexical:
            used, weights = self._lexical
            scores = scores + self.covariance.lexical * (sparse.csr_matrix(x["ngram"])[:, used] @ weights)
        return scores

    def state(self) -> State:
        """The process as data."""
        config = {
            "gamma": self.covariance.gamma,
            "lexical": self.covariance.lexical,
            "picture": self.covariance.picture,
            "sight": self.covariance.sight,
            "sharpness": self.sharpness,
            "holds": "embeddings and hashed n-grams of its training rows",
        }
        arrays = {view: np.ascontiguousarray(dense(self.rows[view])) for view in self.covariance.radial}
        if self.covariance.lexical:
            grams = sparse.csr_matrix(self.rows["ngram"])
            config["width"] = int(grams.shape[1])
            parts = {"data": grams.data, "indices": grams.indices, "indptr": grams.indptr}
            arrays |= {f"ngram_{name}": part for name, part in parts.items()}
        return State("process", config, {**arrays, "y": self.y, "dual": self.dual})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The process again."""
        a, config = state.arrays, state.config
        seen = config.get("picture", 0.0), config.get("sight", 1.0)
        covariance = Covariance(config["gamma"], config["lexical"], *seen)
        views: dict[str, Matrix] = {view: a[view] for view in covariance.radial}
        if covariance.lexical:
            parts = (a["ngram_data"], a["ngram_indices"], a["ngram_indptr"])
            views["ngram"] = sparse.csr_matrix(parts, shape=(len(a["y"]), config["width"]))
        rows = Features(views)
        return cls(covariance, rows, a["y"], a["dual"], config["sharpness"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class GaussianProcess:
    """Fits a `Process` on the rows of one sample; of more than `MOST_ROWS` on a share of each class.

    Attributes:
        classes: how many there are.
        covariance: of two rows.
    """

    classes: int
    covariance: Covariance = USUAL

    def fit(self, sample: Sample) -> Process:
        """Fit on the rows of one sample; weights do not count."""
        y = np.asarray(sample.y, np.int64)
        kept, grouped = share_of_each(y, MOST_ROWS), sample.group is not None and self.covariance.picture > 0
        last = len(kept)
        if last > MOST_LEFT_OUT and not grouped:
            kept, last = np.random.default_rng(0).permutation(kept), MOST_LEFT_OUT
        rows = sample.x if np.array_equal(kept, np.arange(len(y))) else sample.x.take(kept)
        factor = Factor.of(self.covariance, rows, y[kept])
        group = sample.group[kept] if grouped and sample.group is not None else None
        return factor.fitted(self.classes, last=last, group=group)


def share_of_each(y: NDArray[np.int64], most: int, seed: int = 0) -> NDArray[np.int64]:
    """At most `most` rows, in order, each class with its share but no class without a row.

    Returns:
        int64 row numbers, ascending.
    """
    if len(y) <= most:
        return np.arange(len(y))
    shuffled = np.random.default_rng(seed).permutation(len(y))
    rank = np.empty(len(y))
    for code in np.unique(y):
        members = shuffled[y[shuffled] == code]
        rank[members] = np.arange(len(members)) / len(members)
    return np.sort(np.argsort(rank, kind="stable")[:most])


def indicators(y: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """1 for the class of a row and -1 / (classes - 1) for each other; float32, shape (n, classes)."""
    truth = np.full((len(y), classes), -1.0 / max(classes - 1, 1), np.float32)
    truth[np.arange(len(y)), y] = 1.0
    return truth


def sharpest(
    scores: NDArray[np.floating], y: NDArray[np.int64], factors: NDArray[np.float64] = SHARPNESSES
) -> float:
    """The one of the factors on the scores that gives the least log loss after the softmax."""
    rows = np.arange(len(y))
    losses = [-log_softmax(s * scores, axis=1)[rows, y].mean() for s in factors]
    return float(factors[int(np.argmin(losses))])


def _together(group: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
    """The rows of each group that has more than one."""
    if group is None:
        return []
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return [rows for rows in parts if len(rows) > 1]


def _root(matrix: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    """The lower Cholesky factor with noise on the diagonal, undefined above it; the matrix is overwritten."""
    matrix[np.diag_indices_from(matrix)] += noise
    return lower_root(matrix)


def _solved(
    lower: NDArray[np.float32], right: NDArray[np.float32], trans: Literal["N", "T"] = "N"
) -> NDArray[np.float32]:
    found = solve_triangular(lower, right, lower=True, trans=trans, check_finite=False)
    return np.asarray(found, np.float32)
