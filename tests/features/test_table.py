from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.features.column import MOST_LEVELS
from xbsql.features.roles import roles
from xbsql.features.table import fit_encoder, joined
from xbsql.store.model import restore

N = 60


def shop(**changes):
    generator = np.random.default_rng(0)
    columns = {
        "order_id": pa.array(range(N)),
        "price": pa.array(generator.normal(size=N)),
        "units": pa.array([None if i % 7 == 0 else i % 9 for i in range(N)], pa.int32()),
        "gift": pa.array([True, False, None] * (N // 3)),
        "day": pa.array([dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(N)]),
        "written": pa.array([f"2023-05-{1 + i % 28:02d}" for i in range(N)]),
        "colour": pa.array(["red", "blue", "red", "green"] * (N // 4)),
        "city": pa.array(["New York", "San Francisco"] * (N // 2)),
        "title": pa.array([f"cotton shirt number {i} for men" for i in range(N)]),
        "zh": pa.array([f"红色棉质衬衫{i}" for i in range(N)]),
        "sku": pa.array([f"AB-{i}" for i in range(N)]),
        "tags": pa.array([["a"]] * N),
        "empty": pa.nulls(N),
        "late": pa.array([0, 1] * (N // 2)),
    }
    return pa.table(columns | {name: pa.array(values) for name, values in changes.items()})


def encoder(table):
    return fit_encoder(table, roles(table, "late"))


def test_roles_are_found_from_types_and_values():
    assert roles(shop(), "late") == {
        "order_id": "ignored",
        "price": "number",
        "units": "number",
        "gift": "boolean",
        "day": "date",
        "written": "date",
        "colour": "category",
        "city": "category",
        "title": "text",
        "zh": "text",
        "sku": "ignored",
        "tags": "ignored",
        "empty": "ignored",
    }


def test_options_override_what_was_found():
    found = roles(
        shop(), "late", {"text": ["colour"], "ignore": ["price"], "category": "units", "classes": {}}
    )
    assert (found["colour"], found["price"], found["units"]) == ("text", "ignored", "category")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": ["price"]}, "column 'price' is double, not text"),
        ({"ignore": ["prise"]}, r"no column for the option 'ignore' 'prise'.*did you mean 'price'"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(XbsqlError, match=message):
        roles(shop(), "late", options)


def test_a_label_that_is_not_there_is_named():
    with pytest.raises(XbsqlError, match=r"no column 'lat'; there is .*did you mean 'late'"):
        roles(shop(), "lat")


def test_two_columns_of_one_name_are_refused():
    twice = shop().append_column("price", pa.array(range(N)))
    with pytest.raises(XbsqlError, match="two columns are named 'price'"):
        roles(twice, "late")


def test_values_become_numbers_and_null_becomes_nan():
    found = dict(zip(encoder(shop()).names, encoder(shop()).transform(shop()).T, strict=True))
    assert found["colour"][:4].tolist() == [0.0, 1.0, 0.0, 2.0]
    assert np.isnan(found["units"][[0, 7]]).all()
    assert found["gift"][:2].tolist() == [1.0, 0.0]
    assert np.isnan(found["gift"][2])
    assert [found[f"day.{part}"][31] for part in ("year", "month", "weekday", "days")] == [2024, 2, 3, 19754]
    assert found["written.month"][0] == 5


def test_codes_are_the_categorical_columns():
    fitted = encoder(shop())
    assert [fitted.names[i] for i in fitted.categorical] == ["colour", "city"]


def test_a_value_never_seen_has_its_own_code_and_a_lacking_column_is_nan():
    fitted = encoder(shop())
    found = fitted.transform(shop(colour=["mauve"] * N).drop_columns(["price"]))
    assert (found[:, fitted.names.index("colour")] == 3).all()
    assert np.isnan(found[:, fitted.names.index("price")]).all()


def test_order_of_columns_and_further_columns_do_not_matter():
    table = shop()
    turned = table.select(table.column_names[::-1]).append_column("more", pa.array(range(N)))
    np.testing.assert_array_equal(encoder(table).transform(turned), encoder(table).transform(table))


@given(st.lists(st.none() | st.dates()), st.sampled_from([pa.date32(), pa.timestamp("us"), pa.string()]))
def test_a_date_is_its_parts_and_null_is_nan(days, type_):
    column = pa.chunked_array([pa.array(days, pa.date32()).cast(type_)])
    found = fit_encoder(pa.table({"day": column}), {"day": "date"}).transform(pa.table({"day": column}))
    origin = dt.date(1970, 1, 1).toordinal()
    expected = [
        [np.nan] * 4 if day is None else [day.year, day.month, day.weekday(), day.toordinal() - origin]
        for day in days
    ]
    np.testing.assert_array_equal(found, np.reshape(expected, (-1, 4)))


@pytest.mark.parametrize("type_", [pa.int8(), pa.uint64(), pa.float16(), pa.decimal128(9, 2), pa.bool_()])
@pytest.mark.parametrize("coded", [False, True])
def test_a_number_is_itself_in_every_type(type_, coded):
    for values in ([1, 0, 1], [1, None, 0]):
        column = pa.array(values, pa.int8()).cast(type_)
        if coded and type_ not in (pa.float16(), pa.bool_()):
            column = column.dictionary_encode()
        found = fit_encoder(pa.table({"c": column}), {"c": "number"}).transform(pa.table({"c": column}))
        np.testing.assert_array_equal(found[:, 0], np.array(values, float))


@given(st.lists(st.sampled_from(["x", "y", "", "z z", None]), min_size=1), st.data())
def test_codes_do_not_depend_on_chunks_slices_or_string_type(values, data):
    type_ = data.draw(
        st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
    )
    cut = data.draw(st.integers(0, len(values)))
    padded = pa.array(["pad", *values]).cast(type_)
    column = pa.chunked_array([padded[1 : cut + 1], padded[cut + 1 :]])
    fitted = fit_encoder(pa.table({"c": pa.array(values, pa.string())}), {"c": "category"})
    levels = fitted.columns[0].levels
    expected = [np.nan if value is None else levels.index(value) for value in values]
    np.testing.assert_array_equal(fitted.transform(pa.table({"c": column}))[:, 0], expected)


def test_a_restored_encoder_gives_the_same_matrix():
    fitted = encoder(shop())
    np.testing.assert_array_equal(restore(fitted.state()).transform(shop()), fitted.transform(shop()))


def test_an_extended_encoder_keeps_its_first_columns():
    fitted = encoder(shop())
    abroad = shop(colour=["mauve", "red"] * (N // 2)).append_column("duty", pa.array(np.arange(N) * 0.5))
    wider = fitted.extended(abroad, roles(abroad, "late"))
    assert wider.names == (*fitted.names, "duty")
    found = wider.transform(shop())
    np.testing.assert_array_equal(found[:, : len(fitted.names)], fitted.transform(shop()))
    assert wider.transform(abroad)[0, wider.names.index("colour")] == 3


def test_joined_tables_have_the_columns_of_both():
    abroad = shop(price=pa.array(range(N))).rename_columns(
        ["dog" if c == "zh" else c for c in shop().column_names]
    )
    both = joined(shop(), abroad)
    assert both.num_rows == 2 * N
    assert set(both.column_names) == {*shop().column_names, "dog"}
    assert both["dog"].null_count == N
    assert both.schema.field("price").type == pa.float64()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("price", ["9.99"] * N, "column 'price' is double in the source and string in the target"),
        ("day", list(range(N)), r"column 'day' is date32\[day\] in the source and int64 in the target"),
        ("colour", [1] * N, "column 'colour' is string in the source and int64 in the target"),
    ],
)
def test_columns_of_two_kinds_are_not_joined(column, values, message):
    with pytest.raises(XbsqlError, match=message):
        joined(shop(), shop(**{column: values}))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_named(value):
    with pytest.raises(XbsqlError, match="column 'price' holds an infinite value"):
        encoder(shop()).transform(shop(price=[value] * N))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("price", ["a"] * N, "column 'price' is string, the model was fitted on a number"),
        ("written", ["soon"] * N, "column 'written' holds text that is no ISO date"),
    ],
)
def test_a_column_of_another_type_than_at_the_fit_is_named(column, values, message):
    with pytest.raises(XbsqlError, match=message):
        encoder(shop()).transform(shop(**{column: values}))


def test_a_category_of_many_values_keeps_the_frequent_ones():
    values = [f"v{i}" for i in range(5000)] + ["often"] * 3
    column = fit_encoder(pa.table({"c": values}), {"c": "category"}).columns[0]
    assert len(column.levels) == MOST_LEVELS
    assert column.levels[0] == "often"


def test_an_empty_table_is_an_empty_matrix():
    assert encoder(shop()).transform(shop().slice(0, 0)).shape == (0, len(encoder(shop()).names))
