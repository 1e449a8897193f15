"""Products of sparse rows with all rows of another side, which is made dense where it is small.

Titles share so many n-grams that nearly every product is above 0: to find which are costs more than to make
them all. Either way a product adds up the same numbers in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    Turned: TypeAlias = sparse.csr_matrix | NDArray[np.floating]

_HELD: Final = 2**23  # cells of a side that is made dense


def turned(rows: sparse.csr_matrix) -> Turned:
    """The other side with a column for each row, as `products` takes it."""
    found = rows.T.tocsr()
    return found.toarray() if found.shape[0] * found.shape[1] <= _HELD else found


def products(rows: sparse.csr_matrix, other: Turned) -> NDArray[np.floating]:
    """The product of each row with each row of the other side, shape (n, m)."""
    found = rows @ other
    return np.asarray(found if isinstance(found, np.ndarray) else found.toarray())


def shared(left: sparse.csr_matrix, right: sparse.csr_matrix) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Both sides without the columns that only one has: they add nothing to a product."""
    there = [np.bincount(side.indices, minlength=side.shape[1]) > 0 for side in (left, right)]
    columns = np.flatnonzero(there[0] & there[1])
    return left[:, columns], right[:, columns]
