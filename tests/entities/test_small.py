"""Small markets, blocks and tables: offers are joined for what they say, not for want of others."""

import pyarrow as pa
import pytest

import xbsql
from tests.goods import SAME, UNRELATED


@pytest.fixture(scope="module")
def con():
    con = xbsql.connect()
    yield con
    con.close()


def offers(names, rows, **beside):
    return [
        {"market": market, "id": place, "title": titles[place], "kind": f"k{place}", "beside": beside or None}
        for market, titles in names.items()
        for place in range(rows)
    ]


def joined(con, rows, **more):
    """The entities of more than one offer, as sets of (market, id)."""
    found = xbsql.entities(con, pa.Table.from_pylist(rows), "id", "market", "title", **more).to_pylist()
    groups = {}
    for row in found:
        groups.setdefault(row["entity"], set()).add((row["market"], row["id"]))
    return [group for group in groups.values() if len(group) > 1]


@pytest.mark.parametrize("rows", range(1, 6))
def test_unrelated_offers_are_not_joined_however_few_there_are(con, rows):
    given = offers(UNRELATED, rows)
    assert joined(con, given) == []
    assert joined(con, given, many=True) == []
    assert joined(con, given, block="kind") == []


@pytest.mark.parametrize("beside", [{"brand": "Aurora"}, {"brand": "Aurora", "price": 9.5, "new": True}])
def test_what_every_offer_has_joins_none(con, beside):
    for rows in (1, 2, 5):
        assert joined(con, offers(UNRELATED, rows, **beside), beside="beside") == []


@pytest.mark.parametrize("rows", range(1, 6))
def test_translations_are_joined_however_few_there_are(con, rows):
    found = joined(con, offers(SAME, rows))
    assert all(len({place for _, place in group}) == 1 for group in found)
    assert sum(len(group) for group in found) >= 0.6 * 3 * rows


def test_a_market_of_one_row_finds_its_counterpart_and_no_other(con):
    many = offers({"UK": SAME["UK"] + UNRELATED["UK"][1:4], "DE": SAME["DE"] + UNRELATED["DE"][:3]}, 8)
    there = {"market": "FR", "id": 0, "title": "thé vert", "kind": "k0", "beside": None}
    assert {("FR", 0), ("UK", 2), ("DE", 2)} in joined(con, [*many, there])
    alone = there | {"title": "vélo pour enfant"}
    assert not any(("FR", 0) in group for group in joined(con, [*many, alone]))
