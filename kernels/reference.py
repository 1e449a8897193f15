"""Every operation in float64 NumPy: the definition that each implementation is held to.

Nothing here is fast and nothing is blocked; matrices of size n x m are built whole. A score is computed in
float64 and rounded once to float32; ranks and ties are decided on that rounded score, so that two
implementations which round differently inside still agree on every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Float32 = NDArray[np.float32]
    Rows = NDArray[np.int64]
    Flags = NDArray[np.bool_]


class Ratio(NamedTuple):
    """Density ratio at the source rows and the constants it was fitted with."""

    weights: Array
    sigma: float
    lam: float


def scores(queries: Array, corpus: Array, metric: str, weights: Array | None = None) -> Array:
    """Similarity of every query to every row, (m, n): larger is closer.

    dot: sum of w x q. cosine: of the vectors w q and w x, 0 where either is all zero. l2: minus the squared
    distance of w q and w x.
    """
    w = np.ones(queries.shape[1]) if weights is None else weights
    with np.errstate(all="ignore"):
        if metric == "dot":
            return (queries * w) @ corpus.T
        a, b = queries * w, corpus * w
        if metric == "cosine":
            return _unit(a) @ _unit(b).T
        return np.stack([-((row - b) ** 2).sum(axis=1) for row in a]) if len(a) else np.empty((0, len(b)))


def _unit(x: Array) -> Array:
    """Rows divided by their length; a row of zeros stays zero."""
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return x / np.where(length == 0, 1.0, length)


def topk(
    queries: Array,
    corpus: Array,
    k: int,
    metric: str,
    weights: Array | None = None,
    mask: Flags | None = None,
) -> tuple[Float32, Rows]:
    """The k best rows of each query, best first; see `xbsql.kernels.topk`."""
    with np.errstate(all="ignore"):
        s = scores(queries, corpus, metric, weights).astype(np.float32)
    s[np.isnan(s)] = -np.inf
    if mask is not None:
        s[:, ~mask] = -np.inf
    rows = np.argsort(-s, axis=1, kind="stable")[:, :k].astype(np.int64)
    best = np.take_along_axis(s, rows, axis=1)
    rows[best == -np.inf] = -1
    return best, rows


def threshold_join(
    left: Array,
    right: Array | None,
    threshold: float,
    metric: str,
    weights: Array | None = None,
    mask: Flags | None = None,
) -> tuple[Rows, Rows, Float32]:
    """Every pair at or above the threshold, ordered by (i, j); see `xbsql.kernels.threshold_join`."""
    with np.errstate(all="ignore"):
        s = scores(left, left if right is None else right, metric, weights).astype(np.float32)
    keep = s >= np.float32(threshold)
    if mask is not None:
        keep[:, ~mask] = False
    if right is None:
        keep = np.triu(keep, 1)
        if mask is not None:
            keep[~mask] = False
    i, j = np.nonzero(keep)
    return i.astype(np.int64), j.astype(np.int64), s[i, j]


def reweight_normalize(x: Array, weights: Array | None, normalize: bool) -> tuple[Array, Array]:
    """Rows times the weights, divided by their length if asked; and those lengths. A zero row stays zero."""
    y = x if weights is None else x * weights
    with np.errstate(all="ignore"):
        norms = np.sqrt((y * y).sum(axis=1))
        return (y / np.where(norms == 0, 1.0, norms)[:, None] if normalize else y), norms


def quantize(y: Array) -> tuple[NDArray[np.int8], Array]:
    """Codes -127..127, half to even, and one scale a row (largest magnitude / 127; 1 for a row of zeros).

    A row that holds NaN or Inf has codes 0 and scale NaN.
    """
    largest = np.abs(y).max(axis=1, initial=0.0)
    scale = np.where(largest == 0, 1.0, largest / 127)
    good = np.isfinite(largest)
    codes = np.zeros(y.shape, np.int8)
    codes[good] = np.clip(np.rint(y[good] / scale[good, None]), -127, 127).astype(np.int8)
    return codes, np.where(good, scale, np.nan)


def rbf(x: Array, y: Array, gamma: float) -> Array:
    """exp(-gamma |x_i - y_j|^2), (n, m)."""
    out = np.empty((len(x), len(y)))
    for i, row in enumerate(x):
        out[i] = np.exp(-gamma * ((row - y) ** 2).sum(axis=1))
    return out


def rbf_matvec(x: Array, y: Array, b: Array, gamma: float) -> Array:
    """The RBF kernel matrix of x and y times b."""
    return rbf(x, y, gamma) @ b


def mmd2(
    x: Array,
    y: Array,
    gammas: Sequence[float],
    unbiased: bool = True,
    x_weights: Array | None = None,
    y_weights: Array | None = None,
) -> float:
    """Squared maximum mean discrepancy, the mean over the gammas (Gretton et al., JMLR 2012, eq. 3 and 5)."""
    wx = np.ones(len(x)) if x_weights is None else x_weights
    wy = np.ones(len(y)) if y_weights is None else y_weights
    total = 0.0
    for gamma in gammas:
        within = _within(rbf(x, x, gamma), wx, unbiased) + _within(rbf(y, y, gamma), wy, unbiased)
        total += within - 2 * float(wx @ rbf(x, y, gamma) @ wy) / (wx.sum() * wy.sum())
    return float(total / len(gammas))


def _within(kernel: Array, w: Array, unbiased: bool) -> float:
    """Weighted mean of a square kernel matrix, without its diagonal when unbiased."""
    pairs, mass = w @ kernel @ w, w.sum() ** 2
    if unbiased:
        pairs, mass = pairs - (w * w * np.diag(kernel)).sum(), mass - (w * w).sum()
    return float(pairs / mass)


def relative_ulsif(
    source: Array, target: Array, centers: Array, sigma: float, lam: float, alpha: float = 0.0
) -> Array:
    """RuLSIF at the source rows (Yamada et al., 2013); alpha = 0 is uLSIF (Kanamori et al., 2009)."""
    gamma = 1 / (2 * sigma * sigma)
    at_source, at_target = rbf(source, centers, gamma), rbf(target, centers, gamma)
    h = alpha * at_target.T @ at_target / len(target) + (1 - alpha) * at_source.T @ at_source / len(source)
    theta = np.linalg.solve(h + lam * np.eye(len(centers)), at_target.mean(axis=0))
    return np.maximum(at_source @ theta, 0.0)


def kliep(source: Array, target: Array, centers: Array, sigma: float, steps: int = 200) -> Array:
    """KLIEP at the source rows (Sugiyama et al., 2008), by multiplicative updates from equal coefficients.

    Maximises mean log(K_t theta) subject to mean(K_s theta) = 1, theta >= 0.
    """
    gamma = 1 / (2 * sigma * sigma)
    at_source, at_target = rbf(source, centers, gamma), rbf(target, centers, gamma)
    mean = at_source.mean(axis=0)
    theta = np.ones(len(centers)) / mean.sum()
    for _ in range(steps):
        theta = theta * (at_target / (at_target @ theta)[:, None]).mean(axis=0) / mean
    return np.asarray(at_source @ theta)


def coral(source: Array, target: Array, weights: Array | None, reg: float) -> Array:
    """Source rows whitened by their covariance and recoloured by the target's, moved to the target's mean.

    CORAL (Sun, Feng, Saenko, AAAI 2016) with `reg` times the mean variance added to both diagonals.
    """
    w = np.ones(len(source)) if weights is None else weights
    mean_s, cov_s = moments(source, w)
    mean_t, cov_t = moments(target, np.ones(len(target)))
    ridge = reg * (np.trace(cov_s) + np.trace(cov_t)) / (2 * source.shape[1])
    whiten = _power(cov_s + ridge * np.eye(len(cov_s)), -0.5)
    recolor = _power(cov_t + ridge * np.eye(len(cov_t)), 0.5)
    return (source - mean_s) @ whiten @ recolor + mean_t


def moments(x: Array, w: Array) -> tuple[Array, Array]:
    """Weighted mean (d,) and weighted covariance (d, d), divided by the sum of the weights."""
    mean = w @ x / w.sum()
    centred = x - mean
    return mean, (centred * w[:, None]).T @ centred / w.sum()


def _power(matrix: Array, exponent: float) -> Array:
    """A symmetric positive matrix to a power; directions of no variance stay of no variance."""
    values, vectors = np.linalg.eigh(matrix)
    floor = values.max(initial=0.0) * 1e-12
    powered = np.where(values > floor, np.maximum(values, floor) ** exponent if floor else 0.0, 0.0)
    return np.asarray((vectors * powered) @ vectors.T)


def cooccurrence_topk(
    users: Rows, items: Rows, k: int, n_items: int, values: Array, user_weights: Array, shrink: float
) -> tuple[Float32, Rows]:
    """Top-k neighbours of each item by weighted cosine; see `xbsql.kernels.cooccurrence_topk`."""
    r = np.zeros((len(user_weights), n_items))
    np.add.at(r, (users, items), values)
    gram = (r * user_weights[:, None]).T @ r
    mass = np.diag(gram) + shrink
    denominator = np.sqrt(np.outer(mass, mass))
    with np.errstate(all="ignore"):
        cosine = gram / np.where(denominator == 0, 1.0, denominator)
    s = np.where(gram != 0, cosine, -np.inf).astype(np.float32)
    np.fill_diagonal(s, -np.inf)
    rows = np.argsort(-s, axis=1, kind="stable")[:, :k].astype(np.int64)
    best = np.take_along_axis(s, rows, axis=1)
    rows[best == -np.inf] = -1
    return best, rows
