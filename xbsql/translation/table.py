"""A phrase table: what each source phrase may become, and how likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.store.model import State, restorable
from xbsql.translation.words import FIXED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from xbsql.translation.alignment import Side
    from xbsql.translation.lexicon import Lexicon
    from xbsql.translation.phrases import Cut

    Floats = NDArray[np.float64]

MOST: Final = 12
"""Translations of a phrase that are kept."""
DOUBT: Final = 0.3
"""Of an occurrence: a phrase seen once proves little."""
LEAST_SHARE: Final = 0.01
UNKNOWN: Final = 1e-4
"""Probability of a word pair that no lexicon knows."""


class Entry(NamedTuple):
    """One translation of a phrase.

    Attributes:
        target: its forms.
        forth: probability of the target given the source.
        back: of the source given the target.
        lexical: mean log probability of the target words given the source words.
        seen: how often the source phrase was seen.
    """

    target: tuple[str, ...]
    forth: float
    back: float
    lexical: float
    seen: float


@restorable("phrase_table")
@dataclass(frozen=True)
class PhraseTable:
    """Phrases with their translations.

    Attributes:
        sources: source phrase, forms joined by blanks -> where its translations begin and end.
        targets: the translations, forms joined by blanks.
        scores: float32, shape (translations, 4): see `Entry`.
    """

    sources: Mapping[str, tuple[int, int]]
    targets: tuple[str, ...]
    scores: NDArray[np.float32]

    @classmethod
    def counted(
        cls, left: Side, right: Side, phrases: Cut, weight: Floats, lexicon: Lexicon, least: float = 0.0
    ) -> Self:
        """Count phrase pairs.

        Args:
            left: source texts.
            right: target texts.
            phrases: cut from them.
            weight: float64, of each occurrence; 0 leaves it out.
            lexicon: source word -> target words.
            least: occurrences of a phrase pair, below which only single words are kept.
        """
        own, other = _spans(left, phrases.source, phrases.size), _spans(right, phrases.target, phrases.width)
        count_left, count_right = np.bincount(own, weight), np.bincount(other, weight)
        width = len(count_right)
        keys, first, key = np.unique(own * width + other, return_index=True, return_inverse=True)
        counts = np.bincount(key, weight)
        head, tail = np.divmod(keys, width)
        share = counts / np.maximum(count_left[head] + DOUBT, 1e-9)
        kept = (counts > 0) & (share >= LEAST_SHARE) & ((counts >= least) | (phrases.size[first] == 1))
        order = np.flatnonzero(kept)
        order = order[np.lexsort((first[order], -counts[order], head[order]))]
        rank = np.arange(len(order)) - np.searchsorted(head[order], head[order])
        order = order[rank < MOST]
        names_left, names_right = (
            _texts(left, phrases.source, phrases.size),
            _texts(right, phrases.target, phrases.width),
        )
        sources: dict[str, tuple[int, int]] = {}
        targets: list[str] = []
        rows: list[tuple[float, ...]] = []
        for place in order.tolist():
            source, target = names_left(int(first[place])), names_right(int(first[place]))
            if source.count(FIXED) != target.count(FIXED):
                continue
            begin, end = sources.get(source, (len(targets), len(targets)))
            sources[source] = (begin, end + 1)
            targets.append(target)
            back = counts[place] / (count_right[tail[place]] + DOUBT)
            rows.append((share[place], back, _lexical(source, target, lexicon), count_left[head[place]]))
        return cls(sources, tuple(targets), np.array(rows, np.float32).reshape(-1, 4))

    def entries(self, source: str) -> Iterator[Entry]:
        """The translations of a phrase, the likeliest first; none where it is not known."""
        begin, end = self.sources.get(source, (0, 0))
        for target, row in zip(self.targets[begin:end], self.scores[begin:end].tolist(), strict=True):
            yield Entry(tuple(target.split(" ")), *row)

    def state(self) -> State:
        """The table as data."""
        lengths = np.array([end - begin for begin, end in self.sources.values()], np.int32)
        texts = {"sources": "\n".join(self.sources), "targets": "\n".join(self.targets)}
        return State("phrase_table", arrays={"scores": self.scores, "lengths": lengths}, texts=texts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The table again."""
        lengths = np.asarray(state.arrays["lengths"], np.int64)
        ends = np.cumsum(lengths)
        begins = (ends - lengths).tolist()
        names = state.texts["sources"].split("\n") if len(ends) else []
        sources = dict(zip(names, zip(begins, ends.tolist(), strict=True), strict=True))
        targets = tuple(state.texts["targets"].split("\n")) if len(ends) else ()
        return cls(sources, targets, np.asarray(state.arrays["scores"], np.float32))


def _spans(side: Side, begin: NDArray[np.int32], size: NDArray[np.int32]) -> NDArray[np.int64]:
    """A number for each span, the same for equal words."""
    found = np.zeros(len(begin), np.int64)
    for step in range(int(size.max(initial=0))):
        inside = size > step
        word = np.where(inside, side.ids[np.minimum(begin + step, len(side.ids) - 1)] + 1, 0)
        found = np.unique(found * (len(side.words) + 1) + word, return_inverse=True)[1]
    return found


def _texts(side: Side, begin: NDArray[np.int32], size: NDArray[np.int32]) -> Callable[[int], str]:
    """A function from the number of a span to its text."""

    def text(place: int) -> str:
        start = int(begin[place])
        return " ".join(side.words[word] for word in side.ids[start : start + int(size[place])].tolist())

    return text


def _lexical(source: str, target: str, lexicon: Lexicon) -> float:
    own, other = source.split(" "), target.split(" ")
    total = 0.0
    for word in other:
        near = sum(lexicon.table.get(head, {}).get(word, 0.0) for head in own) / len(own)
        total += float(np.log(max(near, UNKNOWN)))
    return total / len(other)
