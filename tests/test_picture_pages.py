"""Pictures on pages: the sheet with what is near at home, and the report."""

import re
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql import sample
from xbsql.errors import XbsqlError

LITE = {"network": "lite0", "ignore": ["sku"]}


class Page(HTMLParser):
    """What a page asks for, and its texts."""

    def __init__(self):
        super().__init__()
        self.asked, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.asked += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_data(self, data):
        self.texts.append(data)


def read(path):
    page = Page()
    page.feed(path.read_text())
    assert all(asked.startswith("data:image/jpeg;base64,") for asked in page.asked)
    return page


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("pages") / "shop.duckdb")
    icons, photos = sample.pictures("US", 2), sample.pictures("JP", 2)
    shown = pa.array([not sku.endswith("1") for sku in photos["sku"].to_pylist()])
    photos = photos.set_column(1, "category", pc.if_else(shown, photos["category"].combine_chunks(), None))
    broken = pa.array([b"", *photos["photo"].to_pylist()[1:]], pa.binary())
    con.register("icons", icons)
    con.register("photos", photos.set_column(2, "photo", broken))
    con.register("words", pa.table({"title": ["a hat", "a shoe"] * 4, "kind": ["hat", "shoe"] * 4}))
    xbsql.fit(con, "kinds", icons, "category", options=LITE)
    xbsql.fit(con, "titles", con.sql("FROM words").to_arrow_table(), "kind", options={"text": ["title"]})
    yield con
    con.close()


def test_a_sheet_shows_picture_label_score_and_what_is_near_at_home(con, tmp_path):
    path = tmp_path / "sheet.html"
    found = con.sql(f"FROM xb.picture_sheet('kinds', photos, '{path}', home := icons)").fetchall()[0]
    assert found[:3] == (str(path), 15, 1)
    page = read(path)
    assert len(page.asked) == 2 * 15
    assert sum(text.startswith("home: ") for text in page.texts) == 15
    said = con.sql("SELECT xb.classify('kinds', photo), category FROM photos WHERE octet_length(photo) > 0")
    answers = [(answer["label"], answer["score"], label) for answer, label in said.fetchall()]
    scores = [float(score) for score in re.findall(r">[a-z]+ (\d+) %<", path.read_text())]
    assert scores == pytest.approx(sorted(100 * score for _, score, _ in answers), abs=0.51)
    labelled = [own == label for own, _, label in answers if label is not None]
    assert found[3] == pytest.approx(sum(labelled) / (len(labelled) + 1))  # the broken one has a label too
    assert path.read_text().count("class=wrong") == labelled.count(False)


def test_home_icons_are_nearest_to_themselves(con, tmp_path):
    path = tmp_path / "own.html"
    con.sql(f"FROM xb.picture_sheet('kinds', icons, '{path}', home := icons, n := 5)").fetchall()
    home = [text for text in read(path).texts if text.startswith("home: ")]
    assert len(home) == 5
    assert all(float(text.split()[-1]) > 0.99 for text in home)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ("xb.picture_sheet('titles', words, '{}')", "'titles' reads no pictures"),
        ("xb.picture_sheet('kinds', words, '{}')", "photo"),
        ("xb.picture_sheet('kinds', photos, '{}', home := words)", "no column of pictures 'photo'"),
        ("xb.picture_sheet('kinds', photos, '{}', n := 0)", "give a whole number, 1 to 2,000"),
        ("xb.picture_sheet('kinds', photos, '/no/such/folder/x.html')", "cannot be written"),
        ("xb.picture_sheet('none', photos, '{}')", "'none'"),
    ],
)
def test_a_sheet_that_cannot_be_made_is_one_line(con, tmp_path, call, match):
    with pytest.raises(Exception, match=match) as caught:
        con.sql(f"FROM {call.format(tmp_path / 'x.html')}").fetchall()
    assert isinstance(caught.value, XbsqlError) or "xb.picture_sheet" in str(caught.value)
    assert not (tmp_path / "x.html").exists()


def test_a_report_shows_pictures_and_not_their_bytes(con, tmp_path):
    path = tmp_path / "report.html"
    con.sql(f"FROM xb.report(['kinds'], '{path}', tbl := photos)").fetchall()
    page = read(path)
    assert "What it says of pictures" in page.texts
    assert len(page.asked) > 15, "also those that are to be labelled next"
    assert not any("\\x" in text for text in page.texts)
