"""Entities from SQL and Python: offers of several markets, bad inputs, order, evidence beside the text."""

import random

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql import errors

EN = [
    "olive oil",
    "green tea",
    "black coffee",
    "hand cream",
    "shampoo",
    "dog food",
    "garden hose",
    "desk lamp",
]
DE = [
    "Olivenöl", "grüner Tee", "schwarzer Kaffee", "Handcreme", "Shampoo", "Hundefutter", "Gartenschlauch",
    "Schreibtischlampe",
]  # fmt: skip
FR = [
    "huile d'olive", "thé vert", "café noir", "crème pour les mains", "shampooing", "nourriture pour chien",
    "tuyau d'arrosage", "lampe de bureau",
]  # fmt: skip
BRANDS = ["Aurora", "Belmont", "Corvin"]
NAMES = {"UK": EN, "DE": DE, "FR": FR}


def offers(markets=("UK", "DE", "FR")):
    """24 products in every market; their ids repeat between markets and say which product it is."""
    return [
        {"id": f"{brand[0]}{place}", "market": market, "title": f"{brand} {name}"}
        for market in markets
        for brand in BRANDS
        for place, name in enumerate(NAMES[market])
    ]


def eans(count):
    """So many GTIN-13 with right check digits."""
    for number in range(count):
        digits = f"40063{number * 7919 % 10_000_000:07d}"
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
        yield f"{digits}{-total % 10}"


@pytest.fixture(scope="module")
def con():
    con = xbsql.connect()
    yield con
    con.close()


def groups(found):
    """The entities of more than one row, as sets of (market, id)."""
    by = {}
    for row in found.to_pylist():
        by.setdefault(row["entity"], set()).add((row["market"], row["id"]))
    return {frozenset(rows) for rows in by.values() if len(rows) > 1}


def asked(con, rows, **more):
    return xbsql.entities(con, pa.Table.from_pylist(rows), "id", "market", "title", **more)


def test_one_product_in_every_market_is_one_entity(con):
    found = asked(con, offers())
    right = {frozenset((market, f"{b[0]}{k}") for market in NAMES) for b in BRANDS for k in range(8)}
    assert len(groups(found) & right) >= 20
    rows = found.to_pylist()
    assert [row["entity"] for row in rows] == sorted(row["entity"] for row in rows)
    for row in rows:
        assert (row["score"] is None) == (row["entity_score"] is None)
        assert row["score"] is None or 0.5 <= row["score"] <= 1
        assert row["score"] is None or 0 <= row["entity_score"] <= row["score"]


def test_sql_and_python_agree_in_any_order_of_rows_and_tables(con):
    rows = offers()
    expected = groups(asked(con, rows))
    random.Random(1).shuffle(rows)
    con.register("shuffled", pa.Table.from_pylist(rows))
    assert groups(con.sql("FROM xb.entities(shuffled, id, market, title)").to_arrow_table()) == expected
    assert groups(asked(con, offers(("FR", "UK", "DE")))) == expected


def test_ids_and_markets_keep_their_types(con):
    con.execute(
        "CREATE OR REPLACE TABLE typed AS SELECT * FROM (VALUES "
        "(1, 10, 'Aurora green tea'), (2, 10, 'Aurora grüner Tee'), (2, NULL, 'Aurora thé vert'), "
        "(NULL, 11, 'Aurora tea')) t(shop, sku, title)"
    )
    found = con.sql("FROM xb.entities(typed, sku, shop, title) ORDER BY market, id")
    assert [str(kind) for kind in found.types] == ["BIGINT", "INTEGER", "INTEGER", "DOUBLE", "DOUBLE"]
    rows = found.fetchall()
    assert len(rows) == 4
    assert rows[-1][1:4] == (None, 11, None)  # of no market, alone


def test_a_product_listed_twice_and_a_market_of_one_row(con):
    rows = offers(("UK", "DE"))
    twice = [row | {"id": "again"} for row in rows if row["title"] == "Aurora green tea"]
    one = [{"id": "x", "market": "FR", "title": "Aurora thé vert"}]
    found = asked(con, rows + twice + one).to_pylist()
    for entity in {row["entity"] for row in found}:
        markets = [row["market"] for row in found if row["entity"] == entity]
        assert len(markets) == len(set(markets))
    many = groups(asked(con, rows + twice, many=True))
    assert any({("UK", "again"), ("UK", "A1")} <= each for each in many)


def test_what_names_nothing_stands_alone_and_no_rows_are_none(con):
    rows = [{"id": k, "market": m, "title": t} for m in "ab" for k, t in enumerate(["n/a", "", None, "-"])]
    found = asked(con, rows)
    assert len(set(found["entity"].to_pylist())) == 8
    assert found["score"].null_count == 8
    con.execute("CREATE OR REPLACE TABLE nothing_yet (id INT, market VARCHAR, title VARCHAR)")
    assert con.sql("FROM xb.entities(nothing_yet, id, market, title)").fetchall() == []
    assert len(xbsql.entities(con, "nothing_yet", "id", "market", "title")) == 0


