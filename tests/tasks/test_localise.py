"""A catalogue in another market: fields that are translated, the same everywhere, the market's own."""

import pyarrow as pa
import pytest

import xbsql
import xbsql.frame
from xbsql.errors import XbsqlError

COLOURS = {"red": "rouge", "blue": "bleu", "black": "noir", "white": "blanc", "green": "vert"}
THINGS = {"hat": "chapeau", "bag": "sac", "coat": "manteau", "towel": "torchon"}
PAIRS = [(f"{c} {t}", f"{THINGS[t].capitalize()} {COLOURS[c]}") for c in COLOURS for t in THINGS]
FIELDS = "{'title': 'translated', 'note': 'translated', 'price': 'market', 'sku': 'same'}"
GIVEN = {"title": "translated", "note": "translated", "price": "market", "sku": "same"}


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    con = xbsql.connect(tmp_path_factory.mktemp("localise") / "shop.duckdb")
    pairs = pa.table({"en": [a for a, _ in PAIRS], "fr": [b for _, b in PAIRS]})
    for name in ("shop", "other"):
        xbsql.fit(con, name, pairs, "fr", task="translate", options={"src": "en", "dst": "fr"})
    con.sql(
        """CREATE TABLE goods AS SELECT * FROM (VALUES
        (1, 'A-1', 'red hat', 'blue bag', 9.5), (2, 'A-2', 'green coat', NULL, 20.0),
        (3, 'A-3', NULL, '12', NULL)
        ) t(id, sku, title, note, price)"""
    )
    con.sql(f"CREATE TABLE done AS FROM xb.localise('shop', goods, {FIELDS})")
    con.sql("CREATE TABLE later AS FROM goods")
    con.sql("UPDATE later SET title = 'white towel' WHERE id = 2")
    con.sql("INSERT INTO later VALUES (4, 'A-4', 'black bag', 'red coat', 30.0)")
    con.sql("UPDATE done SET title = 'Bonnet rouge', price = 11 WHERE id = 1")
    yield con
    con.close()


def sql(con, query):
    return con.sql(f"SELECT * FROM ({query}) ORDER BY id").to_arrow_table().to_pylist()


def test_each_field_goes_its_way(con):
    rows = sql(con, f"FROM xb.localise('shop', goods, {FIELDS})")
    assert [row["title"] for row in rows] == ["Chapeau rouge", "Manteau vert", None]
    assert [row["note"] for row in rows] == ["Sac bleu", None, "12"]
    assert [row["sku"] for row in rows] == ["A-1", "A-2", "A-3"]
    assert [row["price"] for row in rows] == [None, None, None]
    assert [row["outdated"] for row in rows] == [["title", "note"], ["title"], ["note"]]
    assert dict(rows[0]["scores"])["title"] == 100
    assert rows[0]["translator"] == "shop"


def test_only_what_changed_is_translated_and_the_markets_own_stays(con):
    rows = sql(con, f"FROM xb.localise('shop', later, {FIELDS}, id := 'id', done := 'done')")
    assert [row["title"] for row in rows] == ["Bonnet rouge", "Torchon blanc", None, "Sac noir"]
    assert [row["outdated"] for row in rows] == [[], ["title"], [], ["title", "note"]]
    assert [row["price"] for row in rows] == [11, None, None, None]


def test_sql_python_and_polars_say_the_same(con):
    found = sql(con, f"FROM xb.localise('shop', later, {FIELDS}, id := 'id', done := done)")
    python = xbsql.localise(con, "shop", "later", GIVEN, id="id", done="done").sort_by("id")
    assert python.to_pylist() == found
    xbsql.frame.use(con)
    lazy = con.table("later").pl().lazy().xb.localise("shop", {"title": "translated"})
    fresh = sql(con, "FROM xb.localise('shop', later, {'title': 'translated'})")
    assert lazy.collect().sort("id")["title"].to_list() == [row["title"] for row in fresh]


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({"titel": "translated"}, {}, "no column 'titel'"),
        ({"title": "french"}, {}, "no mark of a field 'french'"),
        ({"title": "same"}, {}, "no field is translated; mark one"),
        ({"price": "translated"}, {}, "column 'price' holds decimal.*; mark it 'same' or 'market'"),
        (GIVEN, {"done": "done"}, "done needs an id; name the column"),
        (GIVEN, {"done": "goods", "id": "id"}, "no column 'digests'; done has"),
        (GIVEN, {"id": "key", "done": "done"}, "no column 'key'"),
    ],
)
def test_a_mistake_is_one_line(con, given, more, said):
    with pytest.raises(XbsqlError, match=said) as error:
        xbsql.localise(con, "shop", "goods", given, **more)
    assert str(error.value).startswith("xb.localise: ")
    assert "\n" not in str(error.value)


def test_a_result_of_another_model_is_refused(con):
    said = "xb.localise: done was translated by 'shop', not by 'other'"
    with pytest.raises(Exception, match=said):
        xbsql.localise(con, "other", "goods", GIVEN, id="id", done="done")
    with pytest.raises(Exception, match=said):
        con.sql(f"FROM xb.localise('other', goods, {FIELDS}, id := 'id', done := done)").fetchall()


def test_different_rows_of_one_id_in_an_earlier_result_are_refused(con):
    con.sql("CREATE OR REPLACE TABLE twice AS FROM done UNION ALL FROM done")
    call = f"FROM xb.localise('shop', goods, {FIELDS}, id := 'id', done := 'twice')"
    assert [row["title"] for row in sql(con, call)] == ["Bonnet rouge", "Manteau vert", None]
    con.sql("CREATE OR REPLACE TABLE twice AS FROM done UNION ALL "
            "SELECT * REPLACE (12 AS price) FROM done WHERE id = 1")  # fmt: skip
    said = "xb.localise: done has different rows whose id is '1'; keep one of them"
    with pytest.raises(Exception, match=said):
        sql(con, call)
    with pytest.raises(XbsqlError, match=said):
        xbsql.localise(con, "shop", "goods", GIVEN, id="id", done="twice")


@pytest.mark.parametrize("more", ["", ", id := 'id', done := 'done'"])
def test_a_number_that_shall_be_translated_is_one_line_in_sql_too(con, more):
    said = r"xb.localise: column 'price' holds DECIMAL\(3,1\), and texts are translated; mark it 'same' or"
    with pytest.raises(Exception, match=said):
        sql(con, f"FROM xb.localise('shop', goods, {{'price': 'translated'}}{more})")
