from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xbsql.errors import XbsqlError
from xbsql.series.read.rules import Rules
from xbsql.series.read.table import Columns, SeriesTable, read_series
from xbsql.series.read.values import series_names

MONDAY = dt.date(2024, 1, 1)
OWN = Rules(end="own")


def week(i):
    return MONDAY + dt.timedelta(7 * i)


def table(rows, kind=None):
    """Rows (name, week number or date, value)."""
    ds = [week(r[1]) if isinstance(r[1], int) else r[1] for r in rows]
    return pa.table(
        {
            "unique_id": pa.array([r[0] for r in rows]),
            "ds": pa.array(ds).cast(kind) if kind else pa.array(ds),
            "y": pa.array([r[2] for r in rows], pa.float64()),
        }
    )


def read(rows, rules=None, kind=None):
    return read_series("xb.forecast", table(rows, kind), Columns(), rules)


def values(series, i=0):
    return series.values(i).tolist()


CELLS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(0, 30)), st.floats(-1e6, 1e6), min_size=2, max_size=60
)


@given(CELLS, st.randoms())
def test_every_value_stands_in_its_place_whatever_the_order_of_the_rows(cells, shuffle):
    rows = [(name, i, value) for (name, i), value in cells.items()]
    rules = Rules.of("test", {"frequency": "W-MON"})
    shuffle.shuffle(rows)
    series = read(rows, rules)
    assert series.names == tuple(sorted({name for name, _ in cells}))
    latest = max(i for _, i in cells)
    for place, name in enumerate(series.names):
        first = min(i for own, i in cells if own == name)
        expected = [cells.get((name, i), 0.0) for i in range(first, latest + 1)]
        assert values(series, place) == expected
        assert series.frequency.dates(series.start)[place].astype("datetime64[D]").item() == week(first)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=60)
)
def test_sums_of_duplicates_keep_the_total(rows):
    series = read(rows, Rules.of("test", {"frequency": "week"}))
    for name, y in zip(series.names, [series.values(i) for i in range(len(series))], strict=True):
        assert y.sum() == sum(value for own, _, value in rows if own == name)


@pytest.mark.parametrize(
    ("fill", "expected"), [("zero", [1, 0, 0, 4]), ("interpolate", [1, 2, 3, 4]), ("last", [1, 1, 1, 4])]
)
def test_gaps_are_filled_by_the_rule(fill, expected):
    series = read([("a", 0, 1), ("a", 3, 4), ("b", 0, 1), ("b", 1, 1)], Rules(fill=fill, end="own"))
    assert values(series) == expected
    assert series.status[0].startswith("2 gaps ")


@pytest.mark.parametrize(("rule", "expected"), [("sum", 7), ("mean", 3.5), ("last", 2)])
def test_duplicates_go_by_the_rule(rule, expected):
    series = read([("a", 0, 1), ("a", 1, 5), ("a", 1, 2)], Rules(duplicates=rule))
    assert values(series) == [1, expected]
    assert series.status[0].startswith("1 duplicate rows ")


def test_a_null_is_unknown_and_no_zero():
    nan, inf = float("nan"), float("inf")
    series = read([("a", 0, 2), ("a", 1, None), ("a", 2, nan), ("a", 3, inf), ("a", 4, 6), ("a", 5, None)])
    assert values(series) == [2, 3, 4, 5, 6]
    assert series.status == ("3 unknown values interpolated",)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([7 * i for i in range(9)], True),
        ([0, 31, 60, 91, 121, 152, 182, 213, 244], True),
        ([0, 2, 3, 9, 14, 15, 30, 31, 33], False),
        ([0, 7, 14, 21, 28, 35], False),
        (list(range(60)), False),
    ],
)
def test_a_series_of_longer_periods_than_the_table_is_said_to_be_one(days, said):
    other = [("daily", dt.date(2024, 1, 1) + dt.timedelta(i), 1) for i in range(250)]
    rows = [("odd", dt.date(2024, 1, 1) + dt.timedelta(day), 100) for day in days]
    daily, odd = read(other + rows).status
    assert ("longer periods than the table's" in odd) == said
    assert daily == "constant"


