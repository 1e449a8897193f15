"""The report of models: what the functions say, whole in itself, and whole where a model is not."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql import cli
from xbsql.errors import XbsqlError
from xbsql.pages import report

VOID = {"meta", "line", "circle", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """What is open, what is asked from elsewhere, and the texts of a page."""

    def __init__(self):
        super().__init__()
        self.open, self.asked, self.texts, self.headings = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.asked += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("h2", "h3"):
            self.headings.append(data)


def read(path):
    page = Page()
    page.feed(path.read_text())
    assert page.open == []
    assert all(asked.startswith("#") for asked in page.asked)
    return page


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("report") / "shop.duckdb")
    rng = np.random.default_rng(0)
    n = 300
    weight, mode = rng.gamma(2, 3, n), rng.choice(["air", "sea <fast>"], n)
    days = 2 + weight / 3 + 9 * (mode != "air") + rng.normal(0, 0.5, n)
    abroad = [d + 1 if k < 40 else None for k, d in enumerate(days)]
    con.register("home", pa.table({"weight": weight, "mode": mode, "days": days}))
    con.register("abroad", pa.table({"weight": weight * 1.2, "mode": mode, "days": abroad}))
    con.execute("CALL xb.fit('days', home, 'days')")
    con.execute("CALL xb.transfer('days_jp', abroad, 'days', base := 'days', source := home, market := 'JP')")
    yield con
    con.close()


def test_a_report_says_what_the_functions_say(con, tmp_path):
    path = tmp_path / "page.html"
    row = con.sql(f"FROM xb.report(['days_jp', 'days'], '{path}', tbl := abroad)").fetchall()[0]
    assert row == (str(path), 2, path.stat().st_size)
    assert path.stat().st_size < 2_000_000
    page = read(path)
    assert page.headings[:2] == ["At a glance", "days_jp"]
    for heading in ("What it is made of", "What it looks at", "Whether the rows have moved"):
        assert heading in page.headings
    outcome = con.sql("SELECT verdict FROM xb.verdict('days_jp')").fetchall()[0][0]
    assert outcome in page.texts
    first = con.sql(
        "FROM xb.explain('days_jp', abroad, per_row := false) SELECT feature ORDER BY contribution DESC"
    )
    assert first.fetchall()[0][0] in page.texts
    assert "sea <fast>" in " ".join(page.texts), "values are escaped, not read as markup"


def test_without_rows_a_report_says_less_and_repeats_nothing(con, tmp_path):
    path = tmp_path / "page.html"
    row = con.sql(f"FROM xb.report(['days', 'days'], '{path}')").fetchall()[0]
    assert row[1] == 1
    page = read(path)
    assert "What it looks at" not in page.headings
    assert any("HOME MODEL" in text for text in page.texts)


def test_what_more_labels_bring_is_drawn_where_it_is_asked_for(con, tmp_path):
    path = tmp_path / "page.html"
    con.execute(f"FROM xb.report(['days_jp'], '{path}', tbl := abroad, curves := true)").fetchall()
    page = read(path)
    assert "What more labels bring" in page.headings
    assert path.read_text().count("<div class='curve'><svg") == 1
    assert {"target only", "blend", "measured", "extrapolated"} <= set(page.texts)
    bare = con.table("home").to_arrow_table().slice(0, 40).drop_columns(["days"])
    xbsql.report(con, ["days"], str(path), bare, curves=True)
    assert any("no label column 'days'" in text for text in read(path).texts)


def test_a_broken_model_has_a_card_that_says_so(con, tmp_path):
    con.execute("CALL xb.fit('broken', home, 'days', options := {'seed': 7})")
    folder = next(
        row[0] for row in con.sql("FROM xb.model_card('broken') SELECT value WHERE key = 'path'").fetchall()
    )
    manifest = next(Path(folder).glob("*.json"))
    manifest.write_text("[]")
    path = tmp_path / "page.html"
    con.execute(f"FROM xb.report(['broken', 'days'], '{path}', tbl := abroad)").fetchall()
    page = read(path)
    assert "BROKEN" in page.texts
    assert any("cannot be read" in text for text in page.texts)
    assert page.headings.count("What it looks at") == 1


def test_rows_that_a_model_cannot_read_are_told_and_nothing_is_lost(con, tmp_path):
    path = tmp_path / "page.html"
    con.register("other", pa.table({"colour": ["red", "blue"]}))
    con.execute(f"FROM xb.report(['days'], '{path}', tbl := other)").fetchall()
    page = read(path)
    assert sum("Not shown: " in text for text in page.texts) == 3


@pytest.mark.parametrize(
    ("models", "path", "message"),
    [
        ("[]", "page.html", "empty list"),
        ("'nope'", "page.html", "no model 'nope'"),
        ("5", "page.html", r"models must be names of models: \['days_de', 'days_jp'\], got 5"),
        ("['nope']", "page.html", "no model 'nope'"),
        ("['days']", "/no/such/page.html", r"page '/no/such/page.html' cannot be written \(there is no such"),
        ("['days']", "/tmp", r"page '/tmp' cannot be written \(it is a folder\)"),
    ],
)
def test_a_mistake_is_one_clear_line(con, models, path, message):
    with pytest.raises(Exception, match=message) as caught:
        con.sql(f"FROM xb.report({models}, '{path}')").fetchall()
    assert re.search(r"xb\.report: ", str(caught.value))


def test_a_known_column_that_the_rows_lack_is_an_error(con, tmp_path):
    with pytest.raises(XbsqlError, match=r"xb\.report: no column 'nope'; tbl has weight, mode, days"):
        xbsql.report(con, ["days"], str(tmp_path / "known.html"), tbl="abroad", known=["nope"])
    assert not (tmp_path / "known.html").exists()


def test_names_and_places_are_checked_before_any_work(con, tmp_path, monkeypatch):
    from xbsql.pages import market, report

    for module, work in ((report, "report"), (market, "comparison")):
        monkeypatch.setattr(module, work, lambda *given, **more: pytest.fail("work was begun"))
    page = str(tmp_path / "page.html")
    home = con.table("home").to_arrow_table()
    abroad = home.append_column("market", pa.array(["JP"] * len(home)))
    for models, path, said in (
        (["days", "nope"], page, "no model 'nope'"),
        (["days"], str(tmp_path), "cannot be written"),
    ):
        with pytest.raises(XbsqlError, match=f"^xb.report: .*{said}"):
            xbsql.report(con, models, path, home)
        with pytest.raises(XbsqlError, match=f"^xb.market_report: .*{said}"):
            xbsql.market_report(con, home, abroad, path, models=models)
    with pytest.raises(XbsqlError, match="curves are asked for without rows; give tbl"):
        xbsql.report(con, ["days"], page, curves=True)


def test_the_command_line_writes_it(con, tmp_path, capsys):
    file = con.sql("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0][0]
    con.execute("CREATE OR REPLACE TABLE parcels AS FROM abroad")
    con.execute("CHECKPOINT")
    path = tmp_path / "page.html"
    store = f"{file}.xbsql"
    con.close()
    assert (
        cli.main(["report", file, "days_jp", "--store", store, "--table", "parcels", "--page", str(path)])
        == 0
    )
    assert str(path) in capsys.readouterr().out
    assert "days_jp" in read(path).headings


def test_a_forecast_is_drawn_beside_home_and_reads_every_row_of_its_series(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report, "MOST_ROWS", 40)
    shop, path = str(tmp_path / "shop.duckdb"), tmp_path / "page.html"
    with xbsql.connect(shop, progress=False) as con:
        con.execute(
            """CREATE TABLE sales AS SELECT 'sku ' || s AS unique_id, DATE '2024-01-01' + d::INTEGER AS ds,
               1 + s % 7 AS y FROM range(3) t(s), range(60) u(d)"""
        )
        xbsql.fit(con, "demand", "sales", "y", options={"horizon": 2, "frequency": "D"})
        plain = f"FROM xb.report(['demand'], '{path}', tbl := sales{{}})"
        con.execute(plain.format("")).fetchall()
        assert "home, at this level" not in read(path).texts
        assert "then 24 expected in 8 periods" in path.read_text(), "a thinned series would sell less"
        con.execute(plain.format(", home := sales")).fetchall()
        assert "home, at this level" in read(path).texts
        with pytest.raises(XbsqlError, match="home is given without rows"):
            xbsql.report(con, ["demand"], str(path), home="sales")
    asked = ["report", shop, "demand", "--home", "sales", "--page", str(path)]
    assert cli.main(asked) == 1
    assert "--home is given without --market or --table" in capsys.readouterr().err
    path.unlink()
    assert cli.main([*asked, "--table", "sales"]) == 0
    assert "home, at this level" in read(path).texts
