"""Markets by code: what is known, and what an unknown one is answered with."""

import re

import pytest

from xbsql.errors import XbsqlError
from xbsql.market import MARKETS, Market, market


def test_the_table_is_large_sorted_and_well_formed():
    assert len(MARKETS) >= 40
    assert list(MARKETS) == sorted(MARKETS)
    assert len({known.name for known in MARKETS.values()}) == len(MARKETS)
    for code, known in MARKETS.items():
        assert code == known.code
        assert re.fullmatch(r"[A-Z]{2} [a-z]{2} [A-Z]{3}", f"{code} {known.language} {known.currency}")


@pytest.mark.parametrize("code", ["JP", "jp", " jp "])
def test_a_market_is_found_in_either_case(code):
    assert market(code) == Market("JP", "ja", "JPY", "Japan")


@pytest.mark.parametrize(
    ("given", "answer"),
    [("XX", "no market 'XX'; there is AE, AR"), ("germany", r"did you mean 'DE'\?"), ("", "no market ''")],
)
def test_an_unknown_market_is_one_line_with_a_hint(given, answer):
    with pytest.raises(XbsqlError, match=answer) as caught:
        market(given)
    assert "\n" not in str(caught.value)
