"""Global trade item numbers: check digit, leading zeros, the indicator of a pack.

GS1 General Specifications, release 24, section 7.9: from the right, digits count 3 and 1 in turns, and with
the check digit they sum to a multiple of ten.
"""

from __future__ import annotations

from typing import Final

_LENGTHS: Final = (8, 12, 13, 14)
_LONGEST: Final = 14
_OWN: Final = "2"  # what begins so is a shop's own number, and means another thing in another shop


def gtin(text: str | None) -> str | None:
    """A GTIN-8, -12 (UPC), -13 (EAN) or -14 as 14 digits; None where it is none.

    Blanks and hyphens within it are left out. What lost leading zeros in a spreadsheet gets them back if its
    check digit then holds, down to eleven digits. None is given for a wrong check digit, digits that are all
    one, and numbers that each shop gives out itself (GTIN-13 that begin with 2, GTIN-12 with 2 or 4, coupons
    with 98 or 99): 'no number' in each case, not another one.
    """
    if text is None:
        return None
    digits = "".join(c for c in text.strip().removesuffix(".0") if c not in " -\u00a0")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _LONGEST or len(set(digits)) == 1:
        return None
    if len(digits) not in _LENGTHS and len(digits) != 11:
        return None
    whole = digits.zfill(_LONGEST)
    return whole if _checked(whole) and not _of_a_shop(whole) else None


def indicator(whole: str) -> str:
    """The first digit of 14: 0 for one piece, 1 to 8 for a pack of them, 9 for goods by weight."""
    return whole[0]


def piece(whole: str) -> str:
    """What a number of 14 digits has in common with those of other packs of one piece: digits 2 to 13."""
    return whole[1:13]


def _checked(whole: str) -> bool:
    return sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(whole)) % 10 == 0


def _of_a_shop(whole: str) -> bool:
    ean = whole[1:]
    return ean[0] == _OWN or ean[:2] in ("02", "04", "98", "99")
