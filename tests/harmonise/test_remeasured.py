"""Sizes as a market gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.harmonise.quantities import quantities
from xbsql.harmonise.remeasured import CUSTOMARY, remeasured


@pytest.mark.parametrize(
    ("text", "market", "expected"),
    [
        ("pipe 12 in, 1/2 in thick", "FR", "pipe 30,5 cm, 1,27 cm thick"),
        ("box 60 x 40 cm, 1.5 l", "US", "box 23.6 x 15.7 in, 50.7 fl oz"),
        ('TV 55", 3 x 20 oz', "DE", "TV 140 cm, 3 x 567 g"),
        ("oven 350 \u00b0F, 10 ft rope", "JP", "oven 177 \u00b0C, 3.05 m rope"),
        ("1.5 l and 2 kg", "DE", "1,5 l and 2 kg"),
        ("1 1/2 in", "ES", "3,8 cm"),
        ("\uff11\uff12 cm", "US", "4.72 in"),
        ("0.5 lb, 5 lb", "GB", "227 g, 2.27 kg"),
    ],
)
def test_a_size_is_written_in_the_markets_unit(text, market, expected):
    assert remeasured(text, market)[0] == expected


@pytest.mark.parametrize(
    "text", ["1.250 kg", "5-6 in", "2 in 1", "WH-1000XM4", "12 pcs", "size 42", "", "1,000 ft", "\u00bd in"]
)
def test_what_is_not_sure_stays(text):
    assert remeasured(text, "FR") == (text, ())


def test_what_was_changed_is_told_once():
    assert remeasured("12 in hat, 12 in bag", "GB")[1] == ("12 in -> 30.5 cm",)


@given(
    st.integers(1, 900), st.sampled_from(["in", "ft", "oz", "lb", "cm", "g", "kg", "ml", "l", "mm"]),
    st.sampled_from(["US", "GB", "JP"]),
)  # fmt: skip
def test_no_size_changes_by_more_than_rounding(value, unit, market):
    text = f"thing {value} {unit}"
    (old,), (new,) = quantities(text), quantities(remeasured(text, market)[0])
    assert new.unit == old.unit
    assert new.value == pytest.approx(old.value, rel=0.0051)
    assert remeasured(remeasured(text, market)[0], market)[1] == ()
    assert CUSTOMARY
