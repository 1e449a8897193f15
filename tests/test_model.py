"""A signature takes its columns out of rows, wherever these were cut from."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.store.model import Signature

INPUTS = pa.schema([("weight", pa.float64()), ("mode", pa.string())])
SIGNATURE = Signature("predict", INPUTS, pa.float64(), "days")
ROW = pa.struct([("mode", pa.string()), ("more", pa.int8()), ("weight", pa.float64())])

rows = st.none() | st.fixed_dictionaries(
    {"mode": st.none() | st.sampled_from("ab"), "more": st.just(1), "weight": st.none() | st.floats(0, 9)}
)


@given(st.lists(rows), st.integers(0, 9), st.integers(0, 9))
def test_a_null_row_has_every_column_null_in_any_slice(values, start, length):
    part = pa.array(values, ROW).slice(start, length)
    found = SIGNATURE.batch("xb.f", "m", part)
    assert found.schema == INPUTS
    read = [{name: (row or {}).get(name) for name in INPUTS.names} for row in part.to_pylist()]
    assert found.to_pylist() == read


def test_one_column_needs_no_row():
    one = Signature("predict", INPUTS.remove(1), pa.float64(), "days")
    assert one.batch("xb.f", "m", pa.array([1, None], pa.int32())).column(0).to_pylist() == [1.0, None]


def test_null_of_no_type_is_a_row_of_nulls():
    assert SIGNATURE.batch("xb.f", "m", pa.nulls(2)).to_pylist() == [{"weight": None, "mode": None}] * 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mode", "weigth"], r"xb.f: no column 'weight'; model 'm' reads it.*did you mean 'weigth'"),
        (["mode", "weight", "weight"], "xb.f: two columns are named 'weight'; give one another name"),
        (["weight", "mode"], "xb.f: model 'm' needs number in column 'weight', got string; cast it"),
    ],
)
def test_columns_that_do_not_fit_are_named(names, message):
    columns = [pa.array(["a"]), pa.array([1.0]), pa.array([2.0])][: len(names)]
    with pytest.raises(XbsqlError, match=message):
        SIGNATURE.batch("xb.f", "m", pa.StructArray.from_arrays(columns, names))
