"""Small inputs of a seller that have one right answer: prices, dates, units, titles, series, labels.

sellers_inputs.py holds them, each with what is right; sellers_tables.py those that need a model or an index.
`cldr_prices` and `cldr_dates` are the shares of all markets' own prices (two ways to write them, in Latin and
in the market's own digits) and dates (four styles), as the Unicode CLDR writes them through Babel, that are
read back as what they say; a date that a market writes in two ways of which one cannot be told is to be
refused, and counts where it is.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.sellers_inputs import INPUTS
from bench.sellers_tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

    from bench.case import Bench

TESTS = ["tests/harmonise/test_cldr.py", "tests/harmonise/test_units.py"]
SOURCES = ("bench/sellers_inputs.py", "bench/sellers_tables.py")
AMOUNTS = (1234.5, -1234567.25, 12.0, 0.5, 9_999_999.0, 100.0)
DAYS = (dt.date(2016, 3, 15), dt.date(2025, 12, 1), dt.date(2024, 2, 29), dt.date(2026, 1, 31))
STYLES = ("short", "medium", "long", "full")
UNSURE = {("TH", "short"), ("NP", "short"), ("BT", "medium")}
"""Years of two digits of one era where most are of another, and months in digits without their word."""


class Found(NamedTuple):
    """What came of one input."""

    passed: bool
    got: str


def run(bench: Bench) -> dict[str, float]:
    """Every input, and the round trips of every market."""
    checks = {**INPUTS, **TABLES}
    bench.plan(len(checks) + 2)
    counts = {"passed": 0, "failed": 0}
    with tempfile.TemporaryDirectory() as folder:
        import xbsql

        with xbsql.connect(store=Path(folder) / "store") as con:
            for name, check in checks.items():
                passed, got = bench.unit(name, lambda check=check: list(tried(check, con)))  # type: ignore[misc]
                counts["passed" if passed else "failed"] += 1
                bench.record(name, "xbsql", "passed", 1.0 if passed else 0.0)
                if not passed:
                    print(f"sellers: {name}: {got}", file=sys.stderr)
    shares: dict[str, float] = {}
    for key, trips in (("cldr_prices", prices), ("cldr_dates", dates)):
        shares[key] = bench.unit(key, lambda trips=trips: share(trips()))  # type: ignore[misc]
        bench.record("markets", "xbsql", key, shares[key])
    return {"passed": float(counts["passed"]), "failed": float(counts["failed"]), **shares}


def tried(check: Callable[[DuckDBPyConnection], object], con: DuckDBPyConnection) -> Found:
    """Whether an input gives what is right; a check raises AssertionError, or any error, where not."""
    try:
        check(con)
    except Exception as error:
        return Found(False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return Found(True, "")


def share(trips: Iterator[tuple[str, bool]]) -> float:
    """The share that came back right; what did not is printed."""
    found = list(trips)
    for what in [what for what, right in found if not right][:20]:
        print(f"sellers: {what}", file=sys.stderr)
    return sum(right for _, right in found) / len(found)


def prices() -> Iterator[tuple[str, bool]]:
    """Every market's prices, and whether each was read."""
    import pyarrow as pa
    from babel import numbers

    from xbsql.harmonise.written import read_numbers
    from xbsql.market import codes, market

    for code in codes():
        known = market(code)
        places = Decimal(1).scaleb(-numbers.get_currency_precision(known.currency))
        truth = [float(Decimal(str(amount)).quantize(places)) for amount in AMOUNTS]
        for system in ("latn", "default"):
            for kind in ("standard", "name"):
                texts = [
                    numbers.format_currency(
                        amount, known.currency, locale=known.locale, numbering_system=system, format_type=kind
                    )
                    for amount in AMOUNTS
                ]
                read = read_numbers(pa.array(texts), known)[0].to_pylist()
                for text, right, got in zip(texts, truth, read, strict=True):
                    yield f"{code} {text!r}", got is not None and math.isclose(got, right, rel_tol=1e-9)


def dates() -> Iterator[tuple[str, bool]]:
    """Every market's dates, and whether each was read."""
    import pyarrow as pa
    from babel import dates as written

    from xbsql.harmonise.written import read_dates
    from xbsql.market import codes, market

    for code in codes():
        known = market(code)
        for style in STYLES:
            texts = [written.format_date(day, style, locale=known.locale) for day in DAYS]
            read = read_dates(pa.array(texts), known)[0].to_pylist()
            for day, text, got in zip(DAYS, texts, read, strict=True):
                yield f"{code} {text!r}", got == (None if (code, style) in UNSURE else day)