def test_sizes_that_contradict_each_other_are_not_joined_by_way_of_a_third(con):
    rows = [
        {"id": 1, "market": "UK", "title": "Aurora green tea 100 g"},
        {"id": 1, "market": "DE", "title": "Aurora grüner Tee"},
        {"id": 1, "market": "FR", "title": "Aurora thé vert 250 g"},
    ]
    for each in groups(asked(con, rows, threshold=0.01)):
        assert not {("UK", 1), ("FR", 1)} <= each
    assert {("UK", 1), ("FR", 1)} <= set().union(*groups(asked(con, rows, threshold=0.01, variants=True)))


def with_gtins(rows, **more):
    """Rows with a GTIN a product, and titles that tell the products of a brand apart no longer."""
    numbers = dict(zip(sorted({row["id"] for row in rows}), eans(100), strict=False))
    return [
        row | {"title": row["title"].split()[0], "beside": {"gtin": numbers[row["id"]], **more}}
        for row in rows
    ]


def test_a_gtin_joins_what_titles_do_not_tell_apart(con):
    rows = with_gtins(offers())
    for k, row in enumerate(rows):  # as markets write it: with blanks, without the leading zero
        row["beside"]["gtin"] = [
            row["beside"]["gtin"],
            f" {row['beside']['gtin'][:6]} {row['beside']['gtin'][6:]}",
        ][k % 2]
    found = groups(asked(con, rows, beside="beside"))
    assert len(found) == 24
    assert all(len({id for _, id in each}) == 1 and len(each) == 3 for each in found)


def test_wrong_check_digits_and_one_gtin_on_every_row_say_nothing(con):
    rows = offers()
    plain = groups(asked(con, rows))
    number = next(eans(1))
    wrong = f"{number[:-1]}{(int(number[-1]) + 1) % 10}"
    for given in (number, wrong, "0000000000000"):
        beside = [row | {"beside": {"gtin": given, "brand": "unknown", "price": 9999.0}} for row in rows]
        assert groups(asked(con, beside, beside="beside")) == plain


def test_a_brand_tells_apart_what_titles_do_not(con):
    rows = []
    for row in offers():
        brand, name = row["title"].split(" ", 1)
        place = (BRANDS.index(brand) + sorted(NAMES).index(row["market"])) % 3  # ids in another order each
        rows.append(row | {"id": f"{place}{row['id']}", "title": name, "beside": {"brand": brand.upper()}})
    found = groups(asked(con, rows, beside="beside"))
    blind = groups(asked(con, rows))
    right, wrong = (sum(len({id[1:] for _, id in each}) == 1 for each in some) for some in (found, blind))
    assert right >= 20
    assert wrong <= 3


def test_settled_entities_keep_their_rows_and_new_offers_are_placed(con):
    rows = offers()
    known = {
        (row["market"], row["id"]): row["entity"] for row in asked(con, offers(("UK", "DE"))).to_pylist()
    }
    again = [row | {"entity": known.get((row["market"], row["id"]))} for row in rows]
    found = asked(con, again, entity="entity")
    now = {(row["market"], row["id"]): row["entity"] for row in found.to_pylist()}
    for one in known:
        for other in known:
            assert (known[one] == known[other]) == (now[one] == now[other])
    placed = [each for each in groups(found) if any(market == "FR" for market, _ in each)]
    assert len(placed) >= 20


BAD = {
    "threshold := 1.5": "threshold is 1.5; give a probability",
    "beside := price": "beside is double; give a STRUCT",
    "beside := {'gtin': price}": "the gtin is double; give text or whole numbers",
    "beside := {'price': title}": "the price is string; give a number",
    "beside := {'made': DATE '2020-01-01'}": "made in beside is date32.*; give text, a number",
    "entity := 1": "entity '1' holds two rows of one market; take one out, or allow it",
}


@pytest.mark.parametrize("given", BAD)
def test_mistakes_are_one_line(con, given):
    con.register("goods", pa.Table.from_pylist([row | {"price": 1.5} for row in offers(("UK", "DE"))]))
    with pytest.raises(duckdb.Error, match=BAD[given]):
        con.sql(f"FROM xb.entities(goods, id, market, title, {given})").fetchall()


def test_a_market_column_of_a_value_a_row_and_a_quoted_column_are_refused(con):
    rows = [{"id": k, "market": str(k), "title": f"tea {k}"} for k in range(150)]
    with pytest.raises(errors.XbsqlError, match="market has 150 values"):
        asked(con, rows)
    con.register("goods", pa.Table.from_pylist(offers(("UK", "DE"))))
    with pytest.raises(duckdb.Error, match="text is the text 'title' in every row"):
        con.sql("FROM xb.entities(goods, id, market, 'title')").fetchall()


