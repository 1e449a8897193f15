"""What `bench.torture` counts as right and wrong, and how it hands out seeds."""

from __future__ import annotations

import json
from collections import Counter

import duckdb
import polars as pl
import pytest

from bench import torture
from bench.torture_cases import CASES, outcome
from bench.torture_errors import judged
from bench.torture_values import LONG, WRONG, literal
from xbsql.errors import XbsqlError, invalid


@pytest.mark.parametrize(
    ("error", "right"),
    [
        (invalid("xb.fit", "one line", "do this"), True),
        (invalid("xb.fit", f"'{LONG[:200]}' is too long"), True),
        (invalid("xb.fit", f"'{LONG}' is too long"), False),
        (duckdb.BinderException("Binder Error: no such thing"), True),
        (duckdb.InvalidInputException("... executing the UDF: XbsqlError: xb.fit: one line"), True),
        (duckdb.InvalidInputException("... exception occurred while executing the UDF: KeyError: 3"), False),
        (duckdb.InternalException("INTERNAL Error: assertion"), False),
        (invalid("xb.fit", "KeyError: 3", "this is a fault of xbsql, please report it"), False),
        (pl.exceptions.ColumnNotFoundError("x"), True),
        (KeyError("x"), False),
    ],
)
def test_errors_are_judged(error, right):
    with pytest.raises(type(error)) as raised:
        raise error
    assert (judged(raised.value, "sql") == "refused") == right


def test_every_value_is_sql_or_duckdbs_own_error():
    con, counts = duckdb.connect(), Counter()
    for value in WRONG:
        try:
            con.execute(f"SELECT {literal(value)}").fetchall()
            counts["fine"] += 1
        except (duckdb.Error, UnicodeError):
            counts["refused"] += 1
    assert counts["fine"] > 0.9 * len(WRONG)


@pytest.mark.parametrize("quick", [True, False])
def test_the_seeds_of_a_case_are_handed_out_once(quick):
    for case in torture.SHARES:
        seeds = [seed for part in torture._parts(case, 7, quick=quick) for seed in part]
        wanted = (torture.QUICK_SHARES if quick else torture.SHARES)[case]
        assert seeds == list(range(7, 7 + wanted))
    assert CASES.keys() == torture.SHARES.keys() == torture.QUICK_SHARES.keys()


def test_a_case_that_raises_is_counted_and_not_suffered():
    def broken(seed):
        raise (XbsqlError("f: one line") if seed else KeyError("x"))

    assert outcome(broken, 1) == "refused"
    assert outcome(broken, 0).startswith("internal: KeyError")
    assert json.dumps(outcome(broken, 0))
