"""RBF kernel sums on the CPU: blocks of the kernel matrix in the cache, none of it kept.

The exponent -gamma |x - y|^2 comes straight out of one matrix product, of (2 gamma x, -gamma |x|^2, 1)
and (y, 1, -gamma |y|^2), so a block is one product, one exp2 (a third of the time of exp) and one sum. Both
sides are centred first: the distance does not change, and far fewer digits cancel. Sums of a block are
float32, sums of blocks float64.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels.cpu_product import product
from xbsql.kernels.cpu_threads import ranges, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ROWS = 1024  # of the left side at a time
_COLUMNS = 1024  # of the right side at a time
_LOG2E = math.log2(math.e)


def centred(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both sides less the mean of y's first rows, in their dtype: any point common to both would do."""
    middle = y[:4096].double().mean(dim=0).to(x.dtype)
    return x - middle, y - middle


def left_side(x: Tensor) -> Tensor:
    """(2 x, -|x|^2, 1): times `right_side(y)` it is -|x - y|^2."""
    return torch.cat([2 * x, -_squares(x), torch.ones_like(x[:, :1])], dim=1)


def right_side(y: Tensor) -> Tensor:
    """(y, 1, -|y|^2)."""
    return torch.cat([y, torch.ones_like(y[:, :1]), -_squares(y)], dim=1)


def _squares(x: Tensor) -> Tensor:
    return (x.double() ** 2).sum(dim=1, keepdim=True).to(x.dtype)


def rbf_matvec(x: Tensor, y: Tensor, b: Tensor, gamma: float) -> Tensor:
    """Sum over j of exp(-gamma |x_i - y_j|^2) b_j, float64 (n, r); b is float64 (m, r)."""
    x, y = centred(x, y)
    b = b.to(x.dtype)

    def part(low: int, high: int) -> Tensor:
        out = torch.zeros(high - low, b.shape[1], dtype=torch.float64)
        for s in range(low, high, _ROWS):
            left = left_side(x[s : min(s + _ROWS, high)]) * (gamma * _LOG2E)
            for t in range(0, len(y), _COLUMNS):
                kernel = _times(left, right_side(y[t : t + _COLUMNS])).exp2_()
                out[s - low : s - low + _ROWS] += (kernel @ b[t : t + _COLUMNS]).double()
        return out

    return torch.cat(spread(lambda each: part(*each), ranges(len(x), 1, _ROWS)))


def mmd2(
    x: Tensor, y: Tensor, gammas: Sequence[float], unbiased: bool, wx: Tensor | None, wy: Tensor | None
) -> float:
    """Squared maximum mean discrepancy, the mean over the gammas; weights float64 or None for equal ones."""
    x, y = centred(x, y)
    own = _within(x, wx, gammas, unbiased), _within(y, wy, gammas, unbiased)
    return sum(own) - 2 * _cross(x, y, gammas, wx, wy)


def between(samples: Sequence[Tensor], gammas: Sequence[float], unbiased: bool) -> Tensor:
    """Squared maximum mean discrepancy of every two samples, float64 (s, s); each meets itself once."""
    x = around(samples)
    own = [_within(each, None, gammas, unbiased) for each in x]
    return table(own, lambda i, j: _cross(x[i], x[j], gammas))


def around(samples: Sequence[Tensor]) -> list[Tensor]:
    """Samples less one point common to all."""
    middle = samples[0][:4096].double().mean(dim=0).to(samples[0].dtype)
    return [each - middle for each in samples]


def table(own: Sequence[float], cross: Callable[[int, int], float]) -> Tensor:
    """The symmetric table, 0 on its diagonal, of own terms and the mean kernel between two samples."""
    out = torch.zeros(len(own), len(own), dtype=torch.float64)
    for i, j in combinations(range(len(own)), 2):
        out[i, j] = out[j, i] = own[i] + own[j] - 2 * cross(i, j)
    return out


