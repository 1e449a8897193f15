"""Pairs listed, explained and reviewed, and what labels do."""

import re

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import xbsql
from xbsql import errors
from xbsql.pages.pairs import thresholds

NAMES = {
    "UK": ["olive oil", "green tea", "black coffee", "hand cream", "garden hose", "desk lamp"],
    "DE": [
        "Olivenöl", "grüner Tee", "schwarzer Kaffee", "Handcreme", "Gartenschlauch", "Schreibtischlampe",
    ],
    "FR": [
        "huile d'olive", "thé vert", "café noir", "crème pour les mains", "tuyau d'arrosage",
        "lampe de bureau",
    ],
}  # fmt: skip


def offers(markets=("UK", "DE", "FR")):
    """18 products in every market, their ids alike."""
    return [
        {"id": f"{brand[0]}{place}", "market": market, "title": f"{brand} {name}"}
        for market in markets
        for brand in ("Aurora", "Belmont", "Corvin")
        for place, name in enumerate(NAMES[market])
    ]


def asked(con, rows, **more):
    return xbsql.entities(con, pa.Table.from_pylist(rows), "id", "market", "title", **more)


def groups(found):
    """The entities of more than one row, as sets of (market, id)."""
    by = {}
    for row in found.to_pylist():
        by.setdefault(row["entity"], set()).add((row["market"], row["id"]))
    return {frozenset(rows) for rows in by.values() if len(rows) > 1}


@pytest.fixture(scope="module")
def con():
    con = xbsql.connect()
    rows = [row | {"more": {"brand": row["title"].split()[0]}} for row in offers(("UK", "DE"))]
    con.register("goods", pa.Table.from_pylist(rows))
    yield con
    con.close()


def test_pairs_are_listed_with_what_speaks_for_them(con):
    found = con.sql("FROM xb.score_pairs(goods, id, market, title, beside := more)").to_arrow_table()
    rows = found.to_pylist()
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert sum(row["lid"] == row["rid"] for row in rows[:20]) >= 18
    assert all(row["lmarket"] != row["rmarket"] and row["score"] >= 0.5 for row in rows)
    assert found.equals(xbsql.score_pairs(con, "goods", "id", "market", "title", beside="more"))
    every = con.sql("FROM xb.score_pairs(goods, id, market, title, threshold := 0)").fetchall()
    assert len(every) > len(rows)


def test_the_bits_of_an_explanation_add_up_to_the_odds_of_the_pair(con):
    best = con.sql("FROM xb.score_pairs(goods, id, market, title, beside := more)").fetchall()[0]
    rows = xbsql.explain_match(con, "goods", "id", "market", "title", *best[:4], beside="more").to_pylist()
    assert rows[0]["evidence"].startswith("prior")
    assert rows[0]["bits"] < 0
    assert rows[-1]["total"] == pytest.approx(sum(row["bits"] for row in rows))
    assert rows[-1]["evidence"] == "the entity and other candidates"
    assert 1 / (1 + 2 ** -rows[-2]["total"]) == pytest.approx(best[4], abs=1e-9)
    joined = con.sql("FROM xb.entities(goods, id, market, title, beside := more)").fetchall()
    sure = [score for _, market, id, score, _ in joined if (market, id) in (best[:2], best[2:4])]
    assert 1 / (1 + 2 ** -rows[-1]["total"]) == pytest.approx(min(sure), abs=1e-9)
    brand = next(row for row in rows if row["evidence"] == "brand")
    assert brand["left"] == brand["right"]
    assert brand["bits"] > 0
    turned = xbsql.explain_match(
        con, "goods", "id", "market", "title", *best[2:4], *best[:2], beside="more"
    ).to_pylist()
    assert [(row["left"], row["bits"]) for row in turned] == [(row["right"], row["bits"]) for row in rows]


def test_a_review_asks_for_what_nobody_can_tell(con, tmp_path):
    page = tmp_path / "pairs.html"
    given = "goods, id, market, title, n := 5"
    found = con.sql(f"FROM xb.review({given}, page := '{page}')").to_arrow_table()
    assert len(found) == 5
    assert found["match"].null_count == 5
    assert found["doubt"].to_pylist() == sorted(found["doubt"].to_pylist(), reverse=True)
    text = page.read_text()
    assert "<mark>" in text
    assert found["ltext"][0].as_py().split()[-1] in text
    labels = found.set_column(found.column_names.index("match"), "match", pa.array([True] * 5))
    con.register("labelled", labels.select(["lmarket", "lid", "rmarket", "rid", "match"]))
    again = con.sql(f"FROM xb.review({given}, labels := labelled)").fetchall()
    assert not {row[:4] for row in again} & {tuple(row.values())[:4] for row in labels.to_pylist()}


def label(one, other, match, markets=("DE", "UK")):
    return {"lmarket": markets[0], "lid": one, "rmarket": markets[1], "rid": other, "match": match}


