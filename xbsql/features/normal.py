"""Texts in one spelling before anything reads them: what a reader cannot see does not count.

Everything that looks into texts calls `normal`. Case carries meaning for the encoder alone (n-grams and full
text fold it), so `Encoder.normal` takes texts out of capitals on top.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LAYERS: Final = 4  # of HTML in HTML that are taken off: '&amp;amp;lt;' has three

# Unicode's default-ignorable code points (soft hyphen, joiners, marks of direction, variation selectors ...)
# and control characters.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_BLANK: Final = re.compile(r"[^\S ]")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_FIGURE: Final = re.compile(r"\d")
_SMALL_WORD: Final = re.compile("[a-z]{3}")
_BESIDE: Final = re.compile(r"\b[a-z]{1,2}\b|[\u00df\u00aa\u00ba]")  # cm; signs that have no capital
_SHORT: Final = 4  # letters of a word that may be an acronym


def normal(text: str) -> str:
    """A text without what nobody sees: one spelling for texts that look alike.

    HTML entities become their characters, invisible characters (soft hyphens, zero-width characters, marks of
    direction, variation selectors, controls) go, every blank is a space, letters and their marks are composed
    (NFC). A text without such things is returned as it is.
    """
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    if "&" in text:
        text = _unescaped(text)
    return unicodedata.normalize("NFC", _BLANK.sub(" ", _UNSEEN.sub("", text)))


def in_capitals(text: str) -> bool:
    """Whether all words of a text are in capitals, in a script that has small letters.

    Words with figures ('4x250g') and small ones of up to two letters ('cm') do not count.
    """
    if _SMALL_WORD.search(text) or text == text.lower():
        return False
    if not text.isupper():
        text = _BESIDE.sub("", " ".join(part for part in text.split() if not _FIGURE.search(part)))
    return text.isupper() and all(sign.isupper() for sign in text if sign.isalpha())


def out_of_capitals(text: str, likeliest: Callable[[Sequence[str]], str]) -> str:
    """A text that is `in_capitals` in small letters, with the capitals that its words usually have.

    Of its small form, its form with a first capital and, up to four letters, its capitals ('USB'), each word
    takes the likeliest; the first word of a text is never small. Words with figures ('WH-1000XM4') stay.

    Args:
        text: any.
        likeliest: of several spellings of a word the one that is met most.
    """
    parts, first = text.split(" "), True
    for place, part in enumerate(parts):
        if _WORD.search(part) and not _FIGURE.search(part):
            parts[place] = _cased(part, likeliest, first=first)
            first = False
    return " ".join(parts)


def uncased(name: str) -> str:
    """A name as it is compared where case and blanks do not count."""
    return " ".join(name.split()).casefold()


def _cased(part: str, likeliest: Callable[[Sequence[str]], str], *, first: bool) -> str:
    """The words of a part without a blank; `first` says that it starts the text."""
    found = _WORD.search(part)
    start = found.start() if found and first else -1
    return _WORD.sub(lambda word: _form(word[0], likeliest, small=word.start() != start), part)


def _form(word: str, likeliest: Callable[[Sequence[str]], str], *, small: bool) -> str:
    if not word.isupper():
        return word
    lower = [word.lower().replace("i\u0307", "i")]
    if "I" in word:
        lower.append(word.replace("I", "\u0131").lower().replace("i\u0307", "i"))  # as Turkish has it
    forms = [word[0] + form[1:] for form in lower]
    return likeliest([*(lower if small else []), *forms, *([word] if len(word) <= _SHORT else [])])


def _unescaped(text: str) -> str:
    """The text with its HTML entities as characters; what is no entity stays."""
    for _ in range(_LAYERS):
        plain = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        if plain == text:
            break
        text = plain
    return text
