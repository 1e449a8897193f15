"""A text as what is translated and what is not: markup, blanks and line ends stay, long texts come apart."""

from __future__ import annotations

import html
import re
from typing import Final, NamedTuple

from xbsql.translation.words import plain, split

MOST_WORDS: Final = 24
"""Words of a piece, from which on a text is taken apart."""

MOST_LETTERS: Final = 200
"""Characters of a word; a longer one is no word of a language and is copied."""

_TAG: Final = r"</?[A-Za-z][^<>]*>|&lt;/?[A-Za-z](?:(?!&[lg]t;)[^<>]){0,2000}&gt;"
"""A tag of HTML, also one of HTML in HTML, as feeds have it."""
_MARKUP: Final = re.compile(rf"(<!--.*?-->|{_TAG}|[\r\n]+|\s{{0,64}}[|\u2022]\s*)", re.DOTALL)
_UNSPACED: Final = (
    r"\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
)
_LONG: Final = re.compile(rf"([^\s,;{_UNSPACED}]{{{MOST_LETTERS + 1},}})")
_SENTENCE: Final = re.compile(r"(?<=[.!?;:])(\s+)|(?<=[\u3002\uff01\uff1f\uff1b])()")
_COMMA: Final = re.compile(r"(?<=[,\u3001\uff0c])(?!(?<=\d.)\d)(\s*)")
"""Behind a comma that is not inside a number."""
_LETTER: Final = re.compile(r"[^\W\d_]")


class Piece(NamedTuple):
    """A part of a text.

    Attributes:
        text: it, as written.
        speaks: whether it is to be translated.
        escaped: whether it was HTML, in which some characters are written as entities.
    """

    text: str
    speaks: bool
    escaped: bool = False


def pieces(text: str) -> list[Piece]:
    """The parts of a text; joined as written they are the text."""
    escaped = bool(re.search(r"</?[A-Za-z][^<>]*>", text)) or "&amp;" in text or "&lt;" in text
    found: list[Piece] = []
    for place, part in enumerate(_MARKUP.split(text)):
        if place % 2:
            found.append(Piece(part, False))
        elif part:
            found += _spoken(part, escaped)
    return found


def _spoken(text: str, escaped: bool) -> list[Piece]:
    """A text without markup: words that are too long stay as they are."""
    found: list[Piece] = []
    for place, part in enumerate(_LONG.split(text)):
        if place % 2:
            found.append(Piece(part, False))
        elif part:
            for inner in _parts(part, (_SENTENCE, _COMMA, re.compile(r"(\s+)"))):
                found += _stripped(inner, escaped)
    return found


def _parts(text: str, ways: tuple[re.Pattern[str], ...]) -> list[str]:
    """A text in parts of at most `MOST_WORDS` words: by sentences, by commas, by blanks, by signs."""
    size = len(split(plain(text)))
    if size <= MOST_WORDS:
        return [text]
    if not ways:
        step = max(len(text) * MOST_WORDS // size // 2, 1)
        return [text[i : i + step] for i in range(0, len(text), step)]
    cuts = [match.start() for match in ways[0].finditer(text)]
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if b > a]
    found: list[str] = []
    for part in parts:
        if found and len(split(plain(found[-1] + part))) <= MOST_WORDS and ways[0] is not _SENTENCE:
            found[-1] += part
        elif len(split(plain(part))) <= MOST_WORDS:
            found.append(part)
        else:
            found += _parts(part, ways[1:])
    return found


def _stripped(text: str, escaped: bool) -> list[Piece]:
    bare = text.strip()
    if not bare or not _LETTER.search(bare):
        return [Piece(text, False)]
    begin = text.index(bare)
    parts = [Piece(text[:begin], False), Piece(bare, True, escaped), Piece(text[begin + len(bare) :], False)]
    return [part for part in parts if part.text]


def written(text: str, piece: Piece) -> str:
    """A translation as it stands in the place of its piece."""
    return html.escape(text, quote=False) if piece.escaped else text
