import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.harmonise.units import converted, unit, units, words

NAMES = sorted({known.name for known in units().values()})


@pytest.mark.parametrize(
    ("value", "old", "new", "expected"),
    [
        (1, "lb", "kg", 0.45359237),
        (2, "kilograms", "G", 2000),
        (1, "in", "cm", 2.54),
        (5, "km", "mi", 3.106855961),
        (100, "c", "f", 212),
        (-40, "f", "c", -40),
        (36, "h", "days", 1.5),
        (1, "gal", "l", 3.785411784),
    ],
)
def test_known_conversions(value, old, new, expected):
    assert converted("f", np.array([value]), old, new)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same_value(one, other, value):
    if unit("f", one).dimension != unit("f", other).dimension:
        with pytest.raises(XbsqlError, match="give two units of one dimension"):
            converted("f", np.array([value]), one, other)
        return
    there = converted("f", np.array([value]), one, other)
    assert converted("f", there, other, one)[0] == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_an_unknown_unit_is_one_line_with_a_hint():
    with pytest.raises(XbsqlError, match=r"f: no unit 'kgg'; .* \(did you mean 'kg'\?\)"):
        unit("f", "kgg")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grossWeight_KG", ["gross", "weight", "kg"]),
        ("Order Date", ["order", "date"]),
        ("重量", ["重量"]),
        ("a--b", ["a", "b"]),
    ],
)
def test_words_of_a_name(name, expected):
    assert words(name) == expected
