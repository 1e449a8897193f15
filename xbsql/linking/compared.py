"""What two descriptions of products say of each other: columns that a scorer of pairs is fitted on.

Words count by how rare they are (tf-idf); 'behind' columns say how far a pair stands behind the best that
either row has in the other catalogue, because one product is sold once. Codes are words with digits, without
punctuation: 'KX-TG9344T' and 'kxtg9344t' are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from xbsql.features.ngrams import Ngrams, folded
from xbsql.harmonise.blank import core
from xbsql.linking.gtin import gtin, piece
from xbsql.matching.blank import is_blank
from xbsql.matching.neighbours import rowwise
from xbsql.matching.stated import Stated
from xbsql.matching.stated import compared as stated_compared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.linking.graph import Floats, Ints

_WORD: Final = re.compile(r"[^\W_]+(?:[-/.'][^\W_]+)*")
_PART: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
_SHORTEST_CODE: Final = 3
_HELD: Final = 512  # rows whose products with all others are held at a time


@dataclass(frozen=True)
class Bags:
    """The words of the rows of both sides, by how rare they are.

    Attributes:
        left: csr, shape (n, v): the worth of each word that a row has.
        right: csr, shape (m, v).
    """

    left: sparse.csr_matrix
    right: sparse.csr_matrix

    @classmethod
    def of(cls, left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]) -> Bags:
        """Count words; a word of one row of each side is worth most."""
        places: dict[str, int] = {}
        rows, columns = [], []
        for row, words in enumerate([*left, *right]):
            for word in sorted(words):
                rows.append(row)
                columns.append(places.setdefault(word, len(places)))
        count = len(left) + len(right)
        held = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, max(len(places), 1)))
        worth = np.log((1 + count) / (1 + np.asarray(held.sum(axis=0)).ravel())) + 1
        held = (held @ sparse.diags(worth)).tocsr()
        return cls(held[: len(left)], held[len(left) :])

    def compared(self, i: Ints, j: Ints) -> Floats:
        """Shared worth over all, over the left row's and over the right row's, float64, shape (p, 3)."""
        a, b = self.left, self.right
        both = rowwise(len(i), lambda s: np.asarray(a[i[s]].minimum(b[j[s]]).sum(axis=1)).ravel())
        own, other = (np.asarray(side.sum(axis=1)).ravel() for side in (a, b))
        parts = own[i] + other[j] - both, own[i], other[j]
        return np.column_stack(
            [np.divide(both, part, out=np.full(len(i), np.nan), where=part > 0) for part in parts]
        )

    def rarest(self, i: Ints, j: Ints) -> Floats:
        """The greatest worth of a word of both, of the left row alone, of the right alone; shape (p, 3)."""
        found = []
        for start in range(0, len(i), 20_000):
            a, b = self.left[i[start : start + 20_000]], self.right[j[start : start + 20_000]]
            both = a.minimum(b)
            parts = both, a - both, b - both
            found.append(np.column_stack([part.max(axis=1).toarray().ravel() for part in parts]))
        return np.concatenate(found) if found else np.empty((0, 3))

    def behind(self, i: Ints, j: Ints) -> Floats:
        """How far the cosine stands behind the best of the left row and of the right row; shape (p, 2)."""
        a, b = normalize(self.left), normalize(self.right)
        cosine = rowwise(len(i), lambda s: np.asarray(a[i[s]].multiply(b[j[s]]).sum(axis=1)).ravel())
        best = [np.zeros(a.shape[0]), np.zeros(b.shape[0])]
        turned = b.T.tocsr()
        for start in range(0, a.shape[0], _HELD):
            near = (a[start : start + _HELD] @ turned).toarray()
            if near.size:
                best[0][start : start + _HELD] = near.max(axis=1)
                np.maximum(best[1], near.max(axis=0), out=best[1])
        return np.column_stack([best[0][i] - cosine, best[1][j] - cosine])


def compared(
    left: Mapping[str, Sequence[object]],
    right: Mapping[str, Sequence[object]],
    i: Ints,
    j: Ints,
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
) -> Floats:
    """All of `pair_columns.COLUMNS` for pairs.

    Args:
        left: field of `pair_columns.FIELDS` -> n values, None where there is none: str, the price a number.
        right: the same of m rows.
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.
        encode: texts -> float32 vectors of length one.

    Returns:
        float64, shape (p, 32), NaN where either row says nothing.
    """
    sides = left, right
    texts = [_texts(side, ("text",)) for side in sides]
    whole = [_texts(side, ("text", "description", "brand", "model")) for side in sides]
    text, every = (Bags.of(*([_words(each) for each in side] for side in both)) for both in (texts, whole))
    crossed = _crossed(texts, whole)
    codes = Bags.of(*([_codes(each) for each in side] for side in whole))
    own, theirs = (Stated.of(side) for side in texts)
    lengths = [np.array([max(len(each), 1) for each in side]) for side in texts]
    columns = [
        _cosine(encode, texts, i, j),
        _spelling(texts, i, j),
        text.compared(i, j),
        text.rarest(i, j),
        text.behind(i, j),
        _cosine(encode, whole, i, j),
        every.compared(i, j)[:, 0],
        crossed[0].compared(i, j)[:, 1],
        crossed[1].compared(i, j)[:, 2],
        every.behind(i, j),
        codes.compared(i, j),
        _pairwise(texts, i, j, _codes_alike),
        _pairwise(texts, i, j, _numbers_alike),
        stated_compared(own, theirs, i, j),
        np.log(lengths[0][i] / lengths[1][j]),
        _named(left, right, "brand", i, j),
        _named(left, right, "model", i, j),
        _cosine(encode, [_texts(side, ("category",)) for side in sides], i, j),
        _gtins(left, right, i, j),
        _prices(left, right, i, j),
    ]
    return np.column_stack(columns)


def _texts(side: Mapping[str, Sequence[object]], fields: Sequence[str]) -> list[str]:
    """The texts of some fields together; placeholders are left out."""
    parts = [side[name] for name in fields if name in side]
    count = len(next(iter(side.values()), ()))
    if not parts:
        return [""] * count
    return [
        " ".join(str(value) for value in row if value is not None and not is_blank(str(value)))
        for row in zip(*parts, strict=True)
    ]


def _words(text: str) -> frozenset[str]:
    return frozenset(_PART.findall(folded(text)))


def _codes(text: str) -> frozenset[str]:
    """Words with a digit among at least three letters and digits, without punctuation."""
    found = (re.sub(r"[\W_]+", "", word) for word in _WORD.findall(folded(text)))
    return frozenset(w for w in found if len(w) >= _SHORTEST_CODE and any(c.isdigit() for c in w))


def _crossed(texts: Sequence[Sequence[str]], whole: Sequence[Sequence[str]]) -> tuple[Bags, Bags]:
    """The words of one side's text against all words of the other side, both ways round."""
    words = [[_words(each) for each in side] for side in (*texts, *whole)]
    return Bags.of(words[0], words[3]), Bags.of(words[2], words[1])


