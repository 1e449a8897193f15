"""Counts, sizes and model numbers that titles state, and whether two rows state different ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.harmonise.quantities import COUNT, models, quantities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

AGREE: Final = 1.0
SILENT: Final = 0.0
APART: Final = -0.5
"""Both state something, but not of one kind ('12 pcs' and '2 m'), or agree in a part of it."""
CONTRADICT: Final = -1.0
_CLOSE: Final = 0.03  # relative: '11 in' is '28 cm', a cup of '8 oz' one of '230 ml'


class Statement(NamedTuple):
    """What one title states.

    Attributes:
        sizes: by unit, the values in it, ascending; counts under 'count'.
        models: the model numbers.
    """

    sizes: tuple[tuple[str, tuple[float, ...]], ...]
    models: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a title."""
        by_unit: dict[str, list[float]] = {}
        for value, unit in quantities(text):
            by_unit.setdefault(unit, []).append(value)
        return cls(tuple((unit, tuple(sorted(by_unit[unit]))) for unit in sorted(by_unit)), models(text))


@dataclass(frozen=True)
class Stated:
    """What n titles state, each different statement once.

    Attributes:
        known: the statements; the first says nothing.
        rows: int64, shape (n,): which of them each title makes.
    """

    known: tuple[Statement, ...]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Read titles."""
        places = {Statement((), ()): 0}
        rows = {text: places.setdefault(Statement.of(text), len(places)) for text in dict.fromkeys(texts)}
        return cls(tuple(places), np.array([rows[text] for text in texts], np.int64))

    def at(self, rows: NDArray[np.int64]) -> Stated:
        """What some of the titles state."""
        return Stated(self.known, self.rows[rows])


def compared(
    left: Stated | None, right: Stated | None, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far the statements of pairs agree.

    Args:
        left: of the n left titles; None where nobody looks at it.
        right: of the right ones, likewise.
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.

    Returns:
        float64, shape (p, 2), of sizes with counts and of model numbers: 1 where they agree, 0 where a title
        states none, -0.5 where what both state cannot be compared or agrees in part, -1 where it contradicts.
    """
    found = np.full((len(i), 2), SILENT)
    if left is None or right is None:
        return found
    a, b = left.rows[i], right.rows[j]
    both = np.flatnonzero((a > 0) & (b > 0))
    keys, place = np.unique(a[both] * len(right.known) + b[both], return_inverse=True)
    heads, tails = np.divmod(keys, len(right.known))
    judged = [
        _judged(left.known[a], right.known[b]) for a, b in zip(heads.tolist(), tails.tolist(), strict=True)
    ]
    found[both] = np.array(judged).reshape(-1, 2)[place]
    return found


def contradicting(
    left: Stated | None, right: Stated | None, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """The pairs that state another size, count or model number each, bool, shape (p,)."""
    return np.asarray((compared(left, right, i, j) == CONTRADICT).any(axis=1))


def _judged(left: Statement, right: Statement) -> tuple[float, float]:
    return _sizes(left.sizes, right.sizes), _models(left.models, right.models)


def _sizes(
    left: tuple[tuple[str, tuple[float, ...]], ...], right: tuple[tuple[str, tuple[float, ...]], ...]
) -> float:
    if not left or not right:
        return SILENT
    own, other = dict(left), dict(right)
    shared = own.keys() & other.keys()
    if not shared:
        return APART
    return min(_values(unit, own, other) for unit in shared)


def _values(unit: str, own: dict[str, tuple[float, ...]], other: dict[str, tuple[float, ...]]) -> float:
    """Values of one unit: as many on both sides have to agree one by one; of fewer, one has to be found."""
    a, b = own[unit], other[unit]
    if len(a) == len(b):
        same = all(_close(unit, x, y) for x, y in zip(a, b, strict=True))
    else:
        few, many = sorted((a, b), key=len)
        found = [any(_close(unit, x, y) for y in many) for x in few]
        if any(found):
            return AGREE if all(found) else APART
        same = False
    return AGREE if same else APART if unit != COUNT and _in_all(unit, own, other) else CONTRADICT


def _in_all(unit: str, own: dict[str, tuple[float, ...]], other: dict[str, tuple[float, ...]]) -> bool:
    """Whether one side may say of all pieces together what the other says of each."""
    pieces = [*own.get(COUNT, ()), *other.get(COUNT, ())]
    pairs = list(product(own[unit], other[unit]))
    return any(_close(unit, x * n, y) or _close(unit, x, y * n) for n in pieces for x, y in pairs)


def _close(unit: str, a: float, b: float) -> bool:
    return a == b if unit == COUNT else abs(a - b) <= _CLOSE * max(abs(a), abs(b))


def _models(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """One in common agrees; one that begins like the other may be the same with a suffix of the market."""
    if not left or not right:
        return SILENT
    if set(left) & set(right):
        return AGREE
    longer = any(a.startswith(b) or b.startswith(a) for a, b in product(left, right))
    return APART if longer else CONTRADICT
