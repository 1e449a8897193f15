"""Names of attributes in two markets, carried by what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.extraction.titles import plain
from xbsql.features.encoder import encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ALIKE: Final = 0.6
"""Similarity of two names from which on they may mean one thing."""


def placed(names: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Which of the known names means the same as each name.

    A name that is spelled alike comes first, then the one of the most similar meaning (the encoder's, across
    languages).

    Returns:
        int64 (len(names),): a place in `known`, or -1 for none.
    """
    found = spelled(names, known)
    left = np.flatnonzero(found < 0)
    if not len(left) or not len(known):
        return found
    vectors = encoder()
    ours = vectors.encode(vectors.normal([names[at] for at in left.tolist()]))
    theirs = vectors.encode(vectors.normal(list(known)))
    alike = ours @ theirs.T
    best = alike.argmax(axis=1)
    found[left] = np.where(alike[np.arange(len(left)), best] >= ALIKE, best, -1)
    return found


def spelled(names: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Which of the known names is spelled as each name; int64 (len(names),), -1 for none."""
    place = {plain(name).strip(): at for at, name in reversed(list(enumerate(known)))}
    return np.array([place.get(plain(name).strip(), -1) for name in names], np.int64)
