"""How far a scan's score may be from the exact one: every bound that a proof rests on, and why it holds.

A scan multiplies stand-ins q', x' of a query q and a row x. For any such pair, by Cauchy-Schwarz,

    |q.x - q'.x'| <= |q| |x - x'| + |q - q'| |x'|                                                          (1)

The `rest` of a row is |x - x'|, its `reach` |x'|; both are measured when the stand-ins are made, so (1) holds
whatever was rounded (bfloat16, int8 codes, nothing at all) and however often: two rounded operands cost two
terms. A group of rows has the largest rest and the largest reach of its rows. What is not measured:

- Operands that the tensor cores cut. Float32 operands of a product become TF32: 10 of 23 bits after the point
  stay, so a cut value is off by at most 2^-10 of itself (`operand`). Bfloat16 and int8 operands are taken as
  they are.
- Sums. A float32 product of d terms, summed in any order with rounding to nearest, is off by at most
  d u / (1 - d u) times sum |q'_i x'_i| <= |q'| |x'|, u = 2^-24 (Higham, Accuracy and Stability of Numerical
  Algorithms, 3.1): `rounding`, with room for the few roundings before and after. Tensor cores align the terms
  of a step of at most 16 to the largest and cut, so a sum of n terms is off by at most (n + n / 16) 2 u
  (Fasi, Higham, Mikaitis, Pranesh, PeerJ CS 2021): `summed`, twice `rounding` of at least 2 d terms.
- Bfloat16 scores. A value rounded to the nearest bfloat16 is off by at most 2^-8 of itself (`HALF`).
- Underflow. A value below 2^-126 may be taken as 0: d such losses in a vector are sqrt(d) 2^-126 (`FLUSH`
  times sqrt(d)) of its length, and a product that underflows loses d 2^-126 < `UNDERFLOW`.
- Rows of unknown length. A float32 product, or a product and sum rounded at once, is finite only where the
  product is below twice the largest float32: the other summand is no larger than that. So where q'.x' is
  finite, sum |q'_i x'_i| < 2 d `LARGEST`, and its error is at most `rounding` of that: `finite`.
- The lengths themselves, which are float32 norms: `up` is 1 plus their relative error.

Integer products are exact; as float32 they are rounded once, which `rounding` has room for.
"""

from __future__ import annotations

import torch

WILD = 1e15  # lengths beyond it could overflow a float32 square: such rows and queries are scored in float64
UNDERFLOW = 1e-30  # above all that the products of a scan lose to underflow
FLUSH = 2.0**-126  # the smallest float32 that no unit flushes to 0
TINY = 1e-15  # shorter rows lose digits in a float32 square, unless they are zero
LARGEST = 2.0**128  # no float32 is as large
HALF = 1.001 * 2.0**-8
_UNIT = 2.0**-24
_TF32 = 2.0**-10


def rounding(d: int) -> float:
    """Relative error of a float32 dot product of d terms, rounded to nearest, and the roundings around it."""
    terms = 2 * d + 16
    return 1.02 * terms * _UNIT / (1 - terms * _UNIT)


def finite(d: int) -> float:
    """Error of a float32 dot product of d terms that is finite, rounded to nearest."""
    return rounding(d) * 2.001 * d * LARGEST


def summed(d: int) -> float:
    """Relative error of a tensor core's dot product of d terms, each step aligned and cut."""
    return 2 * rounding(d)


def operand(dtype: torch.dtype) -> float:
    """Relative error of a stand-in of this dtype as the tensor cores read it."""
    return 1.001 * _TF32 if dtype == torch.float32 else 0.0


def kernel_error(d: int, gamma: float, left: float, right: float) -> float:
    """Relative error of exp(-gamma |x - y|^2) by three products of halves, for lengths of x and y.

    A value is the sum of two bfloat16s up to 2^-16 of itself, and the product of the two smaller ones, at
    most 2^-16 of the whole, is left out: three such terms in x.y, which counts twice in the exponent. The
    squared lengths and their sum are float32.
    """
    product = 3.01 * 2.0**-16 + summed(3 * d)
    off = gamma * (2 * product * left * right + 4 * _UNIT * (left + right) ** 2)
    return float(1.001 * off + 8 * _UNIT) if off < 0.1 else float("inf")


def up(d: int) -> float:
    """A float32 length of d values times this is no less than the length."""
    return 1.001 + rounding(d)


def flushed(d: int) -> float:
    """Length of d values that were taken as 0."""
    return float(d**0.5 * FLUSH)
