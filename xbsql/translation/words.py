"""Texts as words and back: joints are written down, numbers and kept terms stand as one sign.

A token that was written without a blank beside its neighbour carries a joiner on that side (as in Klein et
al., "The OpenNMT Neural Machine Translation Toolkit", AMTA 2018), so that words become text again by one rule
in every language. Chinese is read sign by sign, Japanese by runs of one script, Thai by syllable signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width, normalize

from xbsql.features.normal import normal

if TYPE_CHECKING:
    from collections.abc import Sequence

JOINER: Final = "\uffed"
FIXED: Final = "#"
"""Stands for whatever goes from a text into its translation as it is: a number, a model number, a term."""
KEPT: Final = "\x01"
"""Before a shown token whose case nobody changes."""
FIRST_MARK: Final = 0xE000
MOST_MARKS: Final = 6000

_CJK: Final = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_MARK: Final = "\ue000-\uf8ff"
_LINK: Final = r"(?:https?://|www\.)\S+|[\w.+-]{1,200}@[\w-]{1,200}\.[\w.-]*\w"
_HOLE: Final = r"\{\{[^{}\n]{1,80}\}\}|[$#]?\{[\w.-]{0,80}\}|%(?:\(\w{1,80}\)|\d\$)?[sd](?!\w)"
"""What a template puts something into: {{name}}, {0}, ${price}, %s, %1$s, %(name)s."""
_COMBINED: Final = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0970-\u0dff"
_NUMBER: Final = (
    r"(?:(?<![A-Za-z])[A-Z]{1,4}-)?[A-Za-z]{0,200}\d+(?:[A-Za-z\d]|[.,/:](?=\d)|-(?=[A-Z]*\d))*"
    r"|[\u00bc-\u00be\u2150-\u215e]"
)
_TOKEN: Final = re.compile(
    rf"(?P<fixed>[{_MARK}]|{_LINK}|{_HOLE}|{_NUMBER})"
    r"|(?P<sign>[\u3400-\u9fff\uf900-\ufaff\u3005]|[\u30a0-\u30ff]+|[\u3041-\u309f]+"
    r"|[\u0e01-\u0e2e\u0e2f-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e4f-\u0e5b][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*)"
    rf"|(?P<word>(?:[^\W\d_{_CJK}{_MARK}]|[{_COMBINED}])+(?:['\u2019](?=\w))?)"
    r"|(?P<symbol>\S)"
)
_WIDE: Final = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B),
                                                  *range(0xFF41, 0xFF5B))}  # fmt: skip
_NUMBERS: Final = re.compile(_NUMBER)
_OURS: Final = re.compile(rf"[{_MARK}\x01{JOINER}]")
_UNSPACED: Final = re.compile(rf"[{_CJK}\u3000-\u303f\uff00-\uffef]")


@dataclass(frozen=True)
class Words:
    """A text's tokens.

    Attributes:
        forms: in small letters, `FIXED` for what stays; these are learnt from.
        shown: as they were written, joiners included.
    """

    forms: tuple[str, ...]
    shown: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.forms)

    @property
    def fixed(self) -> tuple[str, ...]:
        """What stays, in its order."""
        return tuple(
            shown.strip(JOINER) for form, shown in zip(self.forms, self.shown, strict=True) if is_fixed(form)
        )


def plain(text: str) -> str:
    """A text as it is read: `normal`, wide figures and letters as everybody types them, no marks of ours."""
    if text.isascii() and text.isprintable() and "&" not in text:
        return text.strip()
    return _OURS.sub("", normal(text).translate(_WIDE)).strip()


def remembered(text: str) -> str:
    """What a plain text is known by: small letters, signs as wide as everybody types them, single blanks."""
    if not text.isascii():
        narrow = (normalize("NFKC", sign) if east_asian_width(sign) in "FH" else sign for sign in text)
        text = normalize("NFC", "".join(narrow))
    return " ".join(text.lower().split())


def split(text: str, marks: Sequence[str] = ()) -> Words:
    """The tokens of a text.

    Args:
        text: see `plain`; it may hold marks, characters from U+E000 on.
        marks: what each of the marks stands for.
    """
    forms, shown, last = [], [], None
    for found in _TOKEN.finditer(text):
        form, token = found[0].lower().replace("\u2019", "'"), found[0]
        if found["fixed"]:
            form = FIXED
            place = ord(token[0]) - FIRST_MARK
            token = marks[place] if 0 <= place < len(marks) else token
        if last is not None and last.end() == found.start() and not (last["sign"] and found["sign"]):
            if (last["symbol"] or last[0][-1] in "'\u2019") and not found["symbol"]:
                forms[-1], shown[-1] = forms[-1] + JOINER, shown[-1] + JOINER
            elif not (found["sign"] or last["sign"]):
                form, token = JOINER + form, JOINER + token
        forms.append(form)
        shown.append(token)
        last = found
    return Words(tuple(map(intern, forms)), tuple(map(intern, shown)))


def joined(shown: Sequence[str]) -> str:
    """Shown tokens as text."""
    out = ""
    for token in shown:
        bare = token.replace(KEPT, "")
        glued = not out or out.endswith(JOINER) or bare.startswith(JOINER) or _beside(out[-1], bare[:1])
        out = out.removesuffix(JOINER) + ("" if glued else " ") + bare.removeprefix(JOINER)
    return out.removesuffix(JOINER)


def _beside(before: str, after: str) -> bool:
    """Whether two characters stand side by side without a blank."""
    return bool(_UNSPACED.match(before) or _UNSPACED.match(after))


def is_fixed(form: str) -> bool:
    """Whether a form stands for what stays."""
    return form.strip(JOINER) == FIXED


def is_word(form: str) -> bool:
    """Whether a form has letters."""
    return form.strip(JOINER)[:1].isalpha()


def numbers(text: str) -> list[str]:
    """The numbers and model numbers of a text, sorted."""
    return sorted(_NUMBERS.findall(plain(text)))