def test_pages_show_a_waterfall_and_what_labels_say_of_thresholds(con, tmp_path):
    best = con.sql("FROM xb.score_pairs(goods, id, market, title, beside := more)").fetchall()[0]
    page, asked = tmp_path / "why.html", tmp_path / "asked.html"
    given = "goods, id, market, title, '{}', '{}', '{}', '{}', beside := more".format(*best[:4])
    rows = con.sql(f"FROM xb.explain_match({given}, page := '{page}')").to_arrow_table()
    text = page.read_text()
    assert text.count("<rect") == len(rows), "a bar a piece of evidence"
    assert f"In all: {1 / (1 + 2 ** -rows['total'][-1].as_py()):.1%}" in text
    labels = con.sql(
        "SELECT lmarket, lid, rmarket, rid, lid = rid AS match "
        "FROM xb.score_pairs(goods, id, market, title, threshold := 0)"
    ).to_arrow_table()
    con.register("said", labels)
    con.sql(f"FROM xb.review(goods, id, market, title, labels := said, page := '{asked}')").fetchall()
    assert f"Precision and recall of your {len(labels)} labels" in asked.read_text()
    assert asked.read_text().count("<polyline") == 2


def test_lines_of_thresholds_are_those_of_the_labels():
    drawn = thresholds(np.array([0.9, 0.8, 0.4]), np.array([True, False, True]))
    lines = re.findall(r"points='([^']*)'", drawn)
    precision, recall = ([tuple(map(float, p.split(","))) for p in line.split()] for line in lines)
    tall, wide = 240 - 2 * 36, 760 - 2 * 36
    assert [(round((x - 36) / wide, 2), round(1 - (y - 36) / tall, 2)) for x, y in precision] == [
        (0.0, 0.67), (0.4, 0.67), (0.8, 0.5), (0.9, 1.0),
    ]  # fmt: skip
    assert [round(1 - (y - 36) / tall, 2) for _, y in recall] == [1.0, 1.0, 0.5, 0.5, 0.0]


def test_labels_tie_and_keep_apart(con):
    rows = offers(("UK", "DE"))
    plain = groups(asked(con, rows))
    assert frozenset({("DE", "A1"), ("UK", "A1")}) in plain
    labels = pa.Table.from_pylist(
        [label("A1", "A1", False), label("A2", "B5", True), label("A3", "A3", None)]
    )
    found = groups(asked(con, rows, labels=labels))
    assert not any({("DE", "A1"), ("UK", "A1")} <= each for each in found)
    assert frozenset({("DE", "A2"), ("UK", "B5")}) in found
    assert groups(asked(con, rows, labels=labels.slice(0, 0))) == plain


