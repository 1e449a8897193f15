"""Torture by calls: any function, from SQL, Python or Polars, with arguments right, wrong or swapped.

A call answers, or says in one line what is wrong. It never ends in a fault of xbsql or in an error of a
library below, never repeats more than 200 characters of what it was given, and never changes what a pinned
model, an index or a file elsewhere says.
"""

from __future__ import annotations

import json
import os
import warnings
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.torture_case import Case, rows
from bench.torture_errors import judged
from bench.torture_values import Given, drawn, literal, tables

if TYPE_CHECKING:
    from pathlib import Path

    from xbsql.surface.function import Argument, Function

FACES = ("sql", "sql", "python", "polars")
SLOW = {"transfer": 0.1, "label_curve": 0.05, "fit": 0.5, "selfcheck": 0.02, "weights": 0.4}
"""How often a function that takes long is tried, where others are tried once."""
LONG_BY_NATURE = {
    "transfer",
    "label_curve",
    "fit",
    "match",
    "match_candidates",
    "entities",
    "score_pairs",
    "review",
    "explain_match",
    "selfcheck",
    "launch",
    "forecast",
}
"""What may take 60 seconds. Offers are compared two markets at a time: sixty markets are 1,770 matches."""
PINNED = 25
"""After so many seeds the answers of what nobody changes are compared."""


