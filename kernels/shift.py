"""Reweighting between markets: normalised rows, kernel means, density ratios, covariance alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels import arrays, cpu_mean, cpu_moments, ratio
from xbsql.kernels.dispatch import guard, on_triton

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.kernels.arrays import Array, ArrayT

_OUT = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int8": torch.int8,
}


def reweight_normalize(
    x: ArrayT, weights: Array | None = None, *, normalize: str | None = "l2", out_dtype: str = "float32"
) -> tuple[ArrayT, ArrayT, ArrayT | None]:
    """Multiply features by weights, bring rows to length 1 and cast or quantise them, in one pass.

    Args:
        x: float32, float16 or bfloat16, shape (n, d); NumPy or torch.
        weights: float32 or float64, shape (d,); None for ones.
        normalize: "l2", or None to keep lengths. A row of zeros stays zero.
        out_dtype: "float32", "float16", "bfloat16" (torch only) or "int8".

    Returns:
        Rows (n, d) of out_dtype; lengths of the weighted rows, float32 (n,); for int8 the scales, float32
        (n,), else None. Codes are -127..127, half to even, scale = largest magnitude / 127 (1 for a row of
        zeros). NaN and Inf stay in floating rows; a row that holds any has codes 0 and scale NaN.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shape, dtype, normalize or out_dtype do not fit.
    """
    where = "reweight_normalize"
    t = arrays.tensor(where, "x", x, arrays.VECTORS[:3], 2)
    arrays.pair(where, "x", t, "x", t)
    arrays.choice(where, "normalize", normalize, ("l2", None))
    arrays.choice(where, "out_dtype", out_dtype, tuple(_OUT))
    if out_dtype == "bfloat16" and not isinstance(x, Tensor):
        message = f"{where}: NumPy has no bfloat16; pass a torch tensor or take out_dtype='float32'"
        raise ValueError(message)
    w = arrays.weights(where, weights, t.shape[1], t)
    if on_triton(t):
        from xbsql.kernels import reweight

        with guard(t):
            y, norms, scales = reweight.reweight_normalize(t, w, normalize == "l2", _OUT[out_dtype])
    else:
        on_cpu = cpu_moments.reweight_normalize(t.cpu(), _cpu(w), normalize == "l2", _OUT[out_dtype])
        y, norms, scales = on_cpu[0].to(t.device), on_cpu[1].to(t.device), on_cpu[2]
    back = None if scales is None else arrays.alike(x, scales.to(t.device))
    return arrays.alike(x, y), arrays.alike(x, norms), back


def _cpu(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.cpu()


def _both(where: str, names: tuple[str, str], a: Array, b: Array) -> tuple[Tensor, Tensor]:
    """Two float matrices that agree, at least one row each, all finite."""
    x = arrays.tensor(where, names[0], a, arrays.REALS, 2)
    y = arrays.tensor(where, names[1], b, arrays.REALS, 2)
    arrays.pair(where, names[0], x, names[1], y)
    for name, each in zip(names, (x, y), strict=True):
        arrays.some_rows(where, name, each)
        arrays.finite(where, name, each)
    return x, y


def rbf_matvec(x: ArrayT, y: ArrayT, b: Array | None = None, *, gamma: float) -> ArrayT:
    """Sum over j of exp(-gamma |x_i - y_j|^2) b_j; the n x m kernel matrix never exists.

    Args:
        x: float32 or float64, shape (n, d); NumPy or torch.
        y: same dtype and device, shape (m, d).
        b: float32 or float64, shape (m,) or (m, r); None for ones.
        gamma: above 0, in 1 / squared distance.

    Returns:
        Float32 for float32 input, else float64; shape (n,) or (n, r).

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices or gamma do not fit, no rows, or NaN or Inf among the values.
    """
    s, t = _both("rbf_matvec", ("x", "y"), x, y)
    gamma = arrays.positive("rbf_matvec", "gamma", gamma)
    right = torch.ones(len(t), dtype=torch.float64, device=t.device)
    if b is not None:
        right = arrays.tensor("rbf_matvec", "b", b, arrays.REALS, 2 if b.ndim == 2 else 1)
        arrays.same_length("rbf_matvec", "b", right, len(t))
        arrays.finite("rbf_matvec", "b", right)
        right = right.to(t.device, torch.float64)
    columns = right.reshape(len(t), -1)
    if on_triton(s) and s.dtype == torch.float32:
        from xbsql.kernels import kernel_mean

        with guard(s):
            out = kernel_mean.rbf_matvec(s, t, columns, gamma)
    else:
        out = cpu_mean.rbf_matvec(s.cpu(), t.cpu(), columns.cpu(), gamma)
    return arrays.alike(x, out.to(s.device, s.dtype).reshape(len(s), *right.shape[1:]))


def mmd2(
    x: Array,
    y: Array,
    *,
    gamma: float | str | Sequence[float] = "median",
    unbiased: bool = True,
    x_weights: Array | None = None,
    y_weights: Array | None = None,
) -> float:
    """Squared maximum mean discrepancy between two samples under the RBF kernel (Gretton et al., JMLR 2012).

    Args:
        x: float32 or float64, shape (n, d); NumPy or torch.
        y: same dtype and device, shape (m, d).
        gamma: above 0, in 1 / squared distance; several, of which the mean is taken; or "median": 1 over the
            median
            squared distance within an evenly spaced sample of both.
        unbiased: leave the pairs i = i out, which needs two rows a side; may then be below 0. Else the
            V-statistic.
        x_weights: float32 or float64, (n,), 0 or more: weights of x's rows; None for equal ones.
        y_weights: likewise, (m,), for y.

    Returns:
        The estimate. Time is n^2 / 2 + m^2 / 2 + n m kernel values; memory does not grow with n or m.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices, gamma or weights do not fit, too few rows, or NaN or Inf.
    """
    s, t = _both("mmd2", ("x", "y"), x, y)
    if unbiased:
        arrays.some_rows("mmd2", "x", s, 2)
        arrays.some_rows("mmd2", "y", t, 2)
    ws = arrays.vector("mmd2", "x_weights", x_weights, len(s), s)
    wt = arrays.vector("mmd2", "y_weights", y_weights, len(t), t)
    _spread("x_weights", ws, unbiased)
    _spread("y_weights", wt, unbiased)
    gammas = _gammas(gamma, s, t)
    if on_triton(s) and s.dtype == torch.float32:
        from xbsql.kernels import kernel_mean

        with guard(s):
            return kernel_mean.mmd2(s, t, gammas, unbiased, ws, wt)
    return cpu_mean.mmd2(s.cpu(), t.cpu(), gammas, unbiased, _cpu(ws), _cpu(wt))


def mmd2_between(
    domains: Sequence[Array], *, gamma: float | str | Sequence[float] = "median", unbiased: bool = True
) -> NDArray[np.float64]:
    """Squared maximum mean discrepancy between every two of several samples: `mmd2`, each own term once.

    Args:
        domains: two or more, float32 or float64, (n_i, d) each; one kind, dtype and device.
        gamma: as in `mmd2`; "median" takes the first and the last domain.
        unbiased: as in `mmd2`.

    Returns:
        Float64 (s, s), symmetric, 0 on the diagonal.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: fewer than two domains, or what `mmd2` refuses.
    """
    where = "mmd2_between"
    if len(domains) < 2:
        message = f"{where}: domains has {len(domains)} entries; give two at least"
        raise ValueError(message)
    names = [f"domains[{i}]" for i in range(len(domains))]
    x = [
        _both(where, (names[0], name), domains[0], each)[1] for name, each in zip(names, domains, strict=True)
    ]
    for name, each in zip(names, x, strict=True):
        arrays.some_rows(where, name, each, 2 if unbiased else 1)
    gammas = _gammas(gamma, x[0], x[-1])
    if on_triton(x[0]) and x[0].dtype == torch.float32:
        from xbsql.kernels import kernel_mean

        with guard(x[0]):
            return kernel_mean.between(x, gammas, unbiased).numpy()
    return cpu_mean.between([each.cpu() for each in x], gammas, unbiased).numpy()


def _spread(name: str, weights: Tensor | None, unbiased: bool) -> None:
    """Raise ValueError unless weights are usable: two rows with weight for the unbiased estimate."""
    arrays.nonnegative("mmd2", name, weights)
    if weights is not None and unbiased and int((weights > 0).sum()) < 2:
        message = f"mmd2: {name} leaves one row; the unbiased estimate needs two"
        raise ValueError(message)


def _gammas(given: float | str | Sequence[float], x: Tensor, y: Tensor) -> list[float]:
    if isinstance(given, str):
        arrays.choice("mmd2", "gamma", given, ("median",))
        return [cpu_mean.median_gamma(x, y)]
    several = list(given) if hasattr(given, "__iter__") else [given]
    if not several:
        message = "mmd2: gamma is empty; give at least one"
        raise ValueError(message)
    return [arrays.positive("mmd2", "gamma", each) for each in several]


def importance_weights(
    source: ArrayT,
    target: ArrayT,
    *,
    method: str = "ulsif",
    n_centers: int = 100,
    sigma: float | None = None,
    lam: float | None = None,
    alpha: float = 0.1,
) -> ArrayT:
    """Estimate how much more likely each source row is in the target: the density ratio target / source.

    Args:
        source: float32 or float64, shape (n, d); NumPy or torch.
        target: same dtype and device, shape (m, d).
        method: "ulsif" (Kanamori et al., JMLR 2009) or "rulsif" (Yamada et al., 2013), in closed form;
            "kliep"
            (Sugiyama et al., 2008), 200 multiplicative steps; "logistic", odds of a regression on x and x^2
            (Bickel et al., JMLR 2009); "best", the one of ulsif, kliep and logistic with the least squared
            loss on a fifth of the rows.
        n_centers: how many target rows carry a kernel, drawn with a fixed seed.
        sigma: kernel width, in distance; None chooses it by 5-fold cross-validation of the method's own loss.
        lam: ridge of ulsif, rulsif and logistic, above 0; None chooses it likewise.
        alpha: rulsif's share of the target in the denominator, 0 <= alpha < 1: bounds the ratio by 1 / alpha.

    Returns:
        Weights of the source rows, of the input's dtype, (n,), 0 or more. Not rescaled: their mean is about
        1.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices or options do not fit, no rows, or NaN or Inf among the values.
    """
    where = "importance_weights"
    s, t = _both(where, ("source", "target"), source, target)
    arrays.choice(where, "method", method, ("ulsif", "rulsif", "kliep", "logistic", "best"))
    n_centers = arrays.whole(where, "n_centers", n_centers, 1, 10_000)
    sigma = None if sigma is None else arrays.positive(where, "sigma", sigma)
    lam = None if lam is None else arrays.positive(where, "lam", lam)
    if not 0 <= alpha < 1:
        message = f"{where}: alpha is {alpha}; it must be at least 0 and below 1"
        raise ValueError(message)
    found = ratio.importance_weights(s, t, method, n_centers, sigma, lam, float(alpha))
    return arrays.alike(source, found.to(s.dtype))


def coral(source: ArrayT, target: ArrayT, *, weights: Array | None = None, reg: float = 1.0) -> ArrayT:
    """Move source rows so that their mean and covariance become the target's: CORAL (Sun et al., AAAI 2016).

    Rows are centred, whitened by the source's covariance, recoloured by the target's and moved to the
    target's mean. Moments are float64; those of float32 rows on CUDA are sums over 8,192 rows in float32,
    added up in float64.

    Args:
        source: float32 or float64, shape (n, d); NumPy or torch.
        target: same dtype and device, shape (m, d).
        weights: float32 or float64, shape (n,), 0 or more: weights of the source rows in its moments.
        reg: above 0: times the mean variance of a feature, added to both diagonals; the paper's 1 on features
            of
            variance 1. The smaller, the closer the covariances match and the more noise is amplified.

    Returns:
        The moved source rows, of its dtype, (n, d).

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices, weights or reg do not fit, no rows, or NaN or Inf among the
            values.
    """
    s, t = _both("coral", ("source", "target"), source, target)
    reg = arrays.positive("coral", "reg", reg)
    w = arrays.vector("coral", "weights", weights, len(s), s)
    arrays.nonnegative("coral", "weights", w)
    if on_triton(s) and s.dtype == torch.float32:
        from xbsql.kernels import covariance

        with guard(s):
            moved = covariance.coral(s, t, w, reg)
    else:
        moved = cpu_moments.coral(s.cpu(), t.cpu(), _cpu(w), reg).to(s.device)
    return arrays.alike(source, moved)
