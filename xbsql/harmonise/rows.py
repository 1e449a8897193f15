"""Whole columns at once: values grouped by the unit, currency or market that stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_text, one_chunk
from xbsql.features.roles import kind_of
from xbsql.harmonise import units, written
from xbsql.market import market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from xbsql.harmonise.money import Days, Rates
    from xbsql.market import Market

MOST_YEARS = 200
"""Days further apart than this are no dates but signs for something else."""

_INFINITE = 2**31 - 1
"""Days from 1970 to DuckDB's DATE 'infinity'."""

EPOCH = np.datetime64("1970-01-01", "D")


def convert(where: str, values: pa.Array, unit: pa.Array, new_unit: pa.Array) -> pa.Array:
    """Values in another unit, see `units.converted`; float64, NULL where one of the three is NULL."""
    numbers = _numbers(where, "value", values)
    found = np.full(len(numbers), np.nan)
    for (old, new), rows in _groups(where, {"unit": unit, "new_unit": new_unit}):
        found[rows] = units.converted(where, numbers[rows], old, new)
    return pa.array(found, from_pandas=True)


def to_currency(
    where: str, amounts: pa.Array, currency: pa.Array, new_currency: pa.Array, day: pa.Array, rates: Rates
) -> pa.Array:
    """Amounts in another currency, by the day's rates; float64, NULL where one of the inputs is NULL."""
    numbers, days = _numbers(where, "amount", amounts), _days(where, day)
    found = np.full(len(numbers), np.nan)
    for (old, new), group in _groups(where, {"currency": currency, "new_currency": new_currency}):
        rows = group[~np.isnan(numbers[group])]
        on = None
        if days is not None:
            rows = rows[days[1][rows]]
            on = days[0][rows]
        before, after = (rates.worth(where, money, on, len(rows)) for money in (old, new))
        found[rows] = numbers[rows] * before / after
    return pa.array(found, from_pandas=True)


def parse_number(where: str, texts: pa.Array, code: pa.Array) -> pa.Array:
    """Written numbers as float64, see `written.numbers`; NULL where the text, or the market, is NULL.

    Raises:
        XbsqlError: no such market, or a text that is no number there.
    """
    return _parsed(where, texts, code, written.numbers, pa.float64())


def try_parse_number(where: str, texts: pa.Array, code: pa.Array) -> pa.Array:
    """As `parse_number`, with NULL for a text that is no number; as fast.

    Raises:
        XbsqlError: no such market.
    """
    return _parsed(
        where, texts, code, lambda _, some, place: written.read_numbers(some, place)[0], pa.float64()
    )


def parse_date(where: str, texts: pa.Array, code: pa.Array) -> pa.Array:
    """Written dates as date32, see `written.dates`; NULL where the text, or the market, is NULL.

    Raises:
        XbsqlError: no such market, or a text that is no date there.
    """
    return _parsed(where, texts, code, written.dates, pa.date32())


def try_parse_date(where: str, texts: pa.Array, code: pa.Array) -> pa.Array:
    """As `parse_date`, with NULL for a text that is no date; as fast.

    Raises:
        XbsqlError: no such market.
    """
    return _parsed(where, texts, code, lambda _, some, place: written.read_dates(some, place)[0], pa.date32())


def holiday(where: str, day: pa.Array, code: pa.Array) -> pa.Array:
    """The name of the public holiday of each day, or NULL; NULL for an infinite day.

    Raises:
        XbsqlError: no such market or calendar, or a year that the calendar does not know.
    """
    known = _days(where, day)
    names: list[str | None] = [None] * len(day)
    for (name,), group in _groups(where, {"market": code}):
        rows = group[known[1][group]] if known else group[:0]
        dates = (EPOCH + known[0][rows]).tolist() if known else []
        years = np.unique((EPOCH + known[0][rows]).astype("datetime64[Y]").astype(int)) if known else ()
        calendar = market(name).holidays({int(year) + 1970 for year in years})
        for row, date in zip(rows.tolist(), dates, strict=True):
            names[row] = calendar.get(date)
    return pa.array(names, pa.string())


