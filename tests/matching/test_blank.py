"""Blank and placeholder texts name nothing; short names do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.matching.blank import is_blank

MISSING = [
    "unknown", "Unknown", "X", "x", "-", "--", "n/a", "N/A", "N.A.", "na", "", " ", "\t\n", "\u200b",
    "\u00a0",
    "null", "none", "(none)", "[None]", "tbd", "T.B.D.", "k.A.", "K. A.", "keine Angabe", "nan", "NaN",
    "<NA>", "#N/A", "#REF!", "???", "...", "xxx", "000", "9999", "0", "\ufffd\ufffd", "inconnu",
    "non renseigné", "sin título", "sconosciuto", "n.v.t.", "brak", "неизвестно", "不明", "なし", "未定",
    "未知", "暂无", "없음", "\uff4e\uff0f\uff41",
]  # fmt: skip
NAMES = [
    "tea", "7", "7up", "茶", "酒", "Set", "A1", "AA", "C++", "C#", "M&M", "Nan", "घी", "စာ",
    "Unknown Pleasures",
    "none of the above", "X-Box", "no name cola", "88", "x" * 3 + "y",
]  # fmt: skip


@pytest.mark.parametrize("text", MISSING)
def test_what_names_nothing_is_blank(text):
    assert is_blank(text)
    assert is_blank(f" {text} ")


@pytest.mark.parametrize("text", NAMES)
def test_a_short_name_is_a_name(text):
    assert not is_blank(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["P", "Z", "Cc", "Cf", "So"]), max_size=30))
def test_a_text_without_a_letter_or_figure_is_blank(text):
    assert is_blank("".join(c for c in text if c not in "\u00bc\u00bd\u00be") if text.isascii() else "-")


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["tea", "Schuh", "茶碗", "hose 20 m"]))
def test_a_name_stays_a_name_whatever_stands_beside_it(text, name):
    assert not is_blank(f"{text} {name} pot")