def _cross(
    x: Tensor, y: Tensor, gammas: Sequence[float], wx: Tensor | None = None, wy: Tensor | None = None
) -> float:
    """Weighted mean of k(x_i, y_j), the mean over the gammas."""
    mass = (len(x) if wx is None else float(wx.sum())) * (len(y) if wy is None else float(wy.sum()))

    def share(starts: range) -> float:
        blocks = ((x[s : s + _ROWS], None if wx is None else wx[s : s + _ROWS]) for s in starts)
        return sum((_total(part, y, w, wy, gammas) for part, w in blocks), 0.0)

    return sum(spread(share, _dealt(len(x))), 0.0) / mass


def _within(x: Tensor, w: Tensor | None, gammas: Sequence[float], unbiased: bool) -> float:
    """Weighted mean of k(x_i, x_j), without i = j where unbiased."""
    mass, square = (float(len(x)),) * 2 if w is None else (float(w.sum()), float((w * w).sum()))
    pairs = _total_within(x, w, gammas)
    # The diagonal of the kernel is 1 by definition; what rounding made of it is left out before it is added.
    return pairs / (mass**2 - square) if unbiased else (pairs + square) / mass**2


def _total_within(x: Tensor, w: Tensor | None, gammas: Sequence[float]) -> float:
    """Sum over i != j of w_i w_j k(x_i, x_j), mean over the gammas; each pair is computed once."""

    def share(starts: range) -> float:
        total = 0.0
        for s in starts:
            part, wp = x[s : s + _ROWS], None if w is None else w[s : s + _ROWS]
            for kernel in _kernels(left_side(part), right_side(part), gammas):
                kernel.fill_diagonal_(0.0)
                total += _weighed(kernel, wp, wp) / len(gammas)
            rest = s + _ROWS
            total += 2 * _total(part, x[rest:], wp, None if w is None else w[rest:], gammas)
        return total

    # Rows further down have fewer to meet: dealt out in turn, the shares are equal.
    return sum(spread(share, _dealt(len(x))), 0.0)


def _dealt(n: int) -> list[range]:
    """The starts of n rows' blocks, dealt out in turn to as many threads as torch has."""
    count = max(1, min(torch.get_num_threads(), -(-n // _ROWS)))
    return [range(i * _ROWS, n, count * _ROWS) for i in range(count)]


def _total(x: Tensor, y: Tensor, wx: Tensor | None, wy: Tensor | None, gammas: Sequence[float]) -> float:
    """Sum of w_i w_j k(x_i, y_j), mean over the gammas."""
    total = 0.0
    for s in range(0, len(x), _ROWS):
        left, wp = left_side(x[s : s + _ROWS]), None if wx is None else wx[s : s + _ROWS]
        for t in range(0, len(y), _COLUMNS):
            wq = None if wy is None else wy[t : t + _COLUMNS]
            for kernel in _kernels(left, right_side(y[t : t + _COLUMNS]), gammas):
                total += _weighed(kernel, wp, wq)
    return total / len(gammas)


def _kernels(left: Tensor, right: Tensor, gammas: Sequence[float]) -> Iterator[Tensor]:
    """The kernel block at every gamma."""
    if len(gammas) == 1:
        yield _times(left * (gammas[0] * _LOG2E), right).exp2_()
        return
    distance = _times(left, right)
    for gamma in gammas:
        yield (distance * (gamma * _LOG2E)).exp2_()


def _times(left: Tensor, right: Tensor) -> Tensor:
    """The product left @ right.T in their dtype."""
    return product(left, right) if left.dtype == torch.float32 else left @ right.T


def _weighed(kernel: Tensor, wx: Tensor | None, wy: Tensor | None) -> float:
    """The sum wx' K wy, with ones for None."""
    rows = kernel.sum(dim=1).double() if wy is None else kernel.double() @ wy
    return float(rows.sum() if wx is None else wx @ rows)


def median_gamma(x: Tensor, y: Tensor, most: int = 500) -> float:
    """1 / the median squared distance of an evenly spaced sample, `most` rows a side; 1 if that is 0."""
    sample = torch.cat([_spaced(x, most), _spaced(y, most)]).double()
    distances = torch.pdist(sample)
    positive = distances[distances > 0]
    return float(1 / positive.median() ** 2) if len(positive) else 1.0


def _spaced(x: Tensor, most: int) -> Tensor:
    """At most `most` rows, evenly spaced."""
    return x[:: -(-len(x) // most)]
