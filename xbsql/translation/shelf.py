"""Texts with vectors, to find what means the same: a memory of pairs, a catalogue's phrases."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql import kernels
from xbsql.store.model import State, restorable
from xbsql.translation.words import is_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from xbsql.translation.words import Words

    Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

MOST_PHRASES: Final = 12_000
MOST_WORDS: Final = 8_000
LONGEST: Final = 3
LEAST: Final = 3


@restorable("translation_shelf")
@dataclass(frozen=True)
class Shelf:
    """Texts and what they mean.

    Attributes:
        texts: n of them.
        others: their translations, or nothing.
        vectors: float32, shape (n, d), of length one.
    """

    texts: tuple[str, ...]
    others: tuple[str, ...]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, texts: Sequence[str], others: Sequence[str], encode: Encode) -> Self:
        """Encode texts."""
        return cls(tuple(texts), tuple(others), encode(texts))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: NDArray[np.bool_]) -> Shelf:
        """Some of the texts."""
        kept = np.flatnonzero(rows).tolist()
        others = tuple(self.others[i] for i in kept) if self.others else ()
        return Shelf(tuple(self.texts[i] for i in kept), others, self.vectors[rows])

    def nearest(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Similarities and places of the nearest texts, (m, min(k, n)) each, the nearest first."""
        if not len(self) or not len(vectors):
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        score, place = kernels.topk(vectors, self.vectors, min(k, len(self)))
        return np.asarray(score), np.asarray(place)

    def state(self) -> State:
        """The shelf as data; vectors with eleven bits."""
        texts = {"texts": _listed(self.texts), "others": _listed(self.others)}
        return State("translation_shelf", {}, {"vectors": self.vectors.astype(np.float16)}, texts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The shelf again."""
        texts, others = (tuple(json.loads(state.texts[name])) for name in ("texts", "others"))
        return cls(texts, others, state.arrays["vectors"].astype(np.float32))


def _listed(texts: Sequence[str]) -> str:
    """Texts, which may have line ends, as one."""
    return json.dumps(list(texts), ensure_ascii=False)


def phrases_of(titles: Iterable[Words]) -> list[str]:
    """The phrases of up to three words that titles use at least three times, the most frequent first.

    Returns:
        Forms joined by blanks.
    """
    counts: Counter[str] = Counter()
    for title in titles:
        forms = [form if is_word(form) and not re.search("\uffed", form) else "" for form in title.forms]
        for size in range(1, LONGEST + 1):
            for begin in range(len(forms) - size + 1):
                if all(forms[begin : begin + size]):
                    counts[" ".join(forms[begin : begin + size])] += 1
    return [phrase for phrase, often in counts.most_common(MOST_PHRASES) if often >= LEAST]


def words_of(texts: Iterable[Sequence[str]]) -> list[str]:
    """The words that texts use most."""
    counts = Counter(form for text in texts for form in text if is_word(form) and len(form) > 2)
    return [form for form, often in counts.most_common(MOST_WORDS) if often > 1 and "\uffed" not in form]