BAD = {
    "both ways": ([label("A1", "A1", True), label("A1", "A1", False)], "are one product and are not"),
    "not there": ([label("A1", "Z9", True)], "labels name an offer that is not there: UK Z9"),
    "one market": (
        [label("A1", "A1", True), label("A2", "A1", True)],
        "they tie DE A1 to DE A2; which are labelled as two products, or are of one market",
    ),
    "a circle": (
        [
            label("A1", "A1", True),
            label("A1", "A1", True, ("UK", "FR")),
            label("A1", "A1", False, ("DE", "FR")),
        ],
        "they tie DE A1 to FR A1",
    ),
    "no truth": ([label("A1", "A1", "yes")], "match in labels is string; give true, false or NULL"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_labels_that_cannot_be_are_refused(con, case):
    labels, said = BAD[case]
    with pytest.raises(errors.XbsqlError, match=said):
        asked(con, offers(), labels=pa.Table.from_pylist(labels))


MISTAKES = {
    "explain_match(goods, id, market, title, 'UK', 'A1', 'UK', 'A2')": "both offers are of market 'UK'",
    "explain_match(goods, id, market, title, 'US', 'A1', 'UK', 'A2')": "no market 'US'; there is DE, UK",
    "explain_match(goods, id, market, title, 'DE', 'A1', 'UK', 'A99')": "no offer of market UK with id 'A99'",
    "review(goods, id, market, title, n := 0)": "n is 0; give 1 to 10000",
    "review(goods, id, market, title, n := 1, page := '/dev/null/x')": "page '/dev/null/x' cannot be",
    "compare_pairs(goods, title, title)": "the left offer is string; give a STRUCT with any of text, desc",
    "compare_pairs(goods, {'brand': title}, {'text': title})": "the left offer has no text; give {'text'",
    "compare_pairs(goods, {'text': title, 'size': id}, {'text': id})": "no field of an offer 'size'",
    "compare_pairs(goods, {'text': 1}, {'text': title})": "the text is int32; cast it to VARCHAR",
    "compare_pairs(goods, {'text': id, 'price': id}, {'text': id})": "the price is string; give a number",
    "score_pairs(goods, id, market, title, threshold := -1)": "threshold is -1.0; give a probability",
}


@pytest.mark.parametrize("call", MISTAKES)
def test_mistakes_are_one_line(con, call):
    with pytest.raises(duckdb.Error, match=MISTAKES[call]):
        con.sql(f"FROM xb.{call}").fetchall()


def test_given_pairs_get_columns_that_tell_one_product_from_two(con):
    rows = [
        {
            "a": f"Sony camera KX-TG{k} black",
            "b": f"kxtg{k + off} sony {k}",
            "price": k + 1.5,
            "same": off == 0,
        }
        for k in range(100, 140)
        for off in (0, 7)
    ]
    rows.append({"a": None, "b": "sony", "price": None, "same": None})
    con.register("couples", pa.Table.from_pylist(rows))
    found = con.sql(
        "FROM xb.compare_pairs(couples, {'text': a, 'price': price, 'gtin': '4006381333931'}, "
        "{'text': b, 'price': price * 2, 'gtin': '14006381333938'})"
    ).to_arrow_table()
    assert found.column_names[:4] == ["a", "b", "price", "same"]
    same, other = (found.filter(pc.equal(found["same"], each)) for each in (True, False))
    assert min(same["codes_both"].to_pylist()) > max(other["codes_both"].to_pylist())
    assert min(found["text_behind_left"].to_pylist()) >= 0
    assert same["price_apart"].to_pylist() == pytest.approx([0.6931] * 40, abs=1e-3)
    assert set(found["gtin_same"].to_pylist()) == {0.0}
    last = found.to_pylist()[-1]
    assert [last[name] for name in ("text_cosine", "price_apart", "brand_same")] == [None] * 3
    named = con.sql("SELECT *, {'text': a} AS l, {'text': b} AS r FROM couples").to_arrow_table()
    again = xbsql.compare_pairs(con, named, "l", "r")
    assert again["codes_both"].to_pylist() == found["codes_both"].to_pylist()


def test_a_page_that_is_no_text_is_refused(con):
    with pytest.raises(duckdb.Error, match=r"xb.review: page must be text, got 5"):
        con.sql("FROM xb.review(goods, id, market, title, n := 2, page := 5)").fetchall()
    with pytest.raises(errors.XbsqlError, match=r"xb.review: page must be text, got 5"):
        xbsql.review(con, "goods", "id", "market", "title", n=2, page=5)


@pytest.mark.parametrize("function", ["score_pairs", "review", "explain_match"])
@pytest.mark.parametrize(
    ("id", "said"), [("A1", "market 'DE' has two offers of id 'A1'"), (None, "market 'DE' has no id")]
)
def test_offers_that_nothing_names_are_refused(con, function, id, said):
    rows = pa.Table.from_pylist([*offers(("UK", "DE")), {"id": id, "market": "DE", "title": "Corvin Tee"}])
    pair = ["DE", "A1", "UK", "A1"] if function == "explain_match" else []
    with pytest.raises(errors.XbsqlError, match=f"xb.{function}: .*{said}"):
        getattr(xbsql, function)(con, rows, "id", "market", "title", *pair)


def settled(numbers):
    """Offers of two markets of which some have a settled entity."""
    return [row | {"entity": numbers.get((row["market"], row["id"]))} for row in offers(("UK", "DE"))]


def test_settled_numbers_stay_and_new_ones_follow(con):
    rows = settled({("UK", "A1"): 101, ("DE", "A1"): 101, ("UK", "A2"): 102})
    found = {(r["market"], r["id"]): r["entity"] for r in asked(con, rows, entity="entity").to_pylist()}
    assert found["UK", "A1"] == found["DE", "A1"] == 101
    assert found["UK", "A2"] == found["DE", "A2"] == 102
    others = sorted({number for number in found.values() if number not in (101, 102)})
    assert others == list(range(103, 103 + len(others)))
    con.register("settled", pa.Table.from_pylist(rows))
    again = con.sql("FROM xb.entities(settled, id, market, title, entity := entity)").fetchall()
    assert {row[1:3]: row[0] for row in again} == found


AGAINST = {
    "apart": ([label("A1", "A1", False)], "DE A1 of entity '101' and UK A1 of entity '101' .* two products"),
    "across": ([label("A1", "A2", True)], "DE A1 of entity '101' and UK A2 of entity '102' .* one product"),
    "by way of a third": (
        [label("A1", "B1", True), label("B2", "B1", True), label("B2", "A2", True)],
        "entity '101' and UK A2 of entity '102' .* one product",
    ),
}


@pytest.mark.parametrize("case", AGAINST)
def test_labels_that_settled_entities_contradict_are_refused(con, case):
    labels, said = AGAINST[case]
    rows = settled({("UK", "A1"): 101, ("DE", "A1"): 101, ("UK", "A2"): 102})
    with pytest.raises(errors.XbsqlError, match=said):
        asked(con, rows, entity="entity", labels=pa.Table.from_pylist(labels), many=True)
