"""Texts before they are read: usual digits and blanks, and the refusal of those that cannot be read."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def cleaned(texts: pa.Array) -> pa.Array:
    """Texts with the digits and blanks of ASCII, without full width and marks of direction."""
    if not _any(texts, r"[^\x00-\x7F\x{20A0}-\x{20BF}\x{A3}\x{A5}]"):
        return pc.utf8_trim_whitespace(texts)
    plain = texts
    if _any(plain, r"\p{No}"):
        plain = pc.replace_substring_regex(plain, r"(\pL)\x{00B2}", r"\12")
        plain = pc.replace_substring_regex(plain, r"(\pL)\x{00B3}", r"\13")
        plain = pc.replace_substring_regex(plain, r"\p{No}", "#")  # a footnote, a fraction: not understood
    plain = pc.replace_substring_regex(pc.utf8_normalize(plain, "NFKC"), r"\p{Cf}", "")
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[\pZ\t]+", " "))
    if _any(plain, r"[^\x00-\x7F\P{Nd}]"):
        coded = plain.dictionary_encode()
        latin = [text and text.translate(_digits()) for text in coded.dictionary.to_pylist()]
        plain = pa.array(latin, pa.string()).take(coded.indices)
    return plain


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


@cache
def _digits() -> dict[int, str]:
    """The digits of all scripts -> those of ASCII."""
    every = map(chr, range(0x80, sys.maxunicode))
    return {
        ord(digit): str(unicodedata.decimal(digit)) for digit in every if unicodedata.category(digit) == "Nd"
    }


def blank(texts: pa.Array) -> pa.Array:
    """Whether each text is NULL or has no character that is seen."""
    return pc.fill_null(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(texts)), 0), True)


def by_value(texts: pa.Array, read: Callable[[str], T | None], kind: pa.DataType) -> pa.Array:
    """What `read` makes of each text, asked once for texts that are alike; None and NULL give NULL."""
    coded = texts.dictionary_encode()
    found = [None if text is None else read(text) for text in coded.dictionary.to_pylist()]
    return pa.array(found, kind).take(coded.indices)
