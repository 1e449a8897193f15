"""Two markets made alike: units, money, written numbers and dates, calendars, columns."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql import errors
from xbsql.arrow import digest, one_chunk, table_of_rows
from xbsql.harmonise import rows
from xbsql.session import harmonise
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, KeptOnce, Keys, Rows, Text, Values
from xbsql.surface.function import Helper, function

Number = Annotated[pa.Array, Values("DOUBLE"), "a number"]
Word = Annotated[pa.Array, Values("VARCHAR"), "a text"]
Day = Annotated[pa.Array, Values("DATE"), "a day"]
Market = Annotated[pa.Array, Values("VARCHAR"), "the country code of the market, 'DE'"]
Source = Annotated[pa.Table, Rows(), f"the home market's rows: {DATA}"]
Target = Annotated[pa.Table, Rows(), f"the other market's rows: {DATA}"]


@function(
    "DOUBLE",
    example="SELECT xb.convert(12, 'lb', 'kg'), xb.convert(weight, 'kg', 'pounds') FROM parcels LIMIT 3",
)
def convert(
    session: Session,
    value: Number,
    unit: Annotated[Word, "what it is in: 'lb', or a column that says so"],
    new_unit: Annotated[Word, "what it shall be in: 'kg'"],
) -> pa.Array:
    """A value in another unit of the same dimension: mass, length, area, volume (US ones), time,
    temperature, speed, pressure, power, energy, voltage, charge, current, force, torque, light,
    frequency, data. By symbol, whose case counts where it tells units apart (nm, Nm, mW, MW), or by
    name in twelve languages. NULL gives NULL; units of two dimensions are an error.
    """
    return rows.convert("xb.convert", value, unit, new_unit)


@function(
    "DOUBLE",
    example="SELECT xb.to_currency(1000, 'JPY', 'EUR', 'rates'), "
    "xb.to_currency(1000, 'JPY', 'EUR', 'daily_rates', day := DATE '2026-01-20')",
)
def to_currency(
    session: Session,
    amount: Number,
    currency: Annotated[Word, "ISO 4217 code of the money it is in: 'JPY', or a column"],
    new_currency: Annotated[Word, "the money it shall be in"],
    rates: Annotated[
        pa.Table | Keys,
        KeptOnce("a table", expression="(SELECT _xb_keep_rates(list(_xb_row)) FROM query_table({}) _xb_row)"),
        "currency, per_unit (what one unit is worth in whatever money the table counts in) and, where rates "
        "change, day DATE (from when on)",
    ],
    day: Annotated[Day, "the day whose rate counts, the latest up to it; NULL where rates do not"] = None,
) -> pa.Array:
    """An amount in another currency by the rates that are given; none is fetched. NULL gives NULL; a currency
    without a rate, or a day before the first one, is an error.
    """
    kept = str(rates.names) if isinstance(rates, Keys) else _kept(session, rates)
    return harmonise.to_currency(session, "xb.to_currency", amount, currency, new_currency, day, kept)


@function("DOUBLE", example="SELECT xb.parse_number('1.234,50 EUR', 'DE'), xb.parse_number('1,234.50', 'US')")
def parse_number(session: Session, text: Word, market: Market) -> pa.Array:
    """A number as a market writes it: '1.234,50' in Germany is 1234.5. A currency, or
    without one a unit, is left out; thousands, millions, lakhs, 万 and cents count. NULL and blank give NULL;
    what may be something else, such as 'iPhone 15', is an error, not a guess. Any script's digits are read.
    """
    return rows.parse_number("xb.parse_number", text, market)


@function("DOUBLE", example="SELECT xb.try_parse_number('iPhone 15', 'US')")
def try_parse_number(session: Session, text: Word, market: Market) -> pa.Array:
    """As xb.parse_number and as fast, with NULL for a text that is no number. An unknown market is an
    error.
    """
    return rows.try_parse_number("xb.try_parse_number", text, market)


@function("DATE", example="SELECT xb.parse_date('31.12.2025', 'DE'), xb.parse_date('12/31/2025', 'US')")
def parse_date(session: Session, text: Word, market: Market) -> pa.Array:
    """A date in a market's order, or with the month's name: '31.12.2025' in Germany, '12/31/2025' in the
    United States, '2025-12-31' anywhere. Buddhist, Persian, Minguo and Japanese years are converted,
    other calendars' are an error, and so is another order of day and month where it can be told. A year of
    two digits lies in 1970 to 2069; of four, years 1583 to 2299 are read, and 9999. A weekday may stand
    beside the date, and one that is not the day's is an error. NULL and blank give NULL.
    """
    return rows.parse_date("xb.parse_date", text, market)


@function("DATE", example="SELECT xb.try_parse_date('15/03/2559', 'TH')")
def try_parse_date(session: Session, text: Word, market: Market) -> pa.Array:
    """As xb.parse_date and as fast, with NULL for a text that is no date. An unknown market is an error."""
    return rows.try_parse_date("xb.try_parse_date", text, market)


@function("VARCHAR", example="SELECT xb.holiday(DATE '2026-05-05', 'JP')")
def holiday(session: Session, day: Day, market: Market) -> pa.Array:
    """The public holiday that a day is in a market, by its English name where it has one; else NULL. Days of
    the week play no part: a Sunday is no holiday. A year that the market's calendar does not know is an
    error that says which it knows: Germany 1991 to 2100, the United States 1777 to 2100. NULL gives NULL.
    """
    return rows.holiday("xb.holiday", day, market)


@function("INTEGER", example="SELECT xb.workdays(DATE '2025-12-23', DATE '2026-01-02', 'DE')")
def workdays(session: Session, first: Day, last: Day, market: Market) -> pa.Array:
    """Working days after `first` up to and with `last` in a market: no day of its own weekend (Friday and
    Saturday in some), no public holiday, but weekend days that its calendar makes working ones. Negative
    where `last` comes first; NULL gives NULL. Days more than 200 years apart are an error, and so is a year
    that the market's calendar does not know, see xb.holiday.
    """
    return rows.workdays("xb.workdays", first, last, market)


@function(
    {"source": "VARCHAR", "target": "VARCHAR", "how": "VARCHAR", "score": "DOUBLE"},
    example="FROM xb.align_columns(parcels, pakete)",
)
def align_columns(session: Session, source: Source, target: Target) -> list[dict[str, Any]]:
    """Which column of the target is which of the source, one to one: by 'name', by 'normalised name' (case,
    accents, word breaks and units apart) or by 'meaning' (the encoder on the names, across languages, and the
    values). A column that nothing is sure enough for stands alone, with the best score it had. `xb.transfer`
    reads the target so with options {'align': true}.
    """
    return harmonise.align_columns(session, source, target)


@function(
    {"severity": "VARCHAR", "column": "VARCHAR", "problem": "VARCHAR", "remedy": "VARCHAR"},
    example="FROM xb.lint(parcels, pakete, label := 'days') UNION ALL FROM xb.lint(parcels, label := 'days')",
)
def lint(
    session: Session,
    source: Annotated[pa.Table, Rows(), f"the rows, of two markets those of home: {DATA}"],
    target: Annotated[pa.Table | None, Rows(optional=True), "the other market's rows"] = None,
    label: Annotated[Text, "the label column; with it leaks are looked for"] = None,
) -> list[dict[str, Any]]:
    """What to look at before a fit or, with a target, before a transfer. Of one table: types, numbers
    and dates as text, mixed units and currencies, near-constant columns, ids, leaks, duplicates,
    placeholders, labels that look like numbers, classes of one row. Of two also: units or currencies
    that contradict each other, types that differ, medians that are a conversion factor or far apart,
    columns that one side lacks. `severity` is error, warning or note; `column` is '*' for what is
    said of rows; `remedy` is SQL where SQL helps, and reads from `data`. `xb.transfer` itself refuses
    units that contradict each other.
    """
    return harmonise.lint(session, source, target, label)


def _keep_rates(session: Session, rates: pa.ChunkedArray) -> pa.Array:
    """Keep each table of rates and name it by its digest."""
    names = []
    for line in one_chunk(rates):
        if not line.is_valid:
            raise errors.invalid("xb.to_currency", "rates has no rows", "give currency and per_unit")
        names.append(_kept(session, table_of_rows(line.values)))
    return pa.array(names, pa.string())


def _kept(session: Session, rates: pa.Table) -> str:
    return harmonise.keep_rates(session, "xb.to_currency", rates, digest(rates))


HELPERS = (Helper("keep_rates", "VARCHAR", _keep_rates),)
