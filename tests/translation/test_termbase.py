"""Lists of terms in the formats that they come in."""

import base64
import gzip

import pytest

from xbsql.errors import XbsqlError
from xbsql.translation.termbase import read_terms

TBX = """<?xml version="1.0"?><martif type="TBX"><text><body>
<termEntry id="1"><langSet xml:lang="en-US"><tig><term>water bottle</term></tig></langSet>
<langSet xml:lang="fr"><tig><term>gourde</term></tig><tig><term>bouteille</term></tig></langSet>
<langSet xml:lang="de"><tig><term>Flasche</term></tig></langSet></termEntry></body></text></martif>"""
TBX3 = """<tbx xmlns="urn:iso:std:iso:30042:ed-2"><text><body><conceptEntry id="1">
<langSec xml:lang="en"><termSec><term>hat</term></termSec></langSec>
<langSec xml:lang="fr"><termSec><term>chapeau</term></termSec></langSec></conceptEntry></body></text></tbx>"""
TMX = """<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header srclang="en"/><body>
<tu><tuv xml:lang="en"><seg>red <bpt i="1">b</bpt>hat</seg></tuv>
<tuv xml:lang="fr"><seg>chapeau rouge</seg></tuv></tu>
</body></tmx>"""
DING = "# comment\nHaus {n} [bau.] | Häuser {pl} :: house; home (poet.) | houses\n"
EDICT = "帽子 [ぼうし] /(n) hat/cap/(P)/EntL1520980X/\n傘 [かさ] /(n) umbrella/\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "term,translation\nhat,chapeau\nbag,sac\n", {("hat", "chapeau"), ("bag", "sac")}),
        ("a.csv", "hat;chapeau\nbag;sac\n", {("hat", "chapeau"), ("bag", "sac")}),
        ("a.csv", "en\tfr\nhat\tchapeau\n", {("hat", "chapeau")}),
        ("a.tbx", TBX, {("water bottle", "gourde"), ("water bottle", "bouteille")}),
        ("b.tbx", TBX3, {("hat", "chapeau")}),
        ("a.tmx", TMX, {("red bhat", "chapeau rouge")}),
        ("de-en.txt", DING, {("Haus", "house"), ("Haus", "home"), ("Häuser", "houses")}),
        ("edict", EDICT, {("帽子", "hat"), ("帽子", "cap"), ("傘", "umbrella")}),
    ],
)
def test_a_format_gives_its_terms(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert {(row.term, row.translation) for row in read_terms(tmp_path / name)} == expected


def test_a_language_is_chosen_among_several(tmp_path):
    (tmp_path / "a.tbx").write_text(TBX)
    found = read_terms(tmp_path / "a.tbx", src="de", dst="en")
    assert [(row.term, row.translation) for row in found] == [("Flasche", "water bottle")]


def number(value):
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return (number(value // 64) if value >= 64 else "") + signs[value % 64]


@pytest.mark.parametrize("packed", [False, True])
def test_dictd_is_two_files(tmp_path, packed):
    entries = {"hat": "hat /hæt/\n1. Hut, Mütze <n>\n", "bag": "bag\nTasche\n"}
    body, lines = b"", []
    for word, text in entries.items():
        lines.append(f"{word}\t{number(len(body))}\t{number(len(text.encode()))}")
        body += text.encode()
    (tmp_path / "d.index").write_text("\n".join(lines))
    name = "d.dict.dz" if packed else "d.dict"
    (tmp_path / name).write_bytes(gzip.compress(body) if packed else body)
    for asked in ("d.index", name):
        found = {(row.term, row.translation) for row in read_terms(tmp_path / asked)}
        assert found == {("hat", "Hut"), ("hat", "Mütze"), ("bag", "Tasche")}


def test_conflicts_are_listed(tmp_path):
    (tmp_path / "a.csv").write_text("term,translation\nhat,chapeau\nHat,bonnet\nbag,sac\n")
    assert [row.conflict for row in read_terms(tmp_path / "a.csv")] == ["bonnet", "chapeau", None]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tbx", TBX[:-20], "is broken XML"),
        ("a.tmx", TMX[:-30], "is broken XML"),
        ("a.tmx", TMX.replace("<seg>", "<seg>&nothing;"), "is broken XML"),
        ("a.tmx", "<tmx><body></body></tmx>", "has no entry"),
        ("a.tmx", '<!DOCTYPE tmx [<!ENTITY a "b">]><tmx/>', "defines entities"),
        ("a.csv", "", "has no entry"),
        ("a.bin", base64.b64encode(b"nothing that anybody knows").decode(), "is of no format that is known"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(XbsqlError, match=said) as error:
        read_terms(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(XbsqlError, match=r"xb.termbase: there is no file"):
        read_terms(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('term,translation\nhat,chapeau\nbag,"sac\nshoe,chaussure\n', 3),
        ('term,translation\n"hat,chapeau\nbag,sac\n', 2),
        ('term,translation\nhat,"chapeau"x\n', 2),
    ],
)
def test_a_quote_that_stays_open_is_told_with_its_line(tmp_path, text, line):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(XbsqlError, match=f"xb.termbase: 'a.csv' is broken from line {line} on"):
        read_terms(tmp_path / "a.csv")


def test_a_line_end_inside_a_cell_is_a_blank(tmp_path):
    (tmp_path / "a.csv").write_text('term,translation\n"water\nbottle","gourde ""sport"""\n5" nail,clou\n')
    found = [(row.term, row.translation) for row in read_terms(tmp_path / "a.csv")]
    assert found == [("water bottle", 'gourde "sport"'), ('5" nail', "clou")]
