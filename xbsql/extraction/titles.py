"""Titles as words: where each begins and ends, what it looks like, and hashes that stand for it."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

READ: Final = 2000
"""Characters of a title that are read."""

MOST_WORDS: Final = 256
"""Words of a title that are read."""

LONGEST: Final = 10
"""Words that a value can have."""

CUTS: Final = (1, 2, 3)
"""Letters at the end of a word that a value may leave out: 'Print' is said by 'Printed', 'Men' by 'Mens'."""

CUT_WORDS: Final = 2
"""Words of a value whose last one is cut."""

LAYERS: Final = (
    *((words, 0) for words in range(1, LONGEST + 1)),
    *((words, cut) for cut in CUTS for words in range(1, CUT_WORDS + 1)),
)
"""The kinds of runs that may be a value: how many words, and letters that the last of them loses."""

_LEAST_LEFT: Final = 3

BASE: Final = np.uint64(0x9E3779B97F4A7C15)

_CJK = r"\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
_MARKS = r"\u0300-\u036f\u064b-\u0655\u0670\u0900-\u0903\u093a-\u094d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_TAG: Final = r"</?[A-Za-z][^<>]{0,500}>|&lt;/?[A-Za-z](?:(?!&[lg]t;)[^<>]){0,500}&gt;"
_MARKUP: Final = re.compile(rf"{_TAG}|(&#?\w{{1,31}};)")
_WORD: Final = re.compile(
    rf"{_TAG}|"
    r"&#?\w{1,31};|\d+(?:[.,]\d+)*|[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]+"
    rf"|(?:[^\W\d_{_CJK}][{_MARKS}]*)+|[^\s\d]|\d"
)
_RUNS: Final = ((re.compile(r"\d+"), "9"), (re.compile(r"[A-Z]+"), "A"), (re.compile(r"[a-z]+"), "a"))


class Word(NamedTuple):
    """What a word is known by.

    Attributes:
        hashes: of its normal form, shape, first and last three letters, and of what is left of it without its
            last one, two and three letters (0 where that is hardly a word).
        kind: bits: 1 a digit in it, 2 no letter or digit, 4 first letter large, 8 all letters large.
    """

    hashes: tuple[int, ...]
    kind: int


DIGIT, SIGN, CAPITAL, CAPITALS = 1, 2, 4, 8
_STEMS: Final = 4
_HASHES: Final = _STEMS + len(CUTS)


def hashed(text: str) -> int:
    """A number that stands for a text: BLAKE2b, 8 bytes; never 0, which stands for nothing."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def plain(text: str) -> str:
    """A word or value in the form in which it is compared: entities, width and case do not count."""
    if "&" in text:
        text = html.unescape(text)
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower().replace("\u2019", "'")


@lru_cache(maxsize=200_000)
def _word(raw: str) -> Word:
    text, shape = plain(raw), raw
    for runs, sign in _RUNS:
        shape = runs.sub(sign, shape)
    digit = any(each.isdigit() for each in raw)
    silent = _is_markup(raw) or not any(each.isalnum() for each in text)
    kind = DIGIT * digit + SIGN * silent + CAPITAL * raw[:1].isupper() + CAPITALS * raw.isupper()
    stems = [
        text[:-cut] if text.isalpha() and "&" not in raw and len(text) - cut >= _LEAST_LEFT else ""
        for cut in CUTS
    ]
    cut = [hashed(stem) if stem else 0 for stem in stems]
    return Word((hashed(text), hashed(shape), hashed(text[:3]), hashed(text[-3:]), *cut), kind)


def _is_markup(raw: str) -> bool:
    """Whether a word is a tag, or an entity that stands for no letter or digit."""
    found = _MARKUP.fullmatch(raw)
    return found is not None and not (found[1] and html.unescape(raw).isalnum())


