"""A mean picture of each class, drawn to where a market's unlabelled pictures crowd.

Linear discriminants in a space where the directions in which all pictures vary count less, fitted by a few
steps of expectation and maximisation over labelled and unlabelled rows together (Nigam et al., Machine
Learning 39, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import softmax

from xbsql.engine.candidates.centred import unit
from xbsql.engine.candidates.process import sharpest
from xbsql.engine.design import dense
from xbsql.features.drawn import drawn
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

    Rows = NDArray[np.float32]

DIRECTIONS = 128
"""Leading directions that are shrunk; along others pictures vary less than `RIDGE` all the same."""

RIDGE = 0.025
"""Variance that is added to that of a direction before it is divided by: rows have length one."""

MOST_ROWS = 1024
"""Rows that the directions are found from."""

MOST_POOLED = 2048
"""Unlabelled rows that means are drawn to."""

STEPS = 4
SHARPNESS = 20.0
"""What cosines are multiplied by before the softmax where no labels are there to find it from."""

WORTH = 3.0
"""Unlabelled rows that a labelled one counts for."""

EACH = 5.0
"""Unlabelled rows a class, on average, that count in full; more of them share that weight. Else they would
outvote what home says of a class, and a class that a market hardly sells would drift to its neighbours."""

_FEWEST_FOR_SHARPNESS = 30


@dataclass(frozen=True)
class Space:
    """Where pictures of one market are compared.

    Attributes:
        centre: float32, shape (d,): of the market, which is taken off.
        lead: float32, shape (r, d): directions of length one in which pictures vary most.
        shrink: float32, shape (r,): what is left of each.
    """

    centre: Rows
    lead: Rows
    shrink: Rows

    def __call__(self, view: Rows) -> Rows:
        """Rows of length one, float32 (n, d); a row without a picture stays zero."""
        moved = unit(np.where(view.any(axis=1, keepdims=True), view - self.centre, np.float32(0.0)))
        return unit(moved + ((moved @ self.lead.T) * (self.shrink - 1.0)) @ self.lead)

    def around(self, centre: Rows) -> Space:
        """The same for pictures of another market."""
        return Space(centre, self.lead, self.shrink)


def fit_space(centre: Rows, view: Rows, *others: Rows) -> Space:
    """The space of a market.

    Args:
        centre: of its pictures.
        view: float32, shape (n, d): these.
        others: pictures of other markets less their centre, of length one.
    """
    own = view[drawn(len(view), MOST_ROWS)]
    rows = np.concatenate([unit(own[own.any(axis=1)] - centre), *others])
    rows = rows[drawn(len(rows), MOST_ROWS)].astype(np.float64)
    curve, ends = np.linalg.eigh(rows @ rows.T / max(len(rows), 1))
    kept = np.flatnonzero(curve > 1e-9)[-DIRECTIONS:]
    lead = ends[:, kept].T @ rows / np.sqrt(curve[kept] * max(len(rows), 1))[:, None]
    shrink = np.sqrt(RIDGE / (curve[kept] + RIDGE))
    return Space(centre, lead.astype(np.float32), shrink.astype(np.float32))


@restorable("prototypes")
@dataclass(frozen=True)
class Prototypes:
    """A mean of each class in a space.

    Attributes:
        space: of the market.
        means: float32, shape (classes, d), of length one; zero for a class without a row.
        sharpness: cosines are multiplied by it before the softmax.
    """

    space: Space
    means: Rows
    sharpness: float

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes)."""
        found = self.space(picture_of(x)) @ self.means.T
        return likely(found, self.means, self.sharpness)

    def state(self) -> State:
        """The means as data."""
        space = self.space
        arrays = {"centre": space.centre, "lead": space.lead, "shrink": space.shrink, "means": self.means}
        config = {"sharpness": self.sharpness, "holds": "mean embeddings of its training rows by class"}
        return State("prototypes", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The means again."""
        a = state.arrays
        return cls(Space(a["centre"], a["lead"], a["shrink"]), a["means"], state.config["sharpness"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Known:
    """Labelled rows in a space.

    Attributes:
        rows: float32, shape (n, d), of length one.
        y: int64 class codes, shape (n,).
        group: int64, shape (n,): rows of one are left out together; None: each row alone.
    """

    rows: Rows
    y: NDArray[np.int64]
    group: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, space: Space, sample: Sample) -> Self:
        """Those of a sample that have a picture."""
        view = picture_of(sample.x)
        there = view.any(axis=1)
        group = None if sample.group is None else sample.group[there]
        return cls(space(view[there]), np.asarray(sample.y, np.int64)[there], group)


def fit_prototypes(space: Space, home: Known | None, known: Known, pool: Rows, classes: int) -> Prototypes:
    """The means of labelled rows, drawn to unlabelled ones.

    Args:
        space: of the market.
        home: another market's labelled rows: together they count as one row a class; None without.
        known: the market's own.
        pool: float32, shape (m, d): its unlabelled rows in the space.
        classes: how many.
    """
    sums = np.zeros((classes, known.rows.shape[1]), np.float32)
    np.add.at(sums, known.y, known.rows)
    if home is not None:
        at_home = np.zeros_like(sums)
        np.add.at(at_home, home.y, home.rows)
        sums += unit(at_home)
    sums *= np.float32(WORTH)
    found, pool = sums, pool[pool.any(axis=1)][:MOST_POOLED]
    counts_for = np.float32(min(1.0, EACH * classes / max(len(pool), 1)))
    for _ in range(STEPS if len(pool) else 0):
        means = unit(found)
        share = likely(pool @ means.T, means, SHARPNESS).astype(np.float32)
        found = sums + counts_for * unit(share.T @ pool) * share.sum(axis=0)[:, None]
    return Prototypes(space, unit(found), _sharpness(found, known))


def likely(cosines: Rows, means: Rows, sharpness: float) -> Floats:
    """Class probabilities by cosines, shape (n, classes); a class without a mean is least likely."""
    known = np.where(means.any(axis=1), cosines, np.float32(-1.0))
    return np.asarray(softmax(sharpness * known.astype(np.float64), axis=1))


def picture_of(x: Features) -> Rows:
    """The view 'picture' as float32."""
    return np.asarray(dense(x["picture"]), np.float32)


def _sharpness(sums: Rows, known: Known) -> float:
    """The one that labelled rows are likeliest under, each with its group left out of its class's mean."""
    if len(known.y) < _FEWEST_FOR_SHARPNESS:
        return SHARPNESS
    group = np.arange(len(known.y)) if known.group is None else known.group
    pairs = np.unique(np.stack([group, known.y]), axis=1, return_inverse=True)[1].ravel()
    mine = np.zeros((pairs.max() + 1, known.rows.shape[1]), np.float32)
    np.add.at(mine, pairs, known.rows)
    own = sums[known.y] - np.float32(WORTH) * mine[pairs]
    scores = known.rows @ unit(sums).T
    scores[np.arange(len(known.y)), known.y] = (known.rows * unit(own)).sum(axis=1)
    return sharpest(scores, known.y)
