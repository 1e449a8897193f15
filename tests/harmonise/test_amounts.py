"""Amounts in common words, and what is refused because it may be something else."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.harmonise.written import numbers, read_numbers
from xbsql.market import codes, market


def amount(text, code):
    found, fits = read_numbers(pa.array([text]), market(code))
    return found[0].as_py() if fits[0].as_py() else "refused"


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("JP", "3億5000万円", 3.5e8), ("KR", "1억 2,000만원", 1.2e8), ("JP", "1万2345円", 12345),
        ("JP", "12万円", 120000), ("JP", "5百万円", 5e6), ("CN", "\uffe53.5万元", 35000), ("KR",
        "5만원", 50000),
        ("US", "$2M", 2e6), ("US", "1.5k", 1500), ("US", "$5K", 5000), ("US", "5 billion", 5e9), ("GB",
        "£1.5m", 1.5e6),
        ("IN", "₹1.5 lakh", 150000), ("IN", "1.5 crore", 1.5e7), ("IN", "₹5L", 5e5), ("IN",
        "Rs. 500/-", 500),
        ("DE", "1,5 Tsd.", 1500), ("DE", "1,5 Mio. €", 1.5e6), ("DE", "1,2 Mrd", 1.2e9), ("DE",
        "5 T€", 5000),
        ("DE", "5 TEUR", 5000), ("DE", "5 Billionen", 5e12), ("FR", "5 billion", 5e12), ("RU",
        "12 тыс. \u0440\u0443\u0431.", 12000),
        ("SE", "5 mkr", 5e6), ("SE", "5 tkr", 5000), ("VN", "5 tr", 5e6), ("ID", "Rp 5 jt", 5e6),
        ("PH", "₱1.5M", 1.5e6),
        ("US", "99¢", 0.99), ("GB", "50p", 0.5), ("DE", "50 Cent", 0.5), ("TR", "5 kuruş", 0.05),
        ("AE", "5 fils", 0.05),
        ("KW", "5 fils", 0.005), ("PL", "5 groszy", 0.05), ("CN", "3角", 0.3),
        ("DE", "12,-", 12), ("NL", "12,- €", 12), ("CH", "12.\u2013", 12), ("SE", "5:-", 5), ("KE",
        "500/=", 500),
        ("DE", "1.234,50\u00a0€", 1234.5), ("FR", "1\u202f234,50\u00a0€", 1234.5), ("CH",
        "CHF\u00a01\u2019234.50", 1234.5),
        ("BR", "R$\u00a01.234,50", 1234.5), ("CZ", "1\u00a0234,50\u00a0Kč", 1234.5), ("US",
        "\u200e$5\u200f", 5),
        ("JP", "\uff11\uff12\uff13\uff14", 1234), ("EG", "\u0661\u0662\u0663\u0664\u066b\u0665", 1234.5),
        ("IN", "१,२३४.५", 1234.5),
        ("IN", "Rs.100", 100), ("US", "$.5", 0.5), ("DE", "5 m²", 5), ("DE", "12 pcs", 12), ("JP",
        "12本入り", 12),
        ("MM", "12 K", 12), ("ZM", "K12", 12), ("NL", "€ -5", -5), ("US", "usd 5", 5), ("US",
        "$5 million", 5e6),
    ],
)  # fmt: skip
def test_amounts_in_common_words(code, text, expected):
    assert amount(text, code) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("JP", "5万3億円"), ("JP", "3億5"), ("CN", "1亿2345"), ("CN", "5万3"), ("US", "3億5000万"),
        ("US", "iPhone 15"), ("US", "SKU-12"), ("DE", "EAN 4006381"), ("US", "Top 10"), ("US",
        "AMD 5600"), ("US", "CRC-32"), ("DE",
        "TOP 10"), ("US", "V8"),
        ("DE", "A4"), ("US", "3D"), ("US", "15 Pro"), ("US", "#5"), ("DE", "ca. 5"), ("GB",
        "British 15"), ("NO", "no 5"),
        ("US", "1.5m"), ("DE", "5 T"), ("IN", "5 L"), ("PL", "5 gr"), ("CN", "5分"), ("ES", "5 bn"),
        ("US", "12,-"), ("US", "10²"), ("US", "½"), ("US", "1½"), ("FR", "12€50"), ("US", "1e5"),
        ("US", "0x10"),
        ("DE", "5 €/kg"), ("US", "+5"), ("DE", "-€-5"), ("US", "2 for 5"), ("US", "5 €%"), ("ZA",
        "R-12"), ("US", "nan"),
    ],
)  # fmt: skip
def test_what_may_be_something_else_is_refused(code, text):
    assert amount(text, code) == "refused"


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(codes()), st.text(max_size=12))
def test_any_text_is_read_or_refused(code, text):
    found, fits = read_numbers(pa.array([text, None, " "]), market(code))
    assert fits.to_pylist()[1:] == [True, True]
    assert found.to_pylist()[1:] == [None, None]
    assert found[0].as_py() is None or fits[0].as_py()


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(codes()), st.sampled_from("QXYZJ"), st.integers(1, 10**6))
def test_a_code_is_never_an_amount(code, letter, number):
    for text in (
        f"{letter}{letter}{letter}-{number}",
        f"Model {letter}{number}",
        f"{number}{letter}{letter}{letter}{letter}",
    ):
        assert amount(text, code) == "refused"


def test_one_error_for_many_rows_names_the_first():
    with pytest.raises(ValueError, match="'iPhone 15' is no number as US writes them"):
        numbers("f", pa.array(["1", None, "iPhone 15", "iPhone 16"]), market("US"))
