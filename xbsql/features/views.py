"""Rows as matrices: the form in which the transfer engine sees every kind of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

T = TypeVar("T")
Matrix: TypeAlias = NDArray[np.floating] | sparse.csr_matrix
Rows: TypeAlias = NDArray[np.integer] | NDArray[np.bool_] | slice


@dataclass(frozen=True)
class Features:
    """The same n rows seen in several ways: named matrices of shape (n, d).

    Common names: 'text' (sentence embedding, float32), 'pooled' (the encoder before its last layers),
    'ngram' (lexical, sparse), 'table' (numbers with NaN and category codes, float64), 'source' (the home
    model's prediction, added once by the engine).

    Attributes:
        views: matrices by name.
        part_of: the rows that these were cut from, and which of them they are, int64, shape (n,); None where
            that is not worth knowing.
    """

    views: Mapping[str, Matrix]
    part_of: tuple[Features, NDArray[np.int64]] | None = field(default=None, repr=False, compare=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return next(int(view.shape[0]) for view in self.views.values())

    def __getitem__(self, name: str) -> Matrix:
        return self.views[name]

    def __contains__(self, name: str) -> bool:
        return name in self.views

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made of these rows under a key: made when first asked for, kept as long as they are."""
        if key not in self._made:
            self._made[key] = make()
        found: T = self._made[key]
        return found

    def part(self, rows: Rows) -> Features:
        """The given rows, which know what they are part of."""
        views = {name: view[rows] for name, view in self.views.items()}
        return Features(views, (self, np.arange(len(self))[rows]))

    def through(self, key: Hashable, make: Callable[[Features], Features]) -> Features:
        """What is made of these rows one by one: of a part, from what is made once of the whole."""
        if self.part_of is None:
            return make(self)
        whole, rows = self.part_of
        return whole.once(key, lambda: make(whole)).part(rows)

    def take(self, rows: Rows) -> Features:
        """The given rows of every view; those of a part are a part of the same."""
        if self.part_of is None:
            return Features({name: view[rows] for name, view in self.views.items()})
        whole, own = self.part_of
        return whole.part(own[rows])


class Itself:
    """A key that stands for one object, which is kept, and for no equal one."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __hash__(self) -> int:
        return id(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other._value is self._value


def stack(parts: Sequence[Features]) -> Features:
    """The rows of all parts, one below the other; only views that every part has are kept."""
    shared = [name for name in parts[0].views if all(name in part for part in parts)]
    return Features({name: _vstack([part[name] for part in parts]) for name in shared})


def _vstack(matrices: Sequence[Matrix]) -> Matrix:
    if any(sparse.issparse(matrix) for matrix in matrices):
        return sparse.vstack(matrices, format="csr")
    return np.concatenate(matrices)
