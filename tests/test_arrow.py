"""The Arrow border: whatever the layout, the values and the NULLs are the same."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql import errors
from xbsql.arrow import digest, family_of, matrix, one_chunk, table_of_rows, to_device, vectors

vector = st.none() | st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3)
kinds = [
    pa.list_(pa.float32(), 3),
    pa.list_(pa.float32()),
    pa.large_list(pa.float32()),
    pa.list_(pa.float64(), 3),
]


@pytest.mark.parametrize("kind", kinds, ids=str)
@given(st.lists(vector, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_a_matrix_has_the_rows_of_its_column(kind, rows, start, length):
    whole = pa.array([None, [1.0, 2.0, 3.0], *rows], kind)
    part = whole.slice(start, length)
    values, present = matrix(part, "t")
    expected = part.to_pylist()
    assert present.tolist() == [row is not None for row in expected]
    for row, there, value in zip(expected, present, values, strict=True):
        if there:
            np.testing.assert_array_equal(value, np.asarray(row, value.dtype))


def test_a_fixed_size_column_of_floats_is_not_copied():
    data = np.arange(12, dtype=np.float32).reshape(4, 3)
    column = vectors(data)
    assert np.shares_memory(matrix(column, "t")[0], data)
    assert np.shares_memory(matrix(column.slice(1, 2), "t")[0], data)
    np.testing.assert_array_equal(matrix(column.slice(1, 2), "t")[0], data[1:3])


def test_a_row_with_a_null_element_is_not_there():
    for kind in kinds:
        assert matrix(pa.array([[1, None, 2], [1, 2, 3], None], kind), "t")[1].tolist() == [
            False,
            True,
            False,
        ]


def test_decimals_and_integers_are_numbers_too():
    values, _ = matrix(pa.array([[1, 2]], pa.list_(pa.decimal128(4, 1))), "t")
    assert values.tolist() == [[1.0, 2.0]]
    assert matrix(pa.array([[1, 2]], pa.list_(pa.int8(), 2)), "t")[0].dtype == np.float32


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["x"]), r"xb.f: needs vectors .FLOAT\[n\]., got string"),
        (pa.array([[1.0], [1.0, 2.0]]), "vectors of different lengths: 1, 2"),
        (pa.array([["x"]]), "needs vectors"),
    ],
)
def test_what_is_no_matrix_says_so(column, message):
    with pytest.raises(errors.XbsqlError, match=message):
        matrix(column, "xb.f")


@given(st.lists(vector, min_size=1, max_size=8))
def test_vectors_and_matrix_undo_each_other(rows):
    column = pa.array(rows, pa.list_(pa.float32(), 3))
    assert vectors(*matrix(column, "t")).to_pylist() == column.to_pylist()


texts = st.none() | st.text(max_size=4)
numbers = st.none() | st.integers(-9, 9)
columns = st.lists(st.tuples(texts, numbers, st.none() | st.booleans()), min_size=1, max_size=9)


def as_table(rows):
    names = ("s", "n", "b")
    return pa.table({name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)},
                    pa.schema([("s", pa.string()), ("n", pa.int64()), ("b", pa.bool_())]))  # fmt: skip


@given(columns, st.integers(0, 9))
def test_the_digest_sees_values_and_not_chunks_or_offsets(rows, cut):
    table = as_table(rows)
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    shifted = pa.concat_tables([table, table]).combine_chunks().slice(len(table))
    assert digest(table) == digest(chunked) == digest(shifted)


@given(columns, columns)
def test_the_digest_differs_where_values_differ(one, other):
    assert (digest(as_table(one)) == digest(as_table(other))) == (one == other)


def test_the_digest_sees_names_and_types():
    found = {
        digest(pa.table({name: pa.array([1], kind)})) for name in "ab" for kind in (pa.int32(), pa.int64())
    }
    assert len(found) == 4


def test_rows_become_a_table_with_nulls_pushed_down():
    rows = pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}])
    assert table_of_rows(rows.slice(1)).to_pydict() == {"a": [None, None], "b": [None, "y"]}


def test_one_chunk_of_none_keeps_its_type():
    assert one_chunk(pa.chunked_array([], pa.int8())).type == pa.int8()


def test_families():
    kinds = [
        pa.string(),
        pa.dictionary(pa.int8(), pa.large_string()),
        pa.decimal128(9, 2),
        pa.date32(),
        pa.bool_(),
    ]
    assert [family_of(kind) for kind in kinds] == ["text", "text", "number", "date", "boolean"]


def test_a_tensor_on_the_cpu_is_the_buffer_itself():
    data = np.arange(12, dtype=np.float32).reshape(4, 3)
    found = to_device(vectors(data).slice(1, 2), "cpu", "t")
    assert found.data_ptr() == data[1:].ctypes.data
    np.testing.assert_array_equal(found.numpy(), data[1:3])


@pytest.mark.parametrize("kind", kinds, ids=str)
@given(st.lists(vector, max_size=8), st.integers(0, 8))
def test_a_tensor_has_the_rows_of_its_column_and_nan_for_null(kind, rows, start):
    part = pa.array([None, [1.0, 2.0, 3.0], *rows], kind).slice(start)
    found = to_device(part, "cpu", "t").numpy()
    values, present = matrix(part, "t")
    np.testing.assert_array_equal(found, np.where(present[:, None], values, np.nan))


def test_a_tensor_of_rows_that_are_no_vectors_says_so():
    with pytest.raises(errors.XbsqlError, match=r"xb.f: needs vectors .FLOAT\[n\]., got string"):
        to_device(pa.array(["x"]), "cpu", "xb.f")
