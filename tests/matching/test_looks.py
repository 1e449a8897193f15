"""Pictures and prices beside the texts: what they propose, what they add, and what says nothing."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql import sample
from xbsql.linking.beside import MOST, says
from xbsql.matching.looks import Looks

COUNT = 12


@pytest.fixture(scope="module")
def vectors():
    """Pictures of one catalogue, and of another in another order: each is its counterpart with some noise."""
    rng = np.random.default_rng(0)
    own = unit(rng.normal(size=(COUNT, 32)))
    order = rng.permutation(COUNT)
    other = unit(own[order] + 0.05 * rng.normal(size=own.shape))
    return own, other, np.argsort(order)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def table(vectors, texts, **fields):
    image = pa.array(
        [None if row is None else list(map(float, row)) for row in vectors], pa.list_(pa.float32())
    )
    columns = {"image": image, **{name: pa.array(values) for name, values in fields.items()}}
    beside = pa.StructArray.from_arrays(list(columns.values()), list(columns))
    return pa.table({"id": range(len(texts)), "title": pa.array(texts, pa.string()), "beside": beside})


def matched(con, left, right, **options):
    found = xbsql.match(con, left, right, "id", "title", "id", "title", beside="beside", **options)
    return dict(zip(found["lid"].to_pylist(), found["rid"].to_pylist(), strict=True)), found[
        "score"
    ].to_pylist()


def test_the_nearest_stand_behind_nobody_and_both_ways(vectors):
    own, other, partner = vectors
    looks = Looks.of(own, other)
    i, j = np.divmod(np.arange(COUNT**2), COUNT)
    behind, nearest = looks.behind(i, j).reshape(COUNT, COUNT), looks.nearest(i, j).reshape(COUNT, COUNT)
    assert (nearest.argmax(axis=1) == partner).all()
    assert nearest.sum() == COUNT
    np.testing.assert_allclose(behind[nearest], 0.0, atol=1e-6)
    assert (behind[~nearest] > 0).all()
    turned = Looks.of(other, own).behind(j, i).reshape(COUNT, COUNT)
    np.testing.assert_allclose(behind, turned, atol=1e-5)


@pytest.mark.parametrize("missing", [0, 1, COUNT])
def test_rows_without_a_picture_or_a_block_propose_nothing(vectors, missing):
    own, other, partner = vectors
    own = own.copy()
    own[:missing] = 0.0
    looks = Looks.of(own, other)
    assert set(looks.proposed[0].tolist()) == set(range(missing, COUNT))
    rows = np.arange(COUNT)
    assert (looks.there(rows, partner) == (rows >= missing)).all()
    block = np.where(rows < 3, -1, 0)
    held = Looks.of(own, other, (block, np.zeros(COUNT, np.int64)))
    assert (held.proposed[0] >= max(missing, 3)).all()


def test_pictures_that_are_all_one_say_nothing_beside_texts():
    """As where a shop shows one placeholder for whatever it has no picture of."""
    same = np.ones((COUNT, 8), np.float32) / np.float32(8**0.5)
    i, j = np.divmod(np.arange(COUNT**2), COUNT)
    looks, none = Looks.of(same, same), {}
    odds = np.where(i == j, 3.0, -3.0)
    said = says(none, none, looks, i, j, odds, np.ones(len(i), bool))
    np.testing.assert_allclose(said, 0.0, atol=1e-4)
    alone = says(none, none, looks, i, j, np.zeros(len(i)), np.zeros(len(i), bool))
    assert (alone < 0).all(), "nor are they one product where no text is there"


def test_what_pictures_say_is_a_likelihood_ratio(vectors):
    """Among pairs of two products its mean is 1, and it never says more than one field may."""
    own, other, partner = vectors
    i, j = np.divmod(np.arange(COUNT**2), COUNT)
    same = partner[i] == j
    said = says({}, {}, Looks.of(own, other), i, j, np.where(same, 20.0, -20.0), np.ones(len(i), bool))
    assert np.exp(said[~same]).mean() == pytest.approx(1.0, abs=0.05)
    assert said[same].min() > said[~same].max()
    assert np.abs(said).max() <= MOST


@pytest.mark.parametrize("text", [None, "", "n/a", "?"])
def test_rows_without_a_text_match_by_their_pictures(vectors, text):
    own, other, partner = vectors
    with xbsql.connect() as con:
        found, score = matched(con, table(own, [text] * COUNT), table(other, [text] * COUNT))
        assert found == dict(enumerate(partner.tolist()))
        assert all(0.5 < value < 0.9 for value in score)
        found, _ = matched(con, table([*own[:-1], None], [text] * COUNT), table(other, ["a lamp"] * COUNT))
        assert found[COUNT - 1] is None, "it has neither"
        assert [found[row] for row in range(COUNT - 1)] == partner[:-1].tolist()


def test_pictures_tell_apart_what_one_title_names_and_the_order_of_rows_does_not_matter(vectors):
    own, other, partner = vectors
    left, right = (table(side, ["a red bag"] * COUNT) for side in (own, other))
    with xbsql.connect() as con:
        found, score = matched(con, left, right)
        assert found == dict(enumerate(partner.tolist()))
        order = np.random.default_rng(1).permutation(COUNT)
        again, others = matched(con, left.take(pa.array(order)), right.take(pa.array(order[::-1])))
        assert again == found
        np.testing.assert_allclose(others, score)


def test_prices_and_brands_tell_apart_what_one_title_names():
    """Likely pairs by text, which agree in price and brand, teach what these are worth."""
    names = [
        "red shoes",
        "blue shirt",
        "green tea",
        "black belt",
        "white table",
        "garden hose",
        "desk lamp",
        "pram",
    ]
    titles = [*names, "a gift", "a gift"]
    cost = [5.0, 9.0, 14.0, 22.0, 37.0, 60.0, 95.0, 150.0, 300.0, 900.0]
    brand = [f"maker {chr(97 + place)}" for place in range(10)]
    left = table([None] * 10, titles, price=cost, brand=brand)
    right = table(
        [None] * 10, titles, price=[*cost[:8], 900.0, 300.0], brand=[*brand[:8], brand[9], brand[8]]
    )
    with xbsql.connect() as con:
        found, score = matched(con, left, right, threshold=0.0)
        assert found == {**{row: row for row in range(8)}, 8: 9, 9: 8}
        plain = left.set_column(2, "beside", pa.nulls(10)), right.set_column(2, "beside", pa.nulls(10))
        _, less = matched(con, *plain, threshold=0.0)
        assert np.mean(score) > np.mean(less)


def test_a_picture_proposes_what_texts_do_not_and_a_size_still_contradicts(vectors):
    own, other, partner = vectors
    texts = [f"{'bcdfghjklmnp'[row] * 3} 100 g" for row in range(COUNT)]
    there = ["zzz 100 g"] * COUNT
    there[partner[0]] = "zzz 250 g"
    with xbsql.connect() as con:
        left, right = table(own, texts), table(other, there)
        asked = xbsql.match_candidates(
            con, left, right, "id", "title", "id", "title", beside="beside"
        ).to_pylist()
        pairs = {(row["lid"], row["rid"]) for row in asked}
        assert {(row, int(partner[row])) for row in range(1, COUNT)} <= pairs
        assert (0, int(partner[0])) not in pairs
        silent = table(own, [None] * COUNT)
        rows = xbsql.match_candidates(
            con, silent, right, "id", "title", "id", "title", beside="beside"
        ).to_pylist()
        assert all(row["image"] is not None and row["cosine"] is None for row in rows)


def test_sql_matches_photos_by_their_looks(tmp_path):
    """Icons find themselves in a copy of their catalogue; what shows nothing finds nothing."""
    icons = sample.pictures("US", 1)
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        con.register("icons", icons)
        con.execute("CREATE TABLE ours AS SELECT sku, photo FROM icons")
        con.execute("CREATE TABLE theirs AS SELECT 'x' || sku AS sku, photo FROM icons")
        con.execute("INSERT INTO ours VALUES ('broken', 'no picture'::BLOB), ('none', NULL)")
        vector = "beside := {'image': xb.embed_image(photo, model := 'lite0')}"
        rows = con.sql(
            f"FROM xb.match(ours, theirs, lid := sku, ltext := NULL, rid := sku, rtext := NULL, {vector})"
        ).fetchall()
        found = {left: right for left, right, _ in rows}
        assert found.pop("broken") is None
        assert found.pop("none") is None
        assert all(right == f"x{left}" for left, right in found.items())
        con.execute("CREATE TABLE narrow AS SELECT sku, [1.0, 2.0] AS v FROM icons")
        con.execute("CREATE TABLE wide AS SELECT sku, [1.0, 2.0, 3.0] AS v FROM icons")
        with pytest.raises(
            duckdb.Error, match=r"xb\.match: the images have 2 and 3 numbers; make them by one"
        ):
            con.sql(
                "FROM xb.match(narrow, wide, lid := sku, ltext := NULL, rid := sku, rtext := NULL, "
                "beside := {'image': v})"
            ).fetchall()
