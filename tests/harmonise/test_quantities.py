"""What a title states: counts, sizes and model numbers; what is not sure is left out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.harmonise.quantities import CANONICAL, COUNT, Quantity, models, quantities
from xbsql.harmonise.units import units
from xbsql.sample.sizes import ways

COUNTS = [
    ("Screws 12 pcs", 12), ("Socks, 12 Count", 12), ("Batteries 4-Pack", 4), ("pack of 3", 3),
    ("Set of two", 2),
    ("12-Piece Knife Set", 12), ("Kugelschreiber 6er-Set", 6), ("6er Pack Socken", 6),
    ("Besteck 24-teilig", 24),
    ("3 Stück", 3), ("3x Handtuch", 3), ("lot de 3 serviettes", 3), ("12 pièces", 12), ("x6", 6),
    ("juego de 6 vasos", 6), ("6 uds", 6), ("4 piezas", 4), ("confezione da 4", 4), ("10 pezzi", 10),
    ("6 paia", 6),
    ("12 stuks", 12), ("set van 2", 2), ("8-delig", 8), ("ボールペン12本入り", 12), ("ペン 12入り", 12),
    ("タオル3枚セット", 3), ("４点セット", 4), ("6件套", 6), ("10个装", 10), ("3只", 3),
]  # fmt: skip

SIZES = [
    ("hose 2 m", 2, "m"), ("Olivenöl 500ml", 0.5, "l"), ("huile 1,5 L", 1.5, "l"), ("5 kg", 5, "kg"),
    ("250 g", 0.25, "kg"),
    ("8 fl. oz.", 0.2365882365, "l"), ("8 oz", 0.226796185, "kg"), ("3 lbs", 1.360777110, "kg"),
    ("11-Inch", 0.2794, "m"),
    ('15" laptop', 0.381, "m"), ("1 1/2 in", 0.0381, "m"), ("1½ in", 0.0381, "m"),
    ("20 sq ft", 1.8580608, "m2"),
    ("2 m²", 2, "m2"), ("33 cl", 0.33, "l"), ("10センチ", 0.1, "m"), ("1.5升", 1.5, "l"),
    ("3公斤", 3, "kg"),
    ("\uff15\uff10\uff10\uff4d\uff4c", 0.5, "l"), ("5㎏", 5, "kg"), ("60 Watt", 60, "W"),
    ("20V Max", 20, "V"),
    ("64GB", 64e9, "B"),
    ("10.000 mAh", 10, "Ah"), ("10,000mAh", 10, "Ah"), ("1.234,5 g", 1.2345, "kg"), ("180 ℃", 453.15, "k"),
    ("12 Zoll", 0.3048, "m"), ("12 pouces", 0.3048, "m"), ("2 litros", 2, "l"), ("3 metri", 3, "m"),
    ("GARDEN HOSE 20 M", 20, "m"),
    ("800流明", 800, "lm"), ("0.750 l", 0.75, "l"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), COUNTS)
def test_counts_in_the_words_of_several_languages(text, value):
    assert quantities(text) == (Quantity(value, COUNT),)


@pytest.mark.parametrize(("text", "value", "unit"), SIZES)
def test_sizes_in_canonical_units(text, value, unit):
    (found,) = quantities(text)
    assert found.unit == unit
    assert found.value == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2x500 g", {(2, COUNT), (0.5, "kg")}),
        ("500 g x 2", {(2, COUNT), (0.5, "kg")}),
        ("コーヒー500ml\u00d724本", {(24, COUNT), (0.5, "l")}),
        ("24x0,33l", {(24, COUNT), (0.33, "l")}),
        ("60 x 40 x 30 cm", {(0.6, "m"), (0.4, "m"), (0.3, "m")}),
        ("5' x 7' rug", {(1.524, "m"), (2.1336, "m")}),
        ("1 kg (2.2 lb), set of 2", {(1, "kg"), (0.997903214, "kg"), (2, COUNT)}),
    ],
)
def test_several_at_once(text, expected):
    assert {tuple(each) for each in quantities(text)} == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "iPhone 15", "SKU-12", "EAN 4006381", "2 in 1 hair dryer", "3 in the box", "5-6 m",
        "1.250 kg",
        "5G router", "3M tape", "T-Shirt 2 M", "100% cotton", "USB 3.0", "Men's 5 shirt", "WH-1000 g",
        "1/0 m",
        "Fire HD 10 Tablet", "9-12 months",
    ],
)  # fmt: skip
def test_what_is_not_sure_is_left_out(text):
    assert quantities(text) == ()


def test_a_quantity_is_said_once_and_in_order():
    assert quantities("12 pcs, 500 ml, pack of 12, 0.5 l") == (Quantity(12, COUNT), Quantity(0.5, "l"))


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja", "zh"])
@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("cm", "28", 0.28), ("kg", "2.5", 2.5), ("g", "500", 0.5), ("l", "1.5", 1.5), ("litre",
        "30", 30), ("w", "60", 60),
        ("v", "18", 18), ("mah", "5000", 5), ("lm", "800", 800), ("pcs", "6", 6), ("cmxcm",
        "135x200", 2.0), ("m", "10", 10),
    ],
)  # fmt: skip
def test_the_sample_market_states_the_same_in_every_language(unit, value, expected, language):
    for text in ways(unit, value, language):
        found = quantities(f"Brissel {text}, Blue")
        ounces = unit in ("l", "ml") and "oz" in text
        assert any(math.isclose(each.value, expected, rel_tol=0.03) for each in found) or ounces, text


@settings(deadline=None)
@given(st.floats(0.01, 999).map(lambda value: float(f"{value:.2f}")), st.sampled_from(sorted(CANONICAL)))
def test_every_unit_is_read_by_its_symbol_with_either_decimal_mark(value, dimension):
    own = [each for each in set(units().values()) if each.dimension == dimension and not each.rare]
    for unit in own:
        texts = [f"{value:.2f} {unit.name}", f"{value:.2f} {unit.name}".replace(".", ",")]
        answers = {quantities(text) for text in texts}
        assert len(answers) == 1
        for found in answers.pop():
            assert found.unit == CANONICAL[dimension]
            assert found.value == pytest.approx(value * unit.scale + unit.offset)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_has_an_answer(text):
    assert all(math.isfinite(each.value) for each in quantities(text))
    assert all(isinstance(each, str) for each in models(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RX-580 graphics", ("RX580",)), ("Sony WH-1000XM4", ("WH1000XM4",)), ("rx-580", ("RX580",)),
        ("5700X", ("5700X",)),
        ("GTX 1050Ti", ("1050TI",)), ("SM-G991B/DS", ("SMG991B",)), ("BX500 480GB", ("BX500",)),
        ("E27 60W", ("E27",)),
        ("B08N5WRWNW", ("B08N5WRWNW",)), ("Brissel G-5000 Pro 28 cm, G5000", ("G5000",)),
        ("500ml 12pcs 4K 5G 3XL x3 2x500g 20V 1TB 3.5mm", ()),
        ("6er-Set 4-teilig 2-in-1 4-Step 15-inch Vitamin-B12", ()),
        ("T-Shirt, Size42", ("SIZE42",)), ("", ()),
    ],
)  # fmt: skip
def test_model_numbers(text, expected):
    assert models(text) == expected


@pytest.mark.parametrize(
    "text", ["oil 2x500 ml", "screen 24'' RX-580", 'pipe 1/2" 3 m', "tea 1,5 kg pack of 3"]
)
def test_ascii_is_read_as_every_other_text(text):
    assert quantities(text) == quantities(f"é {text}") != ()
    assert models(text) == models(f"é {text}")