def test_where_series_end():
    rows = [("a", 0, 1), ("a", 1, 1), ("b", 0, 1), ("b", 3, 1)]
    assert values(read(rows)) == [1, 1, 0, 0]
    assert read(rows).status == ("2 periods since its last row", "2 gaps filled with 0")
    assert values(read(rows, OWN)) == [1, 1]
    assert values(read(rows, Rules(fill="last"))) == [1, 1]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([("a", 0, 3)], "one value"),
        ([("a", 0, 0), ("a", 1, 0)], "all zero"),
        ([("a", 0, 2), ("a", 1, 2)], "constant"),
        ([("a", 0, 2), ("a", 1, -2)], "1 negative values"),
        ([("a", 0, 2), ("a", 1, 3)], "ok"),
        ([("a", 0, 2), ("a", 1, 3), ("a", None, 3)], "1 rows without a date left out"),
        ([("a", 0, 2), ("a", 1, 3), ("a", dt.date(9000, 1, 1), 3)], "1 rows in the future left out"),
    ],
)
def test_each_series_says_what_is_odd(rows, status):
    assert read([*rows, ("z", 0, 1), ("z", 1, 5)], OWN).status == (status, "ok")


def test_a_series_without_a_value_is_empty_and_begins_after_the_others():
    series = read([("a", 0, 1), ("a", 1, 2), ("b", 0, None)])
    assert series.lengths.tolist() == [2, 0]
    assert series.status[1] == "no history"
    assert series.start[1] == series.ends[0] == series.ends[1]


def test_negative_values_may_count_as_zero():
    series = read([("a", 0, 2), ("a", 1, -2)], Rules(negative="zero"))
    assert values(series) == [2, 0]
    assert series.status == ("1 negative values set to 0",)


def test_dates_within_a_period_count_for_it():
    rows = [("a", i, 10) for i in range(20)] + [("a", week(4) + dt.timedelta(2), 5)]
    series = read(rows)
    assert series.frequency.name == "W-MON"
    assert values(series)[4] == 15
    assert series.status == ("1 dates moved to their W-MON period; 1 duplicate rows summed",)


def test_orders_become_weeks_where_the_frequency_is_given():
    moments = [dt.datetime(2024, 1, 1 + i, 7, i, i) for i in range(20)]
    series = read([("a", m, 1) for m in moments], Rules.of("t", {"frequency": "W-MON"}), pa.timestamp("us"))
    assert values(series) == [7, 7, 6]


def test_days_of_a_zone_are_its_own_and_hours_are_utc():
    """Berlin went from winter to summer time on 2024-03-31: a local day of 23 hours."""
    zone = pa.timestamp("us", "Europe/Berlin")
    hours = [dt.datetime(2024, 3, 30, tzinfo=dt.UTC) + dt.timedelta(hours=i) for i in range(48)]
    series = read([("a", hour, i) for i, hour in enumerate(hours)], None, zone)
    assert (series.frequency.name, values(series), series.status) == ("H", list(range(48)), ("ok",))
    midnights = [dt.datetime(2024, 3, 29, 23, tzinfo=dt.UTC), dt.datetime(2024, 3, 30, 23, tzinfo=dt.UTC)]
    midnights += [dt.datetime(2024, 3, 31 + i, 22, tzinfo=dt.UTC) for i in (0,)]
    series = read([("a", day, i) for i, day in enumerate(midnights)], None, zone)
    assert (series.frequency.name, values(series), series.status) == ("D", [0, 1, 2], ("ok",))


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns")])
def test_any_type_of_date_is_read_the_same(kind):
    series = read([("a", i, i) for i in range(5)], None, kind)
    assert (series.frequency.name, values(series)) == ("W-MON", list(range(5)))


def test_integers_count_periods_and_end_on_their_own():
    counted = pa.table({"unique_id": ["a"] * 3 + ["b"] * 2, "ds": [1, 2, 4, 1, 2], "y": [1.0, 2, 4, 1, 2]})
    series = read_series("t", counted, Columns())
    assert (series.frequency.name, values(series), values(series, 1)) == ("I", [1, 2, 0, 4], [1, 2])
    assert series.start.tolist() == [1, 1]


def test_a_name_is_its_columns_joined():
    rows = pa.table({"market": ["DE", "JP", None], "sku": [1, 2, 3]})
    assert series_names("t", rows, ("market", "sku")).to_pylist() == ["DE/1", "JP/2", None]
    struct = pa.table({"id": rows.to_struct_array()})
    assert series_names("t", struct, ("id",)).to_pylist() == ["DE/1", "JP/2", None]
    assert series_names("t", rows, ()).to_pylist() == ["all"] * 3
    lists = pa.table({"id": [[1.0], [1.0, 2.0], None]})
    assert series_names("t", lists, ("id",)).equals(
        pa.array(["[1.0]", "[1.0, 2.0]", None], pa.large_string())
    )


