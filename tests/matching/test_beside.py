"""What stands beside the text: price, brand and image, NULL where either row says nothing."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.matching.beside import compared
from xbsql.matching.columns import BESIDE, KNOWN_COLUMNS

LEFT, RIGHT = np.divmod(np.arange(4), 2)


def rows(**fields):
    return pa.StructArray.from_arrays([pa.array(values) for values in fields.values()], list(fields))


def test_each_field_is_compared_and_what_is_missing_is_nan():
    left = rows(price=[10.0, None], brand=["Acme", " "], image=[[1.0, 0.0], [0.0, 0.0]])
    right = rows(price=[10.0, 20.0], brand=["ACME", "Zorro"], image=[[2.0, 0.0], [0.0, 3.0]])
    found = compared("here", left, right, LEFT, RIGHT)
    assert np.allclose(found[:2, 0], [0, np.log(2)])
    assert found[0, 1] == pytest.approx(1, abs=1e-6)
    assert found[1, 1] < 0.3
    assert np.allclose(found[:2, 2], [1, 0])
    assert np.isnan(found[2:]).all(), "the second left row says nothing"


@pytest.mark.parametrize("price", [0.0, -5.0, float("nan"), float("inf")])
def test_what_is_no_price_is_unknown(price):
    found = compared("here", rows(price=[price, 1.0]), rows(price=[1.0, 1.0]), LEFT, RIGHT)
    assert np.isnan(found[:2, 0]).all()
    assert (found[2:, 0] == 0).all()


@pytest.mark.parametrize("brand", ["", " ", "n/a", "unknown", "-", None])
def test_what_is_no_brand_is_unknown(brand):
    found = compared("here", rows(brand=[brand, "Acme"]), rows(brand=[brand, "Acme"]), LEFT, RIGHT)
    assert np.isnan(found[:3, 1]).all()
    assert found[3, 1] == pytest.approx(1, abs=1e-6)


def test_a_field_that_one_side_lacks_is_unknown():
    found = compared("here", rows(price=[1.0, 2.0]), rows(brand=["a", "b"]), LEFT, RIGHT)
    assert np.isnan(found).all()
    assert np.isnan(compared("here", pa.nulls(2), pa.nulls(2), LEFT, RIGHT)).all()
    assert compared("here", pa.nulls(0), pa.nulls(0), LEFT[:0], RIGHT[:0]).shape == (0, len(BESIDE))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"price": ["1", "2"]}, "the price is string; give a number"),
        ({"brand": [1, 2]}, "the brand is int64; cast it"),
        ({"image": ["a", "b"]}, "the image is string; give its vector"),
        ({"colour": ["a", "b"]}, "no field of beside 'colour'; there is price, brand, image"),
    ],
)
def test_a_mistake_is_one_clear_line(field, message):
    with pytest.raises(XbsqlError, match=message):
        compared("xb.match", rows(**field), rows(**field), LEFT, RIGHT)


def test_images_of_two_encoders_are_refused():
    with pytest.raises(XbsqlError, match="2 and 3 numbers"):
        compared("xb.match", rows(image=[[1.0, 2.0]] * 2), rows(image=[[1.0, 2.0, 3.0]] * 2), LEFT, RIGHT)


def test_a_scorer_of_ones_own_reads_it_in_sql_and_python():
    names = [f"item {chr(97 + row)}" for row in range(26)]
    table = pa.table(
        {
            "id": range(26),
            "title": names,
            "cost": [float(2**row) for row in range(26)],
            "extra": pa.StructArray.from_arrays([pa.array([float(2**row) for row in range(26)])], ["price"]),
        }
    )
    with xbsql.connect() as con:
        con.register("shop", table)
        asked = "shop, shop, lid := id, ltext := title, rid := id, rtext := title, beside := {'price': cost}"
        pairs = con.sql(f"FROM xb.match_candidates({asked})").to_arrow_table()
        assert pairs.column_names == ["lid", "rid", *KNOWN_COLUMNS]
        own = [row for row in pairs.to_pylist() if row["lid"] == row["rid"]]
        assert len(own) == 26
        assert all(row["price"] == 0 and row["brand"] is None for row in own)
        twin = xbsql.match_candidates(con, table, table, "id", "title", "id", "title", beside="extra")
        assert twin.to_pylist() == pairs.to_pylist()
        con.execute(
            f"""CREATE TABLE pairs AS SELECT * EXCLUDE (lid, rid), lid = (rid + 1) % 26 AS same
                FROM xb.match_candidates({asked})"""
        )
        con.sql("CALL xb.fit('odd', pairs, 'same')").fetchall()
        found = con.sql(f"FROM xb.match({asked}, model := 'odd', threshold := 0)").fetchall()
        assert len(found) == 26
        with pytest.raises(duckdb.Error, match="no field of beside 'colour'"):
            con.sql(f"FROM xb.match_candidates({asked.replace('price', 'colour')})").fetchall()


@pytest.mark.parametrize("held", [float("nan"), float("inf"), 1e300])
def test_a_vector_without_a_length_is_no_picture(held):
    looks = [[held, 1.0], [0.0, 1.0], [1.0, 0.0]]
    found = compared("here", rows(image=looks[:2]), rows(image=looks[1:]), LEFT, RIGHT)
    np.testing.assert_array_equal(found[:, 2], [np.nan, np.nan, 1.0, 0.0])
    goods = pa.table({"id": [1, 2, 3], "title": pa.nulls(3, pa.string()), "beside": rows(image=looks)})
    with xbsql.connect() as con:
        matched = xbsql.match(con, goods, goods, "id", None, "id", None, beside="beside")
    assert matched["rid"].to_pylist() == [None, 2, 3]
