"""Which texts stand for no value in a column, and which are an answer there."""

from __future__ import annotations

import pyarrow as pa
import pytest

from xbsql.harmonise.blank import _CORES, EMPTY, core, is_placeholder
from xbsql.harmonise.lint import lint
from xbsql.harmonise.lint_texts import OPPOSITES
from xbsql.matching.blank import is_blank
from xbsql.tasks.classify.labels import labels_of

VALUES = ("M", "XL", "xxx", "9999", "7", "C++", "+", "★★★", "Nan", "no", "NAMIBIA", "None of these", "0")
NO_VALUES = (
    "",
    " ",
    "-",
    "\u2013",
    "...",
    "?",
    "N/A",
    "n. a.",
    "null",
    "NaN",
    "<NA>",
    "unbekannt",
    "不明",
    "#REF!",
)


@pytest.mark.parametrize("text", NO_VALUES)
def test_placeholders_stand_for_nothing_everywhere(text):
    assert is_placeholder(text)
    assert is_blank(text)


def test_no_placeholder_has_a_digit_from_one_on():
    assert [core for core in _CORES if any(c.isdigit() and c != "0" for c in core)] == []


@pytest.mark.parametrize("text", VALUES)
def test_what_may_be_a_value_is_no_placeholder(text):
    assert not is_placeholder(text)


def test_a_title_needs_more_than_a_value():
    assert [text for text in VALUES if is_blank(text)] == ["M", "xxx", "9999", "+", "★★★", "0"]


def test_what_is_no_label_is_a_placeholder():
    assert all(is_placeholder(text) for text in EMPTY - {"nan"})


def test_a_label_may_be_called_none():
    table = pa.table({"label": ["none", "unknown", "NA", "n/a", "-"]})
    assert labels_of("f", table, "label").classes == ("NA", "none", "unknown")


@pytest.mark.parametrize("text", OPPOSITES)
def test_beside_its_opposite_a_no_is_an_answer(text):
    said = pa.table({"x": [text, OPPOSITES[text], "abc"] * 20})
    alone = pa.table({"x": [text, "abc", "def"] * 20})
    assert not any("stand for no value" in finding.problem for finding in lint("f", said, None, None))
    assert any("stand for no value" in finding.problem for finding in lint("f", alone, None, None))


def test_a_long_text_is_never_looked_at():
    assert not is_placeholder("unknown " * 1_000)


def test_ascii_is_read_as_every_other_text():
    text = "".join(map(chr, range(128)))
    assert core(text) + "é" == core(text + "é")