def _cosine(
    encode: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[Sequence[str]], i: Ints, j: Ints
) -> Floats:
    if not any(texts[0]) or not any(texts[1]):
        return np.full(len(i), np.nan)
    a, b = (encode(list(side)) for side in texts)
    there = [np.array([bool(each) for each in side]) for side in texts]
    found = rowwise(len(i), lambda s: np.einsum("pd,pd->p", a[i[s]], b[j[s]]))
    return np.where(there[0][i] & there[1][j], found, np.nan)


def _spelling(texts: Sequence[Sequence[str]], i: Ints, j: Ints) -> Floats:
    found = Ngrams.fit_transform([*texts[0], *texts[1]])[1]
    a, b = found[: len(texts[0])], found[len(texts[0]) :]
    return rowwise(len(i), lambda s: np.asarray(a[i[s]].multiply(b[j[s]]).sum(axis=1)).ravel())


def _pairwise(
    texts: Sequence[Sequence[str]], i: Ints, j: Ints, alike: Callable[[str, str], float]
) -> Floats:  # fmt: skip
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    return np.array([alike(texts[0][a], texts[1][b]) for a, b in pairs], np.float64)


def _codes_alike(left: str, right: str) -> float:
    """The longest beginning that two codes share, over the longer of them; NaN where a text has none."""
    own, other = _codes(left), _codes(right)
    if not own or not other:
        return np.nan
    return max(_beginning(a, b) / max(len(a), len(b)) for a in own for b in other)


def _beginning(a: str, b: str) -> int:
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _numbers_alike(left: str, right: str) -> float:
    """Numbers of both over numbers of either; NaN where neither has any."""
    a, b = set(_NUMBER.findall(left)), set(_NUMBER.findall(right))
    return len(a & b) / len(a | b) if a | b else np.nan


def _named(
    left: Mapping[str, Sequence[object]], right: Mapping[str, Sequence[object]], name: str, i: Ints, j: Ints
) -> Floats:
    """Whether both name the same, and whether either's name is a part of what the other one tells."""
    named = [[core(each) for each in _texts(side, (name,))] for side in (left, right)]
    told = [[core(each) for each in _texts(side, ("text", "description", name))] for side in (left, right)]
    found = np.full((len(i), 2), np.nan)
    for place, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        own, other = (side[row] if side else "" for side, row in zip(named, (a, b), strict=True))
        if own and other:
            found[place, 0] = own == other
        if own or other:
            found[place, 1] = (bool(own) and own in told[1][b]) or (bool(other) and other in told[0][a])
    return found


def _gtins(
    left: Mapping[str, Sequence[object]], right: Mapping[str, Sequence[object]], i: Ints, j: Ints
) -> Floats:
    """1 for one number, 0 for another pack of one piece, -1 for another; NaN where either has none."""
    if "gtin" not in left or "gtin" not in right:
        return np.full(len(i), np.nan)
    own, other = ([gtin(None if v is None else str(v)) for v in side["gtin"]] for side in (left, right))
    found = np.full(len(i), np.nan)
    for place, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        x, y = own[a], other[b]
        if x is not None and y is not None:
            found[place] = 1.0 if x == y else 0.0 if piece(x) == piece(y) else -1.0
    return found


def _prices(
    left: Mapping[str, Sequence[object]], right: Mapping[str, Sequence[object]], i: Ints, j: Ints
) -> Floats:
    """|ln(price / price)| and ln(price / price), shape (p, 2)."""
    if "price" not in left or "price" not in right:
        return np.full((len(i), 2), np.nan)
    logs = []
    for side in (left, right):
        price = np.array([np.nan if v is None else float(v) for v in side["price"]], np.float64)  # type: ignore[arg-type]
        logs.append(np.log(np.where((price > 0) & np.isfinite(price), price, np.nan)))
    ratio = logs[0][i] - logs[1][j]
    return np.column_stack([np.abs(ratio), ratio])
