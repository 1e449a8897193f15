"""GTINs as markets write them."""

import pytest

from xbsql.linking.gtin import gtin, indicator, piece

EAN = "04006381333931"
CASES = {
    "4006381333931": EAN,
    " 4006381 333931 ": EAN,
    "4006381333931.0": EAN,
    "04006381333931": EAN,
    "036000291452": "00036000291452",
    "36000291452": "00036000291452",  # a spreadsheet took the zero
    "0036000291452": "00036000291452",
    "96385074": "00000096385074",
    "4006381333932": None,  # wrong check digit
    "2006381333935": None,  # a shop's own
    "0000000000000": None,
    "9999999999999": None,
    "400638133393": None,
    "40063813339311234": None,
    "n/a": None,
    "٤٠٠٦٣٨١٣٣٣٩٣١": None,
    "": None,
}


@pytest.mark.parametrize("text", CASES)
def test_what_is_read(text):
    assert gtin(text) == CASES[text]
    assert gtin(None) is None


@pytest.mark.parametrize("place", range(13))
def test_one_wrong_digit_is_no_number(place):
    digits = "4006381333931"
    assert gtin(digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]) is None


def test_a_pack_has_the_number_of_its_piece_within():
    case = gtin("14006381333938")
    assert (indicator(case), indicator(EAN)) == ("1", "0")
    assert piece(case) == piece(EAN)