def test_a_series_has_the_first_title_of_its_rows():
    rows = table([("b", 1, 1), ("a", 0, 1), ("b", 0, 2), ("c", 0, 1)])
    named = rows.append_column("title", pa.array(["Blue mug", None, "Mug, blue", None]))
    series = read_series("xb.forecast", named, Columns(title="title"))
    assert series.titles == (None, "Mug, blue", None)
    assert series.take(np.array([1])).titles == ("Mug, blue",)
    assert read_series("xb.forecast", named, Columns()).titles is None
    assert Columns(title="name").of(named).title is None
    assert Columns(title="title").of(named).title == "title"


def test_what_is_known_in_advance_lies_beside_the_values_and_goes_on_after_them():
    rows = table([("a", i, i if i < 4 else None) for i in range(7)] + [("b", 3, 1)])
    rows = rows.append_column("sale", pa.array([i % 2 == 0 for i in range(7)] + [None]))
    columns = Columns(known=("sale",))
    read = SeriesTable.of("t", rows, columns)
    series = read.series()
    assert series.known[:4, 0].tolist() == [1, 0, 1, 0]
    ahead = read.ahead(series, 4)
    assert ahead[0, :3, 0].tolist() == [1, 0, 1]
    assert np.isnan(ahead[0, 3]).all()
    assert np.isnan(ahead[1]).all()


@given(CELLS, st.integers(0, 12))
def test_cutting_and_taking_keep_values_where_they_were(cells, held_out):
    series = read([(*key, value) for key, value in cells.items()], Rules.of("t", {"frequency": "W"}))
    short, tail = series.until(held_out), series.last(held_out)
    for i in range(len(series)):
        whole = values(series, i)
        assert values(short, i) == whole[: max(len(whole) - held_out, 0)]
        assert values(tail, i) == whole[len(whole) - min(held_out, len(whole)) :]
        assert tail.ends[i] == series.ends[i]
    back = series.take(np.arange(len(series))[::-1])
    assert back.names == series.names[::-1]
    assert [values(back, i) for i in range(len(back))] == [values(series, i) for i in range(len(series))][
        ::-1
    ]
    begun = series.start[series.owner()]
    assert (series.periods() >= begun).all()
    assert series.take(series.lengths > 5).names == tuple(
        name for name, n in zip(series.names, series.lengths, strict=True) if n > 5
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns(ts="when"), "no column 'when'"),
        (Columns(ts="unique_id"), "cast it"),
        (Columns(y="unique_id"), "cast it"),
        (Columns(id=("sku",)), "no column 'sku'"),
        (Columns(known=("price",)), "no column 'price'"),
        (Columns(title="name"), "no column 'name'"),
        (Columns(title="y"), "column 'y' is double, and titles are text"),
    ],
)
def test_a_table_that_cannot_be_read(columns, message):
    with pytest.raises(XbsqlError, match=message):
        read_series("xb.forecast", table([("a", 0, 1)]), columns)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 0, None)], "no row has a series"),
        ([(None, 0, 1)], "no row has a series"),
        ([("a", dt.date(9000, 1, 1), 1)], "option 'until'"),
    ],
)
def test_a_table_without_history(rows, message):
    with pytest.raises(XbsqlError, match=message):
        read(rows, kind=pa.date32())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "mean"}, "no choice for the option 'fill' 'mean'"),
        ({"frequency": "often"}, "no frequency 'often'"),
        ({"until": "soon"}, "give a date"),
    ],
)
def test_a_rule_that_does_not_exist(options, message):
    with pytest.raises(XbsqlError, match=message):
        Rules.of("xb.fit", options)


def test_a_frequency_of_another_kind_than_the_dates():
    with pytest.raises(XbsqlError, match="holds dates, not I"):
        read([("a", 0, 1)], Rules.of("t", {"frequency": "I"}))


def test_seconds_between_far_dates_are_refused():
    rows = [("a", dt.datetime(1990, 1, 1), 1), ("a", dt.datetime(2020, 1, 1, 0, 0, 1), 1)]
    with pytest.raises(XbsqlError, match="give the option 'frequency'"):
        read(rows, Rules.of("t", {"frequency": "s"}), pa.timestamp("us"))


PARTS = st.one_of(st.none(), st.text("ab/\\N", max_size=4))


@given(st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=12, unique=True))
@example([("a/b", "c"), ("a", "b/c")])
@example([("\\N", "x"), (None, "x")])
def test_two_ids_never_have_one_name(ids):
    left, right = zip(*ids, strict=True)
    named = pa.table({"a": pa.array(left, pa.string()), "b": pa.array(right, pa.string())})
    names = series_names("t", named, ("a", "b"), "\\N").to_pylist()
    there = [name for name in names if name is not None]
    assert len(there) == len(set(there)) == len(ids) - ((None, None) in ids)