def test_an_entity_that_joins_everything_is_refused(con):
    rows = [{"id": k, "market": "ab"[k % 2], "title": "green tea"} for k in range(160)]
    with pytest.raises(
        errors.XbsqlError, match=r"one entity would hold \d+ of 160 rows, such as 'green tea'"
    ):
        asked(con, rows, many=True)
    assert max(len(each) for each in groups(asked(con, rows))) == 2


def test_blocks_are_never_joined_and_shards_change_nothing(con, monkeypatch):
    rows = [
        row | {"kind": "drink" if row["id"][1] in "12" else None if row["id"] == "A0" else "else"}
        for row in offers()
    ]
    whole = asked(con, rows, block="kind")
    kinds = {row["id"]: row["kind"] for row in rows}
    for each in groups(whole):
        assert len({kinds[id] for _, id in each}) == 1
    assert whole.filter(pc.equal(whole["id"], "A0"))["score"].null_count == 3
    monkeypatch.setattr("xbsql.session.offer_shards.SHARD", 1)
    labels = [{"lmarket": "DE", "lid": "A1", "rmarket": "UK", "rid": "A1", "match": False}]
    assert (
        xbsql.score_pairs(con, pa.Table.from_pylist(rows), "id", "market", "title", block="kind")["score"][
            0
        ].as_py()
        > 0.9
    )
    sharded = asked(con, rows, block="kind", labels=pa.Table.from_pylist(labels))
    apart = [each for each in groups(sharded) if ("DE", "A1") in each]
    assert not any(("UK", "A1") in each for each in apart)
    assert len(groups(sharded) & groups(whole)) >= 18


def test_offers_of_one_id_and_title_are_told_apart_whatever_their_order(con):
    rows = [
        {"id": 1, "market": "DE", "title": "grüner Tee", "beside": {"price": 3.0, "colour": "red"}},
        {"id": 1, "market": "DE", "title": "grüner Tee", "beside": {"price": 9.0, "colour": "blue"}},
        {"id": 1, "market": "UK", "title": "green tea", "beside": {"price": 3.0, "colour": "blue"}},
    ]
    answers = {
        tuple(asked(con, order, beside="beside", threshold=0.0)["score"].to_pylist())
        for order in (rows, rows[::-1], [rows[1], rows[2], rows[0]])
    }
    assert len(answers) == 1


@pytest.mark.parametrize("kind", ["HUGEINT", "UBIGINT", "DECIMAL(18, 2)", "DOUBLE", "INTEGER"])
def test_settled_numbers_of_any_type_are_kept(con, kind):
    """A sum or a number beside NULL is no BIGINT, and is a whole number all the same."""
    found = asked(con, offers(("UK", "DE"))).to_pylist()
    number = {(row["market"], row["id"]): row["entity"] + 100 for row in found}
    rows = [row | {"known": number.get((row["market"], row["id"]))} for row in offers()]
    con.register("settled", pa.Table.from_pylist(rows))
    query = f"SELECT market, id, entity FROM xb.entities(settled, id, market, title, entity := known::{kind})"
    now = {(market, id): entity for market, id, entity in con.sql(query).fetchall()}
    assert {key: now[key] for key in number} == number


@pytest.mark.parametrize("kind", ["HUGEINT", "UBIGINT", "BIGINT"])
def test_a_settled_number_that_none_can_follow_is_refused(con, kind):
    con.register("goods", pa.Table.from_pylist(offers(("UK",))[:1]))
    with pytest.raises(duckdb.Error, match="an entity is 9223372036854775807; give numbers of at most"):
        con.sql(
            f"FROM xb.entities(goods, id, market, title, entity := 9223372036854775807::{kind})"
        ).fetchall()


def test_an_offer_is_named_by_a_number_too(con):
    rows = [row | {"id": place % 24} for place, row in enumerate(offers())]
    table = pa.Table.from_pylist(rows)
    found = xbsql.explain_match(con, table, "id", "market", "title", "UK", 3, "FR", 3)
    again = xbsql.explain_match(con, table, "id", "market", "title", "UK", "3", "FR", "3")
    assert found == again
    assert found["total"][-1].as_py() > 0


def test_offers_without_any_text_are_told_by_what_stands_beside(con):
    """In Python, where no column is named, as where SQL says NULL."""
    rows = [row | {"beside": {"gtin": ean}} for row, ean in zip(offers(), list(eans(24)) * 3, strict=True)]
    con.register("coded", pa.Table.from_pylist(rows))
    said = con.sql("FROM xb.entities(coded, id, market, NULL, beside := beside)").to_arrow_table()
    found = xbsql.entities(con, "coded", "id", "market", None, beside="beside")
    assert groups(found) == groups(said)
    assert len(groups(found)) == 24
