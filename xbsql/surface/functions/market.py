"""Two markets made alike, in SQL: units, money, written numbers and dates, calendars, columns. As data."""

from __future__ import annotations

from xbsql.surface.function import DATA, Argument, Function, Helper, rows_type
from xbsql.surface.handlers import market as handlers

_MARKET = Argument("market", "VARCHAR: the country code of the market, 'DE'")
_SOURCE = Argument("source", f"the home market's rows: {DATA}")
_TARGET = Argument("target", f"the other market's rows: {DATA}")

CONVERT = Function(
    "convert",
    "row",
    (
        Argument("value", "a number"),
        Argument("unit", "VARCHAR: what it is in: 'lb', or a column that says so"),
        Argument("new_unit", "VARCHAR: what it shall be in: 'kg'"),
    ),
    "DOUBLE",
    "A value in another unit of the same dimension: mass (mg g kg t oz lb st), length (mm cm m km in ft yd "
    "mi nmi), area (cm2 m2 ft2), volume (ml cl l cm3 m3 ft3 floz gal, US ones), time (s min h d wk) and "
    "temperature (c f k); full names serve too. NULL gives NULL; units of two dimensions are an error.",
    "SELECT xb.convert(12, 'lb', 'kg'), xb.convert(weight, 'kg', 'pounds') FROM parcels LIMIT 3",
    handlers.convert,
)
TO_CURRENCY = Function(
    "to_currency",
    "row",
    (
        Argument("amount", "a number"),
        Argument("currency", "VARCHAR: ISO 4217 code of the money it is in: 'JPY', or a column"),
        Argument("new_currency", "VARCHAR: the money it shall be in"),
        Argument(
            "rates",
            "a table: currency, per_unit (what one unit is worth in whatever money the table counts in) and, "
            "where rates change, day DATE (from when on)",
        ),
        Argument(
            "day", "DATE: the day whose rate counts, the latest up to it; NULL where rates do not", "NULL"
        ),
    ),
    "DOUBLE",
    "An amount in another currency by the rates that are given; none is fetched. NULL gives NULL; a currency "
    "without a rate, or a day before the first one, is an error.",
    "SELECT xb.to_currency(1000, 'JPY', 'EUR', 'rates'), "
    "xb.to_currency(1000, 'JPY', 'EUR', 'daily_rates', day := DATE '2026-01-20')",
    handlers.to_currency,
)
PARSE_NUMBER = Function(
    "parse_number",
    "row",
    (Argument("text", "VARCHAR"), _MARKET),
    "DOUBLE",
    "A number as a market writes it: '1.234,50' in Germany is 1234.5; a currency or unit around it is left "
    "out. NULL and blank give NULL; what the market would not write so is an error, not a guess.",
    "SELECT xb.parse_number('1.234,50 EUR', 'DE'), xb.parse_number('1,234.50', 'US')",
    handlers.parse_number,
)
PARSE_DATE = Function(
    "parse_date",
    "row",
    (Argument("text", "VARCHAR"), _MARKET),
    "DATE",
    "A date as a market writes it: '31.12.2025' in Germany, '12/31/2025' in the United States, "
    "'2025-12-31' anywhere. NULL and blank give NULL; another order of day and month is an error where it "
    "can be told.",
    "SELECT xb.parse_date('31.12.2025', 'DE'), xb.parse_date('12/31/2025', 'US')",
    handlers.parse_date,
)
HOLIDAY = Function(
    "holiday",
    "row",
    (Argument("day", "DATE"), _MARKET),
    "VARCHAR",
    "The public holiday that a day is in a market, by its English name where it has one; else NULL.",
    "SELECT xb.holiday(DATE '2026-05-05', 'JP')",
    handlers.holiday,
)
WORKDAYS = Function(
    "workdays",
    "row",
    (Argument("first", "DATE"), Argument("last", "DATE"), _MARKET),
    "INTEGER",
    "Working days after `first` up to and with `last` in a market: no weekend of its own, no public holiday. "
    "Negative where `last` comes first; NULL gives NULL.",
    "SELECT xb.workdays(DATE '2025-12-23', DATE '2026-01-02', 'DE')",
    handlers.workdays,
)
ALIGN_COLUMNS = Function(
    "align_columns",
    "set",
    (_SOURCE, _TARGET),
    rows_type(source="VARCHAR", target="VARCHAR", how="VARCHAR", score="DOUBLE"),
    "Which column of the target is which of the source, one to one: by 'name', by 'normalised name' (case, "
    "accents, word breaks and units apart) or by 'meaning' (the encoder on the names, across languages, and "
    "the values). A column that nothing is sure enough for stands alone, with the best score it had. "
    "`xb.transfer` reads the target so with options {'align': true}.",
    "FROM xb.align_columns(parcels, pakete)",
    handlers.align_columns,
)
LINT = Function(
    "lint",
    "set",
    (_SOURCE, _TARGET, Argument("label", "VARCHAR: the label column; with it leaks are looked for", "NULL")),
    rows_type(severity="VARCHAR", column="VARCHAR", problem="VARCHAR", remedy="VARCHAR"),
    "What to look at before a transfer. Errors: units or currencies that contradict each other, types that "
    "differ, infinite values. Warnings: medians that are a conversion factor or far apart, dates and numbers "
    "as text, columns known only afterwards or that tell the label alone. Notes: columns that one side "
    "lacks. `remedy` is SQL where SQL helps. `xb.transfer` itself refuses units that contradict each other.",
    "FROM xb.lint(parcels, pakete, label := 'days')",
    handlers.lint,
)

MARKET_FUNCTIONS: tuple[Function, ...] = (
    CONVERT,
    TO_CURRENCY,
    PARSE_NUMBER,
    PARSE_DATE,
    HOLIDAY,
    WORKDAYS,
    ALIGN_COLUMNS,
    LINT,
)
MARKET_HELPERS: tuple[Helper, ...] = (Helper("keep_rates", "VARCHAR", handlers.keep_rates),)