class Calls(Case):
    """One call a seed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import xbsql
        import xbsql.frame
        from xbsql.surface.functions import FUNCTIONS

        warnings.simplefilter("ignore")
        (folder / "exports").mkdir(exist_ok=True)
        os.chdir(folder / "exports")
        self._con = xbsql.connect(store=folder / "store", config={"threads": 1})
        self._tables = tables()
        for name, table in self._tables.items():
            if name == "twice":
                continue
            self._con.register(f"_{name}", table)
            self._con.execute(f"CREATE TABLE {name} AS FROM _{name}")
        self._con.execute("CREATE TABLE united AS SELECT * REPLACE (union_value(k := id) AS late) FROM good")
        xbsql.frame.use(self._con)
        self._functions = {function.name: function for function in FUNCTIONS}
        self._expected = json.loads((folder / "answer.json").read_text())
        self._beside = self._outside()

    @staticmethod
    def prepare(folder: Path) -> None:
        """Models of every task, two indexes, and their answers."""
        import xbsql

        home = rows(200, 0)
        (folder / "outside").mkdir()
        (folder / "outside" / "mine.txt").write_text("mine")
        made = tables()
        with xbsql.connect(store=folder / "store") as con:
            xbsql.fit(con, "days", home.drop_columns(["late"]), "days")
            xbsql.fit(con, "late", home.drop_columns(["days"]), "late")
            xbsql.fit(
                con, "titles", made["good"].select(["title", "mode"]), "mode", options={"text": ["title"]}
            )
            series = {"id": "id", "ts": "day", "horizon": 4}
            xbsql.fit(con, "sales", made["series"], "days", task="forecast", options=series)
            for name in ("home", "spare"):
                xbsql.fit(con, name, home.select(["weight", "days"]), "days")
            good = made["good"]
            xbsql.build_index(con, "idx", good, "id", "vec")
            for name in ("texts", "spare_idx"):
                xbsql.build_index(con, name, good, "id", text="title")
        answers = Calls.answers(folder)
        (folder / "answer.json").write_text(json.dumps(answers))

    @staticmethod
    def answers(folder: Path) -> Any:  # noqa: ANN401 - JSON
        """What the pinned models and indexes say, in a session of its own."""
        from xbsql.session import models, search
        from xbsql.session.session import Session

        session = Session(folder / "store")
        asked = tables()["good"].slice(0, 10).to_struct_array().combine_chunks()
        found = [
            models.predict_table(session, f"{name}@1", asked).field("value").to_pylist()
            for name in ("days", "late", "titles", "home")
        ]
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(4, np.float32)), 4)
        found.append(search.search(session, "idx", vectors, 5, "*").to_pylist())
        found.append(search.search_text(session, "texts", pa.array(["red shoe"]), 5, "*").to_pylist())
        return json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 5))  # threads add up

    @classmethod
    def patience(cls, seed: int) -> float:
        """Seconds that a seed may take."""
        return 60.0 if cls.chosen(Random(seed)) in LONG_BY_NATURE else 10.0

    @staticmethod
    def chosen(random: Random) -> str:
        """The name of a function."""
        from xbsql.surface.functions import FUNCTIONS

        names = [function.name for function in FUNCTIONS]
        return random.choices(names, [SLOW.get(name, 1.0) for name in names])[0]

    def attack(self, seed: int) -> str:
        """One call, and now and then a look at what must not have changed."""
        random = Random(seed)
        function, face = self._functions[self.chosen(random)], random.choice(FACES)
        given = self._given(function, random)
        self._con.execute("SELECT 1")
        try:
            getattr(self, f"_{face}")(function, given, random)
            found = "same"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            found = judged(error, face)
        if seed % PINNED == 0:
            if self.answers(self.folder) != self._expected:
                return f"silent: a pinned answer is another one after {function.name}"
            if self._outside() != self._beside:
                return f"outside: {set(self._outside()) ^ set(self._beside)}"
        return (
            found if found in ("same", "refused") else f"{found} [{face}] {self.said(function, given)[:300]}"
        )

    def said(self, function: Function, given: dict[str, Given]) -> str:
        """The call, for whoever looks into it."""
        shown = {name: f"{value.what} {str(value.value)[:40]!r}" for name, value in given.items()}
        return f"{function.name} {shown}"

    def _outside(self) -> list[tuple[str, bytes]]:
        """What stands beside the store and the folder for exports."""
        mine = (self.folder / "outside" / "mine.txt").read_bytes()
        names = sorted(path.name for path in [*self.folder.iterdir(), *(self.folder / "outside").iterdir()])
        return [(name, b"") for name in names] + [("mine", mine)]

    def _given(self, function: Function, random: Random) -> dict[str, Given]:
        given = {
            a.name: drawn(function.name, a, random)
            for a in function.arguments
            if a.required or random.random() < 0.45
        }
        if len(given) > 1 and random.random() < 0.1:  # two arguments change places
            one, other = random.sample(sorted(given), 2)
            given[one], given[other] = given[other], given[one]
        return given

    def _sql(self, function: Function, given: dict[str, Given], random: Random) -> None:
        parts = [
            f"{'' if a.required else _name(a) + ' := '}{_sql(given[a.name])}"
            for a in function.arguments
            if a.name in given
        ]
        if random.random() < 0.05:
            parts = parts[:-1]
        call = f"xb.{function.name}({', '.join(parts)})"
        table = random.choice(("good", "good", "good", "odd", "empty", "nulls", "one"))
        query = f"SELECT {call} FROM {table} t" if function.kind == "row" else f"FROM {call}"
        self._con.execute(query).fetchmany(5000)

    def _python(self, function: Function, given: dict[str, Given], random: Random) -> None:
        import xbsql

        table = self._tables[random.choice(("good", "good", "good", "odd", "empty", "nulls", "twice"))]
        values = {
            a.name: self._object(a, given[a.name], table) for a in function.arguments if a.name in given
        }
        getattr(xbsql, function.name)(self._con, **values)

    def _object(self, argument: Argument, given: Given, table: pa.Table) -> Any:  # noqa: ANN401
        from xbsql.surface.arguments import ColumnOf

        if given.what == "table":
            return self._tables.get(given.value, given.value)
        if given.what == "row":
            return table
        if given.what == "column" and not isinstance(argument.kind, ColumnOf):
            return table[given.value] if table.column_names.count(given.value) == 1 else given.value
        return given.value

    def _polars(self, function: Function, given: dict[str, Given], random: Random) -> None:
        import polars as pl

        from xbsql.surface.polars import Expressions, Frames

        name = random.choice(("good", "good", "series", "empty", "nulls"))
        frame = pl.DataFrame(self._tables[name])
        space: Any = frame.lazy()
        if function.name in dir(Expressions):
            own = next(a.name for a in function.arguments if a.kind.__class__.__name__ == "Values")
            first = _expression(given.get(own, Given("row")))
            more = {n: _argument(v) for n, v in given.items() if n != own}
            frame.select(getattr(first.xb, function.name)(**more))
        elif function.name in dir(Frames):
            tabled = ("Rows", "Each", "Stream", "Bound")
            own = next(a.name for a in function.arguments if a.kind.__class__.__name__ in tabled)
            more = {n: self._framed(v) for n, v in given.items() if n != own}
            getattr(space.xb, function.name)(**more).collect()

    def _framed(self, given: Given) -> Any:  # noqa: ANN401
        import polars as pl

        if given.what == "table" and given.value in self._tables and given.value not in ("odd", "twice"):
            return pl.DataFrame(self._tables[given.value])
        return given.value


def _expression(given: Given) -> Any:  # noqa: ANN401 - an expression of Polars
    import polars as pl

    if given.what == "column":
        return pl.col(given.value)
    try:
        return pl.lit(given.value) if given.what == "value" else pl.struct(pl.all())
    except (TypeError, OverflowError) as error:  # Polars has no such value
        raise pl.exceptions.InvalidOperationError from error


def _argument(given: Given) -> Any:  # noqa: ANN401
    return _expression(given) if given.what in ("column", "row") else given.value


def _name(argument: Argument) -> str:
    from xbsql.surface.arguments import quoted

    return quoted(argument.name)


def _sql(given: Given) -> str:
    """An argument as SQL."""
    if given.what in ("sql", "table"):
        return str(given.value)
    if given.what == "row":
        return "t"
    if given.what == "column":
        return '"' + str(given.value).replace('"', '""') + '"'
    return literal(given.value)
