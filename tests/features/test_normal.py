"""Texts that look alike are one text, and what looks ordinary stays bit for bit what it is."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from xbsql.features.language import identify
from xbsql.features.ngrams import folded
from xbsql.features.normal import in_capitals, normal
from xbsql.features.text import embed_array, embed_texts

ORDINARY = [
    "Red cotton shirt", "Sony WH-1000XM4", "ワイヤレスヘッドホン SONY WH-1000XM4", "USB-C Ladekabel 2 m",
    "AT&T R&D 100% < 3 & more", "Größe 38", "Šňůry na šperky", "กระเป๋าหนัง", "سماعات لاسلكية", "한국어 270mm",
    "слово", "👟👟", "3,5 x 12 cm (10er-Pack)", "iPhone 12", "NIKE Air Max", "", "Tiếng Việt",
]  # fmt: skip
TITLES = ["Red cotton shirt", "Wasserdichte Wanderschuhe für Herren", "Детская коляска", "Veste en coton"]
VISIBLE_FORMATS = {
    0x600,
    0x601,
    0x602,
    0x603,
    0x604,
    0x605,
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
}


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text_encoder, text):
    assert normal(text) is text or normal(text) == text
    assert text_encoder.normal([text]) == [text]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Bett\u00adwäsche", "Bettwäsche"),
        ("Schu\u200bhe \ufefffür \u200eKinder\u202c", "Schuhe für Kinder"),
        ("red\u00a0shoes\u202f38\u3000cm", "red shoes 38 cm"),
        ("Ta\u0308sche", "Täsche"),
        ("Salt &amp; pepper &quot;fine&quot;", 'Salt & pepper "fine"'),
        ("caf&#233;&nbsp;cr&egrave;me &#x4E2D;", "café crème 中"),
        ("a &amp;amp;lt; b", "a < b"),
        ("&nosuch; &; &amp", "&nosuch; &; &amp"),
        ("❤\ufe0f Kette", "❤ Kette"),
        ("a\tb\nc", "a b c"),
        ("a\x00b\x7f", "ab"),
    ],
)
def test_what_nobody_sees_does_not_count(text_encoder, written, meant):
    assert normal(written) == meant
    assert folded(written) == folded(meant)
    assert identify([written])[0] == identify([meant])[0]
    one, other = embed_texts([written, meant], text_encoder)
    assert np.abs(one - other).max() < 1e-6


def test_every_format_character_that_is_not_seen_goes():
    formats = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cf", "Cc")]
    hidden = [c for c in formats if ord(c) not in VISIBLE_FORMATS and not c.isspace()]
    left = [f"{ord(c):x}" for c in hidden if normal(f"a{c}b") != "ab"]
    assert not [
        point for point in left if not 0xFFF9 <= int(point, 16) <= 0xFFFB and int(point, 16) < 0x13000
    ]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_normal_text_is_normal(text_encoder, text):
    once = text_encoder.normal([text])
    assert text_encoder.normal(once) == once


@pytest.mark.parametrize(
    ("text", "all_capitals"),
    [
        ("RED SHOES", True), ("ROTE SCHUHE 38 cm", True), ("CAFE 4x250g", True), ("GROßE TASCHE", True),
        ("КОЛЯСКА", True), ("Red Shoes", False), ("NIKE Air Max", False), ("木の USB", False), ("38", False),
        ("", False), ("字" * 50_000, False), ("A-" * 30_000, True), ("كرسي USB", False), ("4x250g cm", False),
    ],
)  # fmt: skip
def test_what_is_in_capitals(text, all_capitals):
    assert in_capitals(text) is all_capitals


@pytest.mark.parametrize(
    ("capitals", "read"),
    [
        ("USB", "USB"),
        ("SHOES", "Shoes"),
        ("USB CABLE WITH HDMI", "USB cable with HDMI"),
        ("SONY WH-1000XM4", "Sony WH-1000XM4"),
        ("MEN'S SHOES 250 ml", "Men's shoes 250 ml"),
        ("TISCH AUS HOLZ", "Tisch aus Holz"),
        ("SARI KIRMIZI", "Sar\u0131 k\u0131rm\u0131z\u0131"),
        ("İSTANBUL", "Istanbul"),
    ],
)
def test_words_in_capitals_are_read_as_they_are_met_most(text_encoder, capitals, read):
    assert text_encoder.normal([capitals])[0].replace("İ", "I") == read


@pytest.mark.parametrize("title", TITLES)
def test_a_title_in_capitals_is_near_itself(text_encoder, title):
    plain, shouted = embed_texts([title, title.upper()], text_encoder)
    raw = text_encoder.encode([title.upper()])[0]
    assert plain @ shouted > 0.9 > plain @ raw


def test_a_model_answers_alike_however_a_title_is_written(tmp_path):
    shirts, tables = (
        ["red shirt", "blue cotton shirt", "linen shirt"],
        ["oak table", "kitchen table", "low table"],
    )
    rows = pa.table({"title": (shirts + tables) * 4, "class": (["shirt"] * 3 + ["table"] * 3) * 4})
    asked = ["green shirt", "garden table", "shirt of silk", "long table"]
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "m", rows, "class")
        scores = [
            [
                answer["score"]
                for answer in xbsql.classify(con, "m", pa.array(list(map(spoilt, asked)))).to_pylist()
            ]
            for spoilt in (
                str,
                lambda t: "\u00ad".join(t),
                lambda t: t.replace(" ", "\u00a0\u200b"),
                str.upper,
            )
        ]
    assert scores[1] == pytest.approx(scores[0], abs=1e-5)
    assert scores[2] == pytest.approx(scores[0], abs=1e-5)
    assert scores[3] == pytest.approx(scores[0], abs=0.1)


def test_embed_of_a_column_reads_normal_texts(text_encoder):
    found = embed_array(pa.array(["Bett\u00adwäsche", None, "Bettwäsche"]), text_encoder)
    assert found[1].as_py() is None
    assert np.abs(np.array(found[0].as_py()) - found[2].as_py()).max() < 1e-6
