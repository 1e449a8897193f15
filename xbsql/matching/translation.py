"""Words that translate each other, learned from the likely matches of the very catalogues that are matched.

Brown et al., "The Mathematics of Statistical Machine Translation", 1993 (model 1), on matches weighted by how
likely they are, in the spirit of self-learning (Artetxe et al., ACL 2017). A match says nothing for itself:
what it contributed is taken away before it is judged. Words are read in pieces, so that compounds come apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from xbsql.matching.columns import TRANSLATIONS
from xbsql.matching.tokens import MOST_WORDS, best_of_rows, by_pieces, distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.matching.pairs import Matches
    from xbsql.matching.tokens import Tokens

    Ints = NDArray[np.int64]

_ROUNDS: Final = 4
_DOUBT: Final = 0.5  # of an occurrence: a word seen once proves little
_KNOWN: Final = 0.3  # occurrences from which a word counts as known
_LEAST: Final = 0.05  # likelihood of a match that is learned from
_TOLD: Final = 0.02  # the least probable translation that suggests anything


def translated(
    left: Tokens, right: Tokens, matches: Matches, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How well the words of pairs translate each other.

    Args:
        left: the n left texts.
        right: the right texts.
        matches: what is learned from.
        i: int64, shape (p,): the left row of each pair.
        j: int64, shape (p,): its right row.

    Returns:
        float64, shape (p, 4), `columns.TRANSLATIONS`: the share of the left words that the right ones
        translate, the other way round, and both among words that are known from other matches (-1 where
        none is).
    """
    table = _Table.learned(left, right, matches)
    found = by_pieces(left, right, i, j, partial(table.judge, left, right))
    return found.reshape(len(i), len(TRANSLATIONS))


def suggested(
    left: Tokens, right: Tokens, matches: Matches, most: int, blocks: Sequence[tuple[Ints, Ints]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The right rows that a translation of each left row, word by word, is most alike.

    Args:
        left: the n left texts.
        right: the right texts.
        matches: what the words are learned from.
        most: how many a left row, at most; those that share no word are left out.
        blocks: the rows of both sides that may be paired with each other.

    Returns:
        int64, shape (p,): left rows, and right rows.
    """
    table = _Table.learned(left, right, matches)
    heads, tails = np.divmod(table.keys, len(right.words))
    given = table.counts / (table.left[heads] + _DOUBT)
    told = given > _TOLD
    words = sparse.csr_matrix(
        (given[told], (heads[told], tails[told])), shape=(len(left.words), len(right.words))
    )
    given_words, found = normalize(left.bags @ words), [(np.empty(0, np.int64),) * 2]
    for own, other in blocks:
        i, j = best_of_rows(given_words[own], right.bags[other], most)
        found.append((own[i], other[j]))
    i, j = (np.concatenate(ends) for ends in zip(*found, strict=True))
    return i, j


@dataclass(frozen=True)
class _Table:
    """Expected counts of word pairs, and what each match contributed to them.

    Attributes:
        keys: int64, ascending: left word * right words + right word.
        counts: float64, one a key.
        left: float64: how often each left word is linked; right: the same.
        place: int64, shape (n,): which row of `own` a left row has, -1 for none.
        own: float64, shape (matches, 16, 16): its part in the counts.
        matched: int64, shape (n,): the right row it was matched with.
    """

    keys: NDArray[np.int64]
    counts: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    place: NDArray[np.int64]
    own: NDArray[np.float64]
    matched: NDArray[np.int64]

    @classmethod
    def learned(cls, left: Tokens, right: Tokens, matches: Matches) -> _Table:
        used = np.flatnonzero((matches.right >= 0) & (matches.likely > _LEAST))
        a, b = left.held(used), right.held(matches.right[used])
        there = (a >= 0)[:, :, None] & (b >= 0)[:, None, :]
        keys, key = np.unique((a[:, :, None] * len(right.words) + b[:, None, :])[there], return_inverse=True)
        heads = keys // max(len(right.words), 1)
        share = np.broadcast_to(matches.likely[used][:, None, None], there.shape)
        own = np.where(there, share, 0.0)
        counts = np.bincount(key, own[there], minlength=len(keys))
        for _ in range(_ROUNDS):
            total = np.bincount(heads, counts, minlength=len(left.words))
            given = np.zeros(there.shape)
            given[there] = (counts / np.maximum(total[heads], 1e-12))[key]
            own = share * given / np.maximum(given.sum(axis=1, keepdims=True), 1e-12)
            counts = np.bincount(key, own[there], minlength=len(keys))
        whole = np.zeros((len(used), MOST_WORDS, MOST_WORDS))
        whole[:, : a.shape[1], : b.shape[1]] = own
        place = np.full(len(left.rows), -1, np.int64)
        place[used] = np.arange(len(used))
        linked = np.bincount(heads, counts, minlength=len(left.words))
        tails = np.bincount(keys % max(len(right.words), 1), counts, minlength=len(right.words))
        heads_linked, tails_linked = linked.astype(np.float64), tails.astype(np.float64)
        return cls(keys, counts.astype(np.float64), heads_linked, tails_linked, place, whole, matches.right)

    def judge(
        self, left: Tokens, right: Tokens, i: NDArray[np.int64], j: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """See `translated`; words come before pairs, so that what is done word by word runs along pairs."""
        a, b = left.held(i), right.held(j)
        there = (a.T >= 0)[:, None] & (b.T >= 0)[None]
        counts = np.where(there, self._count(a, b), 0.0)
        heads, tails = self.left[a], self.right[b]
        mine = np.flatnonzero((self.place[i] >= 0) & (self.matched[i] == j))
        if len(mine):
            own = self.own[self.place[i[mine]], : a.shape[1], : b.shape[1]]
            counts[:, :, mine] = np.maximum(counts[:, :, mine] - own.transpose(1, 2, 0), 0.0)
            heads[mine] = np.maximum(heads[mine] - own.sum(axis=2), 0.0)
            tails[mine] = np.maximum(tails[mine] - own.sum(axis=1), 0.0)
        forth = (counts / (heads.T[:, None] + _DOUBT)).max(axis=1).T.copy()
        back = (counts / (tails.T[None] + _DOUBT)).max(axis=0).T.copy()
        of_left, of_right = left.weights(a), right.weights(b)
        return np.column_stack(
            [
                _share(forth, of_left, 0.0),
                _share(back, of_right, 0.0),
                _share(forth, of_left * (heads > _KNOWN), -1.0),
                _share(back, of_right * (tails > _KNOWN), -1.0),
            ]
        )

    @cached_property
    def _by_word(self) -> sparse.csr_matrix:
        """The counts, left words x right words."""
        shape = len(self.left), len(self.right)
        return sparse.csr_matrix((self.counts, np.divmod(self.keys, max(shape[1], 1))), shape=shape)

    def _count(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
        """The count of every left word of a pair with every right one, (v, w, p), from (p, v) and (p, w)."""
        own, place_a = distinct(a, len(self.left))
        other, place_b = distinct(b, len(self.right))
        near: NDArray[np.float64] = self._by_word[own][:, other].toarray()
        return near[place_a.T[:, None], place_b.T[None]]


def _share(
    values: NDArray[np.float64], weights: NDArray[np.float64], empty: float
) -> NDArray[np.float64]:  # fmt: skip
    """Weighted mean of each row; `empty` where no weight is."""
    total = weights.sum(axis=1)
    return np.where(total > 0, (values * weights).sum(axis=1) / np.where(total > 0, total, 1.0), empty)
