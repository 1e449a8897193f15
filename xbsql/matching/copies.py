"""Rows of one text: looked at once, and counted as many when they are assigned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.matching.blank import is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.matching.pairs import CandidatePairs

MOST_COPIES: Final = 30
"""Right rows of one text that each left row is paired with, at most."""


@dataclass(frozen=True)
class Copies:
    """The different texts of a catalogue and the rows that have them.

    Attributes:
        rows: int64, shape (n,): the rows with a text, ordered by block and text, as given among equals.
        texts: the m different texts, of each block, in this order.
        block: int64, shape (m,): their blocks; None for one block.
        start: int64, shape (m,): the place in `rows` of the first row of each text.
        count: int64, shape (m,): how many rows it has.
    """

    rows: NDArray[np.int64]
    texts: list[str]
    block: NDArray[np.int64] | None
    start: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str | None], block: NDArray[np.int64] | None) -> Self:
        """Order the rows that have a text, neither blank nor a placeholder, and a block other than -1."""
        blocks = [0] * len(texts) if block is None else block.tolist()
        told = {text for text in set(texts) if text is not None and not is_blank(text)}
        kept = [
            (held, text, row)
            for row, (held, text) in enumerate(zip(blocks, texts, strict=True))
            if text in told and held >= 0
        ]
        kept.sort()
        first = [at for at, key in enumerate(kept) if at == 0 or key[:2] != kept[at - 1][:2]]
        start = np.array(first, np.int64)
        return cls(
            np.array([row for *_, row in kept], np.int64),
            [kept[at][1] for at in first],
            None if block is None else np.array([kept[at][0] for at in first], np.int64),
            start,
            np.diff(start, append=len(kept)),
        )

    def places(self, count: int) -> NDArray[np.int64]:
        """The place of each of so many rows' text among `texts`, -1 for rows without one."""
        found = np.full(count, -1, np.int64)
        found[self.rows] = np.repeat(np.arange(len(self.texts)), self.count)
        return found


def expanded(
    pairs: CandidatePairs, left: Copies, right: Copies
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of texts as pairs of rows.

    Each left row is paired with up to 30 rows of a right text, the k-th with the k-th and those that follow,
    so that as many rows find a partner as there are on the smaller side.

    Returns:
        int64, shape (q,): places in `pairs`, in `left.rows` and in `right.rows`.
    """
    width = np.minimum(right.count[pairs.j], MOST_COPIES)
    each = left.count[pairs.i] * width
    which = np.repeat(np.arange(len(pairs)), each)
    within = np.arange(len(which)) - np.repeat(np.cumsum(each) - each, each)
    own = within // width[which]
    i, j = pairs.i[which], pairs.j[which]
    other = (own + within % width[which]) % right.count[j]
    return which, np.asarray(left.start[i] + own, np.int64), np.asarray(right.start[j] + other, np.int64)
