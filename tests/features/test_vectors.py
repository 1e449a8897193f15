"""FLOAT[n] and FLOAT[] columns are read: one number each place, NULL is missing, lengths are held to."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.features.roles import roles
from xbsql.features.table import TableEncoder, fit_encoder, joined
from xbsql.store.model import restore

FIXED, FREE = pa.list_(pa.float32(), 3), pa.list_(pa.float64())
ROWS = [[1.0, 2.0, 3.0], None, [4.0, 5.0, 6.0]]


def column(kind, rows=ROWS):
    return pa.table({"v": pa.array(rows, kind), "n": range(len(rows))})


@pytest.mark.parametrize("kind", [FIXED, FREE, pa.large_list(pa.float32()), pa.list_(pa.int32())], ids=str)
def test_a_vector_is_a_number_at_each_place(kind):
    table = column(kind)
    found = roles(table, None)
    assert found["v"] == "vector"
    encoder = fit_encoder(table, found)
    assert encoder.names == ("v[1]", "v[2]", "v[3]", "n")
    expected = np.array([[1, 2, 3, 0], [np.nan] * 3 + [1], [4, 5, 6, 2]])
    assert np.array_equal(encoder.transform(table), expected, equal_nan=True)
    again = restore(encoder.state())
    assert isinstance(again, TableEncoder)
    for other in (FIXED, FREE):
        assert np.array_equal(again.transform(column(other)), expected, equal_nan=True)
    assert np.isnan(again.transform(table.select(["n"]))[:, :3]).all()


def test_two_markets_may_hold_them_otherwise():
    both = joined(column(FIXED), column(FREE))
    assert roles(both, None)["v"] == "vector"
    assert fit_encoder(both, roles(both, None)).transform(both).shape == (6, 4)


@pytest.mark.parametrize("rows", [[[1.0], [1.0, 2.0], None], [None, None], [[], [], []]], ids=str)
def test_lists_of_no_one_length_are_not_read(rows):
    assert roles(column(FREE, rows), None)["v"] == "ignored"


@pytest.mark.parametrize(
    ("rows", "kind", "message"),
    [
        ([[1.0, 2.0]], FREE, "column 'v' holds vectors of 2 numbers; the model was fitted on 3"),
        ([[1.0, 2.0, np.inf]], FREE, "column 'v' holds an infinite value; make it NULL"),
        ([7.0], pa.float64(), "column 'v' is double, the model was fitted on a vector; give FLOAT"),
        ([[1.0], [2.0, 3.0]], FREE, "vectors of different lengths: 1, 2"),
    ],
)
def test_other_vectors_are_refused(rows, kind, message):
    encoder = fit_encoder(column(FIXED), {"v": "vector"})
    with pytest.raises(XbsqlError, match=message):
        encoder.transform(column(kind, rows))


def test_a_model_learns_from_a_vector(tmp_path):
    generator = np.random.default_rng(0)
    v = generator.normal(size=(240, 4)).astype(np.float32)
    label = np.where(v[:, 2] > 0, "up", "down").tolist()
    table = pa.table({"v": pa.array(v.tolist(), pa.list_(pa.float32(), 4)), "y": label})
    with xbsql.connect(store=tmp_path) as con:
        con.register("given", table)
        con.execute("CREATE TABLE t AS FROM given")
        con.execute("CREATE TABLE abroad AS SELECT v::FLOAT[] AS v, y FROM t LIMIT 40")
        con.sql("CALL xb.fit('m', t, 'y', market := 'US')").fetchall()
        right = con.sql("SELECT avg((xb.classify('m', v).label = y)::INT) FROM t").fetchall()[0][0]
        assert right > 0.9
        same = "SELECT bool_and(xb.classify('m', v).label = xb.classify('m', v::FLOAT[]).label) FROM t"
        assert con.sql(same).fetchall() == [(True,)]
        con.sql(
            "CALL xb.transfer('abroad', abroad, 'y', base := 'm', source := t, market := 'CA')"
        ).fetchall()
        told = con.sql("FROM xb.explain('m', t, per_row := false)").to_arrow_table().to_pylist()
        assert told[0]["feature"] == "v"
        assert con.sql("FROM xb.explain('m', abroad) LIMIT 1").fetchall()
        assert con.sql("FROM xb.domain_similarity(t, abroad, columns := ['v'])").fetchall()