def _cut(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end; an entity that is a letter is part of the word beside it."""
    found: list[tuple[int, int]] = []
    for match in _WORD.finditer(text, 0, READ):
        begin, end = match.span()
        if found and found[-1][1] == begin:
            before = text[found[-1][0] : begin]
            whole = html.unescape(before), html.unescape(match[0])
            if (before[-1] == ";" or match[0][0] == "&") and all(map(str.isalnum, whole)):
                found[-1] = (found[-1][0], end)
                continue
        if len(found) == MOST_WORDS:
            break
        found.append((begin, end))
    return found


@dataclass(frozen=True)
class Titles:
    """The words of n titles, one behind the other; T words in all.

    Attributes:
        texts: the titles as they are written.
        group: of each title, a hash of what it is sold as (its category); 1 where nobody says; (n,).
        first: int64 (n + 1,): where each title's words begin.
        start: int64 (T,): the character that a word begins with.
        stop: int64 (T,): the character behind it.
        hashes: uint64 (T, 7), see `Word`.
        kind: uint8 (T,), see `Word`.
    """

    texts: Sequence[str]
    group: Hashes
    first: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    hashes: Hashes
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each title."""
        return np.diff(self.first)

    @property
    def owner(self) -> NDArray[np.int64]:
        """The title of each word."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def take(self, rows: NDArray[np.int64]) -> Titles:
        """Some titles, in this order."""
        lengths = self.lengths[rows]
        first = np.concatenate([[0], np.cumsum(lengths)])
        words = np.repeat(self.first[rows] - first[:-1], lengths) + np.arange(first[-1])
        texts = [self.texts[row] for row in rows.tolist()]
        return Titles(
            texts, self.group[rows], first, self.start[words], self.stop[words], self.hashes[words],
            self.kind[words],
        )  # fmt: skip

    def stacked(self, other: Titles) -> Titles:
        """These titles and others behind them."""
        return Titles(
            [*self.texts, *other.texts],
            np.concatenate([self.group, other.group]),
            np.concatenate([self.first, other.first[1:] + self.first[-1]]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.stop, other.stop]),
            np.concatenate([self.hashes, other.hashes]),
            np.concatenate([self.kind, other.kind]),
        )


def titles_of(texts: Sequence[str], groups: Sequence[str] | None = None) -> Titles:
    """Read titles.

    Args:
        texts: as they are written; of each the first 2,000 characters and 256 words count.
        groups: what each is sold as, or None.
    """
    first, start, stop, hashes, kind = [0], [], [], [], []
    for text in texts:
        for begin, end in _cut(text):
            word = _word(text[begin:end])
            start.append(begin)
            stop.append(end)
            hashes.append(word.hashes)
            kind.append(word.kind)
        first.append(len(start))
    group = [1] * len(texts) if groups is None else [hashed(plain(name)) for name in groups]
    return Titles(
        texts, np.array(group, np.uint64), np.array(first, np.int64), np.array(start, np.int64),
        np.array(stop, np.int64), np.array(hashes, np.uint64).reshape(-1, _HASHES), np.array(kind, np.uint8),
    )  # fmt: skip


def joined(hashes: Hashes) -> int:
    """A number that stands for a run of words, by their first hashes."""
    total = 0
    for each in hashes.tolist():
        total = (total * int(BASE) + each) & 0xFFFFFFFFFFFFFFFF
    return total


def runs(titles: Titles) -> Hashes:
    """The number of every run of words, as `joined` gives it.

    Returns:
        uint64 (len(LAYERS), T): of the runs that begin at each word; 0 where there is none.
    """
    word, total = titles.hashes[:, 0], len(titles.kind)
    left = titles.first[1:][titles.owner] - np.arange(total)
    found = np.zeros((len(LAYERS), total), np.uint64)
    for layer, (words, cut) in enumerate(LAYERS):
        there = np.flatnonzero(left >= words)
        end = there + words - 1
        last = titles.hashes[end, _STEMS + cut - 1] if cut else word[end]
        before = found[words - 2, there] * BASE if words > 1 else np.uint64(0)
        found[layer, there] = np.where(last > 0, before + last, 0)
    return found
