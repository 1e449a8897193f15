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


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("nm", "nm"), ("Nm", "Nm"), ("N·m", "Nm"), ("nmi", "nmi"), ("mm", "mm"), ("Mm",
        "Mm"), ("KG", "kg"), ("KB", "kB"),
        ("mW", "mW"), ("MW", "MW"), ("Mb", "Mb"), ("MB", "MB"), ("mL", "ml"), ("fl oz", "floz"),
        ("FL. OZ.", "floz"),
        ("oz.", "oz"), ("lbs.", "lb"), ("m²", "m2"), ("m^2", "m2"), ("cm³", "cm3"), ("sq ft", "ft2"),
        ("sq. ft.", "ft2"),
        ("square feet", "ft2"), ("cu ft", "ft3"), ("℃", "c"), ("°F", "f"), ("㎏", "kg"), ("Zoll",
        "in"), ("pouces", "in"),
        ("Liter", "l"), ("litros", "l"), ("リットル", "l"), ("公斤", "kg"), ("그램", "g"), ("UK gal",
        "galimp"),
    ],
)  # fmt: skip
def test_usual_spellings_and_their_case(name, known):
    assert unit("f", name).name == known


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("NM", "may be 'Nm' or 'nm' or 'nmi'"), ("ML", "may be 'ml' or 'megaliter'"), ("MM",
        "may be 'mm' or 'Mm'"), ("MG", "may be 'mg' or 'Mg'"), ("mw",
        "may be 'MW' or 'mW'"),
        ("ton", "another size in each country"), ("Pfund", "another size"), ("livres", "another size"),
        ("x" * 9000, "no unit"),
    ],
)  # fmt: skip
def test_a_unit_that_is_not_sure_is_refused(name, answer):
    with pytest.raises(XbsqlError, match=answer) as caught:
        unit("f", name)
    assert len(str(caught.value)) < 500


def test_conversions_of_the_spellings():
    pairs = [
        ("fl oz", "ml", 29.5735295625),
        ("m²", "cm2", 1e4),
        ("cm³", "ml", 1),
        ("sq ft", "m2", 0.09290304),
        ("nm", "mm", 1e-6),
    ]
    for old, new, expected in pairs:
        assert converted("f", np.array([1.0]), old, new)[0] == pytest.approx(expected)
    with pytest.raises(XbsqlError, match="'Nm' is a torque and 'm' a length"):
        converted("f", np.array([1.0]), "Nm", "m")
