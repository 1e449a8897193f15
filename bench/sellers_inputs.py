"""Texts of a seller and what each says: amounts, dates, units, and words that are none of these.

A check takes a connection and asserts what is right.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    Check = Callable[[DuckDBPyConnection], object]

INPUTS: dict[str, Check] = {}


def input_of(check: Check) -> Check:
    """Add a check, named as its function."""
    INPUTS[check.__name__.replace("_", " ")] = check
    return check


def one(con: DuckDBPyConnection, query: str, *given: object) -> Any:  # noqa: ANN401 - SQL gives any type
    """The one value of a query."""
    row = con.execute(query, list(given)).fetchone()
    assert row is not None
    return row[0]


def refused(con: DuckDBPyConnection, query: str, *given: object) -> str:
    """The error of a query, in one line of ours."""
    import duckdb

    try:
        found = con.execute(query, list(given)).fetchall()
    except duckdb.Error as error:
        said = str(error).partition("XbsqlError: ")[2]
        assert said
        assert "fault of xbsql" not in said
        assert "\n" not in said
        return said
    message = f"gives {found[:2]}"
    raise AssertionError(message)


def numbers(con: DuckDBPyConnection, pairs: dict[tuple[str, str], float]) -> None:
    """Each (text, market) is that number."""
    for (text, market), right in pairs.items():
        got = one(con, "SELECT xb.parse_number(?, ?)", text, market)
        assert math.isclose(got, right, rel_tol=1e-12), (text, market, got, right)


@input_of
def prices_with_spaces_that_do_not_break(con: DuckDBPyConnection) -> None:
    numbers(con, {
        ("2.499,00\u00a0\u20ac", "DE"): 2499, ("1\u202f049,99\u00a0\u20ac", "FR"): 1049.99,
        ("CHF\u00a03\u2019500.50", "CH"): 3500.5, ("R$\u00a07.890,10", "BR"): 7890.1,
        ("12\u00a0300,00\u00a0K\u010d", "CZ"): 12300, ("\u200f1,250.00\u00a0\u20aa", "IL"): 1250,
    })  # fmt: skip


@input_of
def amounts_in_thousands_and_cents(con: DuckDBPyConnection) -> None:
    numbers(con, {
        ("8\u4e07\u5186", "JP"): 80_000, ("\uffe52.5\u4e07\u5143", "CN"): 25_000, ("3\ub9cc\uc6d0",
        "KR"): 30_000,
        ("$4M", "US"): 4e6, ("2.5k", "US"): 2500, ("\u20b93 lakh", "IN"): 300_000, ("\u20b92 crore",
        "IN"): 2e7,
        ("75\u00a2", "US"): 0.75, ("80p", "GB"): 0.8, ("2,5 Tsd.", "DE"): 2500, ("3 Mio. \u20ac",
        "DE"): 3e6,
    })  # fmt: skip


@input_of
def amounts_as_a_till_writes_them(con: DuckDBPyConnection) -> None:
    numbers(con, {
        ("15,-", "DE"): 15, ("15,\u2013 \u20ac", "DE"): 15, ("\uff11\uff12\uff18\uff10\u5186", "JP"): 1280,
        ("\u2212 12,5", "SE"): -12.5, ("\u20ac 0,99", "NL"): 0.99,
    })  # fmt: skip


@input_of
def texts_that_are_no_amount(con: DuckDBPyConnection) -> None:
    for text in ("iPhone 14", "SKU-77", "EAN 4012345678901", "12-15", "size 42", "3 for 2", "2x500", "v2.0"):
        refused(con, "SELECT xb.parse_number(?, 'US')", text)
        assert one(con, "SELECT xb.try_parse_number(?, 'US')", text) is None, text


@input_of
def years_of_other_calendars(con: DuckDBPyConnection) -> None:
    truths = {
        ("07/08/2563", "TH"): dt.date(2020, 8, 7), ("1403/01/15", "IR"): dt.date(2024, 4, 3),
        ("\u4ee4\u548c6\u5e745\u67081\u65e5", "JP"): dt.date(2024, 5, 1),
    }  # fmt: skip
    for (text, market), right in truths.items():
        got = one(con, "SELECT xb.parse_date(?, ?)", text, market)
        assert got == right, (text, got)


@input_of
def dates_in_a_markets_order(con: DuckDBPyConnection) -> None:
    assert one(con, "SELECT xb.parse_date('04/05/2025', 'GB')") == dt.date(2025, 5, 4)
    assert one(con, "SELECT xb.parse_date('04/05/2025', 'US')") == dt.date(2025, 4, 5)
    assert one(con, "SELECT xb.parse_date('1er mars 2025', 'FR')") == dt.date(2025, 3, 1)
    refused(con, "SELECT xb.parse_date('25/12/2025', 'US')")
    assert one(con, "SELECT xb.try_parse_date('30.02.2025', 'DE')") is None


@input_of
def symbols_whose_case_counts(con: DuckDBPyConnection) -> None:
    assert math.isclose(one(con, "SELECT xb.convert(550, 'nm', 'mm')"), 5.5e-4)
    refused(con, "SELECT xb.convert(20, 'Nm', 'm')")
    assert math.isclose(one(con, "SELECT xb.convert(3, 'mW', 'W')"), 0.003)
    assert math.isclose(one(con, "SELECT xb.convert(3, 'MW', 'W')"), 3e6)


@input_of
def spellings_of_units(con: DuckDBPyConnection) -> None:
    rights = {
        ("fl oz", "ml"): 29.5735295625, ("oz.", "g"): 28.349523125, ("lbs.", "kg"): 0.45359237,
        ("m\u00b2", "cm2"): 10_000, ("cm\u00b3", "ml"): 1, ("sq ft", "m2"): 0.09290304, ("Zoll",
        "cm"): 2.54,
    }  # fmt: skip
    for (old, new), right in rights.items():
        got = one(con, "SELECT xb.convert(1, ?, ?)", old, new)
        assert math.isclose(got, right, rel_tol=1e-9), (old, new, got)


@input_of
def two_units_of_two_dimensions(con: DuckDBPyConnection) -> None:
    refused(con, "SELECT xb.convert(1, 'kg', 'm')")
    assert one(con, "SELECT xb.convert(NULL, 'kg', 'g')") is None


@input_of
def a_market_that_does_not_exist(con: DuckDBPyConnection) -> None:
    for query in ("SELECT xb.parse_number('1', 'UK')", "SELECT xb.holiday(DATE '2025-01-01', 'UK')"):
        assert "did you mean 'GB'" in refused(con, query)
    con.execute("CREATE OR REPLACE TABLE few AS SELECT i AS x, 2 * i AS y FROM range(40) t(i)")
    assert "market" in refused(con, "CALL xb.fit('few', few, 'y', market := 'ZZ')")


@input_of
def soft_hyphens_in_titles(con: DuckDBPyConnection) -> None:
    same = "SELECT xb.similarity(xb.embed(?), xb.embed('Regenschirm'))"
    assert one(con, same, "Regen\u00adschirm") > 0.999


@input_of
def holidays_and_workdays(con: DuckDBPyConnection) -> None:
    assert one(con, "SELECT xb.holiday(DATE '2025-10-03', 'DE')") is not None
    assert one(con, "SELECT xb.holiday(DATE '2025-10-06', 'DE')") is None
    assert one(con, "SELECT xb.workdays(DATE '2025-12-23', DATE '2025-12-29', 'DE')") == 2
