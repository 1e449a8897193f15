"""What the fuzz of `bench.torture` gives to functions: right values by name, and wrong ones."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.torture_case import rows

if TYPE_CHECKING:
    from random import Random

    from xbsql.surface.function import Argument


@dataclass(frozen=True)
class Given:
    """One argument.

    Attributes:
        what: 'value', 'column', 'row' (the whole row), 'table', or 'sql' (an expression of SQL alone).
        value: the value, or the name of the column or table.
    """

    what: str
    value: Any = None


LONG = "x" * 5_000
ODD = "a\u202eb\u0301\u00a0\u200d\U0001f9f5 \ud55c\uae00 \u0645\u0631\u062d\u0628\u0627"
DAY = dt.date(2024, 2, 29)
WRONG: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 3, 10**6, 2**63 - 1, -(2**63), 10**30, 0.5, -0.5, math.nan, math.inf,
    -math.inf,
    1e308, Decimal("1.5"), "", " ", "a", "abc", LONG, ODD, "'; DROP TABLE good; --", "../x", "/nowhere/x",
    "days@\u00b2", "days@" + "9" * 5_000, "days@", "@1", "models/days", ".", "..", "good", "weight",
    "\U0001f600",
    "%s %d {}", "\\", "a\nb\tc", [], [None], [1, 2], [0.5, math.nan], ["a"], ["weight", "weight"],
    ["weight", 3],
    [LONG], [[1]], {}, {"a": 1}, {"a": {"b": [1]}}, {"seed": "abc"}, {"ignore": 3}, {"id": []},
    {"horizon": -1},
    DAY, dt.datetime(2024, 2, 29, 12, 30), dt.time(3, 4), dt.timedelta(days=3), b"\x00\xff",
)  # fmt: skip
SQL_ONLY = (
    "DATE '0044-03-15 (BC)'", "'infinity'::DATE", "'-infinity'::TIMESTAMP", "INTERVAL 3 MONTHS",
    "MAP {'a': 1}",
    "170141183460469231731687303715884105727::HUGEINT", "chr(0)", "'a' || chr(0) || 'b'", "uuid()",
    "random()",
    "NULL::DOUBLE", "NULL::STRUCT(a INTEGER)", "NULL::VARCHAR[]", "'x'::ENUM('x', 'y')",
    "1.5::DECIMAL(38, 10)",
    "'101'::BIT", "TIMESTAMPTZ '2024-01-01 00:00:00+02'", "[1, 2]::FLOAT[2]", "[]::FLOAT[]",
    "[NULL]::FLOAT[]",
    "DATE '290000-01-01'", "union_value(k := 1)", "repeat('x', 5000)", "range(1000)",
)  # fmt: skip
RIGHT: dict[str, tuple[Any, ...]] = {
    "task": ("auto", "classify", "predict", "forecast"),
    "method": ("auto", "source", "pooled", "density_ratio", "ulsif", "rulsif", "kliep"),
    "metric": ("cosine", "dot", "l2"), "mode": ("exact", "approximate"), "encoder": (None, "text"),
    "market": ("DE", "us", "JP", None), "unit": ("kg", "lb", "m", "\u00b0C"), "new_unit": ("g", "oz",
    "ft", "K"),
    "currency": ("JPY", "EUR"), "new_currency": ("USD", "EUR"), "k": (1, 3, 50), "horizon": (1, 4),
    "level": (0.9, 0.5), "levels": ([0.1, 0.5, 0.9],), "quantiles": ([1.0, 2.0, 5.0],), "draws": (100, 500),
    "threshold": (0.5, 0.9), "version": (1, 2), "filter": ([1, 2, 3], None), "ids": ([1, 2], ["a"]),
    "columns": (["weight"], ["weight", "mode"], None), "classes": (["a", "b"], None), "known": (None,),
    "name": ("fit", "search", None), "label": ("days", "late", None), "by": ("mode", "step", None),
    "start": (DAY, None), "weights": (None, [1.0] * 4), "path": ("out", "out/booster.txt", "new/folder"),
    "service_level": (0.9, 0.95), "recall": (0.9, 1.0), "price_error": (0.0, 0.1), "delay": (None, "days"),
    "cost_model": ("days",), "delay_model": ("days",), "demand": ("sales",), "base": ("days", "late", None),
    "index": ("idx", "texts"), "text": ("1.234,50 \u20ac", "red shoe", "31.12.2024", None),
}  # fmt: skip
COLUMNS: dict[str, str] = {
    "id": "id", "vec": "vec", "text": "title", "qid": "id", "cid": "id", "qvec": "vec", "cvec": "vec",
    "lid": "id", "rid": "id", "ltext": "title", "rtext": "title", "block": "mode", "ts": "day", "y": "days",
    "price": "weight", "lane": "mode", "cost": "weight", "quantity": "id", "on_time": "share",
    "capacity": "weight", "fixed": "weight", "pool": "mode", "vector": "vec", "a": "vec", "b": "vec",
    "query": "title", "input": "title", "value": "weight", "amount": "weight", "day": "day", "first": "day",
    "last": "day", "demand": "weight", "demand_sd": "weight", "lead_time": "weight", "lo": "weight",
    "hi": "days", "underage": "weight", "overage": "days", "market": "market", "promise": "weight",
}  # fmt: skip
WRITES = {"fit", "transfer", "import_booster", "drop_model", "promote"}
CHANGES_INDEX = {"build_index", "add_to_index", "delete_from_index", "drop_index"}
SPARE, SPARE_INDEX = ("spare", "spare@1", "new_one"), ("spare_idx", "new_idx")
TABLES = ("good", "good", "good", "series", "empty", "one", "nulls", "odd", "twice", "united", "none_such")


def tables() -> dict[str, pa.Table]:
    """The tables that calls are about, by name."""
    n, random = 60, np.random.default_rng(3)
    good = rows(n, 3).append_column("id", pa.array(range(n)))
    more = {
        "title": [f"{('red', 'blue', None)[i % 3] or ''} shoe {i % 9} cm" for i in range(n)],
        "day": [DAY + dt.timedelta(days=7 * (i // 4)) for i in range(n)],
        "market": ["DE", "US", "JP"] * (n // 3),
        "share": random.random(n),
        "vec": list(random.normal(size=(n, 4)).astype(np.float32)),
    }
    for name, values in more.items():
        good = good.append_column(name, pa.array(values))
    series = pa.table({
        "id": [f"p{i % 4}" for i in range(80)],
        "day": [DAY + dt.timedelta(days=7 * (i // 4)) for i in range(80)],
        "days": [float(5 + i % 4 + (i // 4) % 3) for i in range(80)],
    })  # fmt: skip
    some = {
        name: pa.nulls(5, field) for name, field in zip(good.column_names, good.schema.types, strict=True)
    }
    odd = pa.table({
        "id": ["a", "a", None, LONG, ODD], "weight": [math.nan, math.inf, -math.inf, 1e308, None],
        "days": [Decimal("1.5"), Decimal(10**20), None, Decimal(0), Decimal(-1)],
        "title": ["", " ", LONG, ODD, None], "mode": [[1], [], None, [2, 3], [None]],
        "day": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None, DAY, DAY],
        "late": [b"\x00", b"", None, b"\xff", b"a"], "size": [{"a": 1}, None, {"a": 2}, {"a": None},
        {"a": 1}],
        "vec": [[1.0], [1.0, 2.0], None, [], [math.nan]], "a b": [True, False, None, True, True],
        "x'y\"z": [dt.time(1), None, dt.time(2), dt.time(3), dt.time(4)],
        "_": [2**62, -(2**62), 0, None, 1],
        "market": ["ZZ", "", None, "de ", LONG], "share": [2.0, -1.0, None, 0.5, math.nan],
    })  # fmt: skip
    twice = pa.Table.from_arrays([*good.columns, good["weight"]], names=[*good.column_names, "weight"])
    return {
        "good": good, "series": series, "empty": good.slice(0, 0), "one": good.slice(0, 1),
        "nulls": pa.table(some), "odd": odd, "twice": twice,
    }  # fmt: skip


def drawn(function: str, argument: Argument, random: Random) -> Given:
    """A value for an argument: mostly one that it can take, else anything."""
    from xbsql.surface.arguments import ColumnOf, Each, KeptOnce, Rows, Stream

    kind = argument.kind
    if random.random() < 0.25:
        wrong = _wrong(random)  # a folder to write to is one of our own, else of no type that names one
        return Given("value", 7) if argument.name == "path" and isinstance(wrong.value, str) else wrong
    if isinstance(kind, Rows | Each | Stream) or (isinstance(kind, KeptOnce) and kind.table):
        return Given("table", random.choice(TABLES) if random.random() < 0.6 else "good")
    if isinstance(kind, ColumnOf) or (argument.name in COLUMNS and random.random() < 0.7):
        return _column(argument.name, random)
    return _right(function, argument, random)


def _right(function: str, argument: Argument, random: Random) -> Given:
    name, type_ = argument.name, argument.kind.type
    if name in ("model", "index"):
        return Given("value", _named(function, random))
    if name in RIGHT:
        return Given("value", random.choice(RIGHT[name]))
    if type_ == "STRUCT" and name != "options":
        return Given("row")
    if name == "options":
        return Given("value", _options(random))
    if type_ == "BOOLEAN":
        return Given("value", random.random() < 0.5)
    return Given("value", random.choice((0.5, 3.0, "good", 7)))


def _named(function: str, random: Random) -> str:
    """A model or an index; what changes one is kept off those that stay as they are."""
    if function in WRITES:
        return random.choice(SPARE)
    if function in CHANGES_INDEX:
        return random.choice(SPARE_INDEX)
    if "index" in function or function.startswith("search"):
        return random.choice(("idx", "texts"))
    return random.choice(("days", "late", "titles", "sales", "days@1", "home"))


def _column(name: str, random: Random) -> Given:
    if random.random() < 0.15:
        return Given("row")
    if random.random() < 0.3:
        return Given(
            "column", random.choice(("weight", "mode", "title", "day", "vec", "late", "none_such", LONG))
        )
    return Given("column", COLUMNS.get(name, "weight"))


def _wrong(random: Random) -> Given:
    if random.random() < 0.2:
        return Given("sql", random.choice(SQL_ONLY))
    if random.random() < 0.1:
        return Given("table", random.choice(TABLES))
    return Given("value", random.choice(WRONG))


def _options(random: Random) -> dict[str, Any]:
    """Options of any task, most of them by their right name, many of the wrong type."""
    from xbsql.tasks.options_page import options_rows

    if random.random() < 0.4:
        return {}
    known = [row.option for task in ("classify", "predict", "forecast") for row in options_rows(task)]
    names = random.sample([*known, "misspelt", "fill", "calendar", "until", "end"], random.randint(1, 2))
    few = (True, 1, 0.5, "good", "id", "day", ["weight"], ["id"], "DE")
    return {name: random.choice(few if random.random() < 0.6 else WRONG) for name in names}


def literal(value: Any) -> str:  # noqa: ANN401, C901 - one line a type
    """A Python value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return f"'{value}'::DOUBLE"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"'{key}': {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bytes):
        return "'\\x00\\xFF'::BLOB"
    if isinstance(value, dt.timedelta):
        return f"INTERVAL {value.days} DAYS"
    text = str(value).replace("'", "''")
    kind = {dt.datetime: "TIMESTAMP ", dt.date: "DATE ", dt.time: "TIME "}.get(type(value), "")
    return f"{kind}'{text}'"
