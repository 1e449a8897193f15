"""Texts that name no product: placeholders, and what is too little to be a name."""

from __future__ import annotations

from typing import Final

from xbsql.harmonise.blank import core, is_placeholder

_ALPHABETS_END: Final = "\u0590"  # Latin, Greek, Cyrillic, Armenian: beyond, one letter can be a word


def has_words(text: str) -> bool:
    """Whether a text has a letter that is more than a placeholder's; '12345', 'n/a', an emoji have none."""
    return any(c.isalpha() for c in text) and not is_blank(text)


def is_blank(text: str) -> bool:
    """Whether a text names nothing.

    So do placeholders (see `harmonise.blank`), texts without a letter or figure ('???'), a single letter of
    an alphabet ('X'), and one letter or figure three times or more ('xxx', '9999'). A figure ('7') and a
    single sign of Chinese, Japanese or Korean name something.
    """
    if is_placeholder(text):
        return True
    told = core(text)
    if not any(c.isalnum() for c in told):
        return True
    alone = len(told) == 1 and (told == "0" or told.isalpha())
    return told < _ALPHABETS_END and (alone or (len(told) > 2 and len(set(told)) == 1))
