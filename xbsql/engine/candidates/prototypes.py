"""Mean pictures of each class, drawn to where a market's unlabelled pictures crowd.

A class has a mean for each of its home pictures, where these are few: 'fruit' looks like an apple or like a
lemon, and like nothing between (mixture discriminants: Hastie and Tibshirani, JRSS B 58, 1996). They lie in a
space where directions in which all pictures vary count less, and are fitted by a few steps of expectation and
maximisation over labelled and unlabelled rows together (Nigam et al., Machine Learning 39, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import softmax
from sklearn.cluster import KMeans

from xbsql.engine.candidates.process import SHARPNESSES
from xbsql.engine.design import dense, unit
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

MOST_EACH = 8
"""Means of a class at most: its home pictures, or so many groups of them."""

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
        away = np.where(view.any(axis=1, keepdims=True), view - self.centre, np.float32(0.0))
        moved = unit(np.asarray(away, np.float32))
        less: Rows = (moved @ self.lead.T) * (self.shrink - np.float32(1.0))
        return unit(np.asarray(moved + less @ self.lead, np.float32))

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
    """Means of each class in a space.

    Attributes:
        space: of the market.
        means: float32, shape (m, d), of length one; zero for a class without a row.
        owner: int64, shape (m,): the class of each mean.
        classes: how many.
        sharpness: cosines are multiplied by it before the softmax.
    """

    space: Space
    means: Rows
    owner: NDArray[np.int64]
    classes: int
    sharpness: float

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes): those of a class's means together."""
        found = likely(self.space(picture_of(x)) @ self.means.T, self.means, self.sharpness)
        return found @ _owned(self.owner, self.classes)

    def state(self) -> State:
        """The means as data."""
        space = self.space
        arrays = {"centre": space.centre, "lead": space.lead, "shrink": space.shrink}
        held = "mean embeddings of its training rows by class"
        config = {"classes": self.classes, "sharpness": self.sharpness, "holds": held}
        return State("prototypes", config, {**arrays, "means": self.means, "owner": self.owner})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The means again."""
        a, config = state.arrays, state.config
        space = Space(a["centre"], a["lead"], a["shrink"])  # type: ignore[arg-type]
        return cls(space, a["means"], a["owner"], config["classes"], config["sharpness"])  # type: ignore[arg-type]


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


def fit_prototypes(
    space: Space, home: Known | None, known: Known, pool: Rows, classes: int, home_worth: float = 1.0
) -> Prototypes:
    """The means of labelled rows, drawn to unlabelled ones.

    Args:
        space: of the market.
        home: another market's labelled rows: each is a mean to begin with, or so many groups of a class's
            rows; None without.
        known: the market's own.
        pool: float32, shape (m, d): its unlabelled rows in the space.
        classes: how many.
        home_worth: labelled rows of the market that a mean of home counts for.
    """
    seeds, owner = _seeds(home, known, classes)
    own = _nearest_own(seeds, owner, known)
    sums = seeds * np.float32(home_worth)
    np.add.at(sums, own, known.rows)
    sums *= np.float32(WORTH)
    found, pool = sums, pool[pool.any(axis=1)][:MOST_POOLED]
    counts_for = np.float32(min(1.0, EACH * len(owner) / max(len(pool), 1)))
    for _ in range(STEPS if len(pool) else 0):
        means = unit(found)
        share = likely(pool @ means.T, means, SHARPNESS).astype(np.float32)
        found = sums + counts_for * unit(share.T @ pool) * share.sum(axis=0)[:, None]
    return Prototypes(space, unit(found), owner, classes, _sharpness(found, owner, known, own, classes))


def _seeds(home: Known | None, known: Known, classes: int) -> tuple[Rows, NDArray[np.int64]]:
    """Where means begin, of length one or zero, and the class of each: home rows, or groups of them."""
    starts, owner = [np.zeros((0, known.rows.shape[1]), np.float32)], []
    for code in range(classes):
        rows = known.rows[:0] if home is None else np.unique(home.rows[home.y == code], axis=0)
        if len(rows) > MOST_EACH:
            rows = KMeans(MOST_EACH, n_init=1, random_state=0).fit(rows).cluster_centers_
        starts.append(unit(rows) if len(rows) else np.zeros((1, known.rows.shape[1]), np.float32))
        owner += [code] * len(starts[-1])
    return np.concatenate(starts), np.array(owner, np.int64)


def _nearest_own(seeds: Rows, owner: NDArray[np.int64], known: Known) -> NDArray[np.int64]:
    """The mean of its own class that each labelled row is nearest to."""
    near = np.where(owner == known.y[:, None], known.rows @ seeds.T, -np.inf)
    return np.asarray(near.argmax(axis=1), np.int64)


def likely(cosines: Rows, means: Rows, sharpness: float) -> Floats:
    """Class probabilities by cosines, shape (n, classes); a class without a mean is least likely."""
    known = np.where(means.any(axis=1), cosines, np.float32(-1.0))
    return np.asarray(softmax(sharpness * known.astype(np.float64), axis=1))


def picture_of(x: Features) -> Rows:
    """The view 'picture' as float32."""
    return np.asarray(dense(x["picture"]), np.float32)


def _owned(owner: NDArray[np.int64], classes: int) -> Floats:
    """1 where a mean is of a class; shape (means, classes)."""
    return np.asarray(owner[:, None] == np.arange(classes), np.float64)


def _sharpness(
    sums: Rows, owner: NDArray[np.int64], known: Known, own: NDArray[np.int64], classes: int
) -> float:
    """The one that labelled rows are likeliest under, each with its group left out of its mean."""
    n = len(known.y)
    if n < _FEWEST_FOR_SHARPNESS:
        return SHARPNESS
    group = np.arange(n) if known.group is None else known.group
    pairs = np.unique(np.stack([group, own]), axis=1, return_inverse=True)[1].ravel()
    mine = np.zeros((pairs.max() + 1, known.rows.shape[1]), np.float32)
    np.add.at(mine, pairs, known.rows)
    without = unit(np.asarray(sums[own] - WORTH * mine[pairs], np.float32))
    means, ofs = unit(sums), _owned(owner, classes)
    scores = known.rows @ means.T
    scores[np.arange(n), own] = (known.rows * without).sum(axis=1)
    losses = [-np.log(likely(scores, means, s) @ ofs)[np.arange(n), known.y].mean() for s in SHARPNESSES]
    return float(SHARPNESSES[int(np.argmin(losses))])