def workdays(where: str, first: pa.Array, last: pa.Array, code: pa.Array) -> pa.Array:
    """Working days after the first day up to and with the last, int32; NULL where one is NULL.

    Raises:
        XbsqlError: no such market or calendar, a year that the calendar does not know, or days more than
            `MOST_YEARS` apart.
    """
    start, end = _days(where, first), _days(where, last)
    found, known = np.zeros(len(first), np.int32), np.zeros(len(first), bool)
    for (name,), group in _groups(where, {"market": code}):
        if start is None or end is None:
            continue
        rows = group[start[1][group] & end[1][group]]
        if len(rows):
            found[rows] = _worked(where, market(name), start[0][rows], end[0][rows])
            known[rows] = True
    return pa.array(found, mask=~known)


def _worked(where: str, place: Market, start: Days, end: Days) -> Days:
    """The working days up to each end less those up to each start, from the sums of all years between."""
    least, most = (EPOCH + int(min(start.min(), end.min()))), (EPOCH + int(max(start.max(), end.max())))
    years = [int(day.astype("datetime64[Y]").astype(int)) + 1970 for day in (least, most)]
    if years[1] - years[0] > MOST_YEARS:
        problem = f"days from {least} to {most} are more than {MOST_YEARS} years apart"
        raise errors.invalid(where, problem, "leave out what stands for no date")
    flags = b"".join(place.working(year) for year in range(years[0], years[1] + 1))
    upto = np.cumsum(np.frombuffer(flags, np.uint8), dtype=np.int64)
    origin = int((np.datetime64(f"{years[0]:04d}-01-01", "D") - EPOCH).astype(int))
    return np.asarray(upto[end - origin] - upto[start - origin], np.int64)


def beside(values: pa.Array | pa.ChunkedArray, given: Any) -> pa.Array:  # noqa: ANN401 - a column or a value
    """A column as it is, or one value for each row of `values`."""
    if isinstance(given, pa.Array | pa.ChunkedArray):
        return one_chunk(given)
    return pa.nulls(len(values)) if given is None else pa.repeat(pa.scalar(given), len(values))


def _parsed(
    where: str, texts: pa.Array, code: pa.Array, parse: Callable[..., pa.Array], kind: pa.DataType
) -> pa.Array:
    if not is_text(texts.type) and not pa.types.is_null(texts.type):
        raise errors.invalid(where, f"needs VARCHAR, got {texts.type}", "it need not be parsed")
    whole, places, parts = texts.cast(pa.string()), [np.empty(0, np.int64)], []
    for (name,), rows in _groups(where, {"market": code}):
        places.append(rows)
        coded = whole.take(pa.array(rows)).dictionary_encode()
        parts.append(parse(where, coded.dictionary, market(name)).take(coded.indices))
    order = np.full(len(texts), -1)
    order[np.concatenate(places)] = np.arange(sum(map(len, parts)))
    whole_parts = pa.chunked_array(parts, kind)
    return whole_parts.take(pa.array(order, mask=order < 0)).combine_chunks()


def _groups(where: str, columns: dict[str, pa.Array]) -> Iterator[tuple[tuple[str, ...], NDArray[np.int64]]]:
    """The rows of each combination of texts; rows with a NULL among them are in none."""
    for name, column in columns.items():
        if not is_text(column.type) and not pa.types.is_null(column.type):
            raise errors.invalid(where, f"{name} is {column.type}", "give it as text")
    size = len(next(iter(columns.values())))
    table = pa.table({name: column.cast(pa.string()) for name, column in columns.items()})
    table = table.append_column("row", pa.array(np.arange(size)))
    for name in columns:
        table = table.filter(pc.is_valid(table[name]))
    found = table.group_by(list(columns)).aggregate([("row", "list")])
    for line in found.to_batches():
        for i in range(len(line)):
            rows = line.column("row_list")[i].values.to_numpy()
            yield tuple(line.column(name)[i].as_py() for name in columns), rows


def _numbers(where: str, name: str, values: pa.Array) -> NDArray[np.float64]:
    if kind_of(values.type) not in ("number", "null"):
        raise errors.invalid(where, f"{name} is {values.type}", f"cast it ({name}::DOUBLE)")
    found = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(found, np.float64)


def _days(where: str, column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Days since 1970 and which rows have a finite one; None where the column is no more than NULL."""
    if pa.types.is_null(column.type):
        return None
    if kind_of(column.type) != "date":
        raise errors.invalid(where, f"day is {column.type}", "cast it (day::DATE)")
    days = column.cast(pa.date32(), safe=False).cast(pa.int32())
    there = np.asarray(days.is_valid().to_numpy(zero_copy_only=False), bool)
    found = np.asarray(days.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    return found, there & (np.abs(found) < _INFINITE)
