"""Items as directions: what is had together over several steps, out of the counts of one market or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.sparse as sp
from scipy.linalg import eigh, lu

if TYPE_CHECKING:
    from xbsql.recommendation.counts import Counts
    from xbsql.recommendation.events import Floats, Places, Singles
    from xbsql.recommendation.histories import Histories

LEAST_SIZE: Final = 128
MOST_SIZE: Final = 256
ITEMS_EACH: Final = 32
"""Directions that are kept, one for so many items: fewer know less of small groups of items, and more cost
more and bring little."""

SPARE: Final = 16
"""Directions beside these that the search carries along."""

PASSES: Final = 4
"""Products with the similarity before the directions are read off."""

SHRINK: Final = 1.0
"""Weighted buyers that are added to those of an item."""

REACH: Final = 1.5
"""The power of the eigenvalues: how many steps from item to item by way of customers count, and faint
directions, which are chance, hardly at all."""

MOST: Final = 50_000
"""Items that are given a direction, those that most have; of the others nothing is known here."""

SHARP: Final = 3
"""How often a cosine is squared before it counts."""

TINY: Final = 1e-12


def directions(counts: Counts) -> Singles:
    """Unit vectors of items; the cosine of two says how alike is what they are had with, and that with, ....

    The leading eigenvectors of the symmetrically normalised similarity, an item's own mass on its diagonal,
    times a power of their eigenvalues: the linear propagation of LightGCN (He et al., 2020) cut to the low
    frequencies of GF-CF (Shen et al., 2021), without training. They are found by subspace iteration from a
    fixed start (Halko, Martinsson and Tropp, 2011), so the same counts give the same cosines.

    Args:
        counts: of the users.

    Returns:
        float32 (items, up to `MOST_SIZE`), rows of zeros for the items that nobody has.
    """
    known = np.flatnonzero(counts.mass > 0)
    if len(known) > MOST:
        known = np.sort(known[np.argsort(-counts.buyers[known], kind="stable")[:MOST]])
    size = min(max(len(known) // ITEMS_EACH, LEAST_SIZE), MOST_SIZE, len(known))
    found: Singles = np.zeros((len(counts), size), np.float32)
    if len(known):
        scale = sp.diags_array(1.0 / np.sqrt(counts.mass[known] + SHRINK))
        whole = counts.pairs[known][:, known] + sp.diags_array(counts.mass[known])
        found[known] = _units(*_leading(sp.csr_matrix(scale @ whole @ scale), size))
    return found


def _leading(a: sp.csr_matrix, size: int) -> tuple[Floats, Floats]:
    """The eigenvectors (n, size) of a symmetric matrix with the largest eigenvalues, and these."""
    n = a.shape[0]
    width = min(size + SPARE, n)
    basis = np.eye(n) if width == n else np.random.default_rng(0).standard_normal((n, width))
    for _ in range(0 if width == n else PASSES):
        basis = lu(a @ basis, permute_l=True)[0]
    gram = basis.T @ basis
    gram[np.diag_indices(width)] += TINY * np.trace(gram)
    value, vector = eigh(basis.T @ (a @ basis), gram)
    return basis @ vector[:, ::-1][:, :size], np.maximum(value[::-1][:size], 0.0)


def _units(vector: Floats, value: Floats) -> Floats:
    spread = vector * value**REACH
    return np.asarray(spread / np.maximum(np.linalg.norm(spread, axis=1, keepdims=True), TINY))


def likeness(direction: Singles, histories: Histories, candidates: Places) -> tuple[Singles, Singles]:
    """How alike each candidate is to what the user has.

    Args:
        direction: float32 (items, d), see `directions`.
        histories: of n users.
        candidates: int64 (n, c), places in the list of all items.

    Returns:
        Two float32 (n, c): the sum of the cosines to the eighth, each times what the item counts for the
        user, and the largest cosine; below 0 is 0. The power leaves what is very alike.
    """
    summed: Singles = np.zeros(candidates.shape, np.float32)
    largest: Singles = np.zeros(candidates.shape, np.float32)
    recent = histories.recent()
    had = recent.matrix(len(direction))
    for user in np.flatnonzero(np.diff(had.indptr)).tolist():
        own = slice(had.indptr[user], had.indptr[user + 1])
        cosine = np.maximum(direction[candidates[user]] @ direction[had.indices[own]].T, 0.0)
        largest[user] = cosine.max(axis=1)
        for _ in range(SHARP):
            cosine *= cosine
        summed[user] = cosine @ had.data[own].astype(np.float32)
    return summed, largest