@given(st.lists(st.tuples(PARTS, PARTS, st.integers(0, 5)), min_size=1, max_size=30))
def test_every_row_is_used_or_counted(rows):
    left, right, weeks = zip(*rows, strict=True)
    given_ = pa.table(
        {
            "a": pa.array(left, pa.string()),
            "b": pa.array(right, pa.string()),
            "ds": pa.array([week(i) for i in weeks]),
            "y": pa.array([1.0] * len(rows)),
        }
    )
    read = SeriesTable.of("t", given_, Columns(("a", "b")))
    unnamed = sum(a is None and b is None for a, b, _ in rows)
    assert read.notes == ((f"{unnamed} rows of the table whose id is NULL left out",) if unnamed else ())
    if unnamed < len(rows):
        series = read.series(Rules.of("t", {"frequency": "W"}))
        assert series.y.sum() == len(rows) - unnamed
        assert series.notes == read.notes
        ids = {(a, b) for a, b, _ in rows} - {(None, None)}
        assert {tuple(id.values()) for id in read.ids.to_pylist()} == ids


ZONES = {
    "America/Sao_Paulo": dt.date(2018, 11, 4),
    "Asia/Beirut": dt.date(2024, 3, 31),
    "Africa/Cairo": dt.date(2024, 4, 26),
    "America/Havana": dt.date(2024, 11, 3),
    "Europe/Berlin": dt.date(2024, 3, 31),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", [0, 8])
def test_days_stay_days_where_the_clock_changes_at_midnight(zone, clock):
    """In the first three there is no midnight on that day, in the fourth there are two."""
    days = [ZONES[zone] + dt.timedelta(i) for i in range(-20, 20)]
    moments = pa.array([dt.datetime(d.year, d.month, d.day, clock) for d in days], pa.timestamp("us"))
    dates = pc.assume_timezone(moments, zone, ambiguous="earliest", nonexistent="latest")
    daily = pa.table({"unique_id": ["a"] * 40, "ds": dates, "y": [float(i) for i in range(40)]})
    read = SeriesTable.of("t", daily, Columns())
    series = read.series()
    assert (series.frequency.name, series.status) == ("D", ("ok",))
    assert values(series) == list(range(40))
    assert read.dated(series.frequency.at(series.periods())).equals(dates.cast(read.dates))
    before = SeriesTable.of("t", daily.slice(0, 20), Columns())
    assert before.dated(series.frequency.at(series.periods())).equals(dates.cast(read.dates))


def test_a_slip_does_not_move_the_days_of_a_zone():
    zone = pa.timestamp("us", "Europe/Berlin")
    moments = [dt.datetime(2024, 3, 20, 23 - (i > 10), tzinfo=dt.UTC) + dt.timedelta(i) for i in range(30)]
    moments[9] += dt.timedelta(hours=3)
    series = read([("a", m, 1) for m in moments], None, zone)
    assert (series.frequency.name, series.status) == ("D", ("1 dates moved to their D period; constant",))


def test_a_table_without_a_value_begins_with_its_first_date():
    blank = SeriesTable.of("t", table([("a", 3, None), ("b", 5, None), ("b", 6, None)]), Columns())
    weekly = Rules.of("t", {"frequency": "W"})
    series = blank.series(weekly, may_be_empty=True)
    assert series.lengths.tolist() == [0, 0]
    assert series.frequency.dates(series.start)[0].astype("datetime64[D]").item() == week(3)
    with pytest.raises(XbsqlError, match="no row has a series"):
        blank.series(weekly)


def test_a_number_whose_square_is_none_is_unknown():
    series = read([("a", 0, 2), ("a", 1, 1e200), ("a", 2, 4)])
    assert (values(series), series.status) == ([2, 3, 4], ("1 unknown values interpolated",))


def test_a_table_of_one_series_needs_no_id():
    one = pa.table({"ds": [week(0), week(1)], "y": [1.0, 2.0]})
    assert read_series("t", one, Columns(id=())).names == ("all",)
    with pytest.raises(XbsqlError, match=r"no column 'unique_id'; .* option 'id': .* or \[\] where"):
        read_series("t", one, Columns())


def test_what_cannot_be_text_names_no_series():
    listed = pa.table({"unique_id": [["a"]], "ds": [week(0)], "y": [1.0]})
    with pytest.raises(XbsqlError, match="cast it"):
        read_series("t", listed, Columns())
