"""What bench/house.py adds in a scratch copy: a function, and a task that is one of its own."""

from __future__ import annotations

FUNCTION = {
    "xbsql/surface/market.py": '''

@function("DOUBLE", example="SELECT xb.margin(12.0, 9.0)")
def margin(session: Session, price: Number, cost: Number) -> pa.Array:
    """What is left of a price, as a share of it. NULL gives NULL, and so does a price of 0."""
    return rows.margin("xb.margin", price, cost)
''',
    "xbsql/harmonise/rows.py": '''

def margin(where: str, price: pa.Array, cost: pa.Array) -> pa.Array:
    """(price - cost) / price; float64, NULL where one of them is NULL or the price is 0."""
    own, other = _numbers(where, "price", price), _numbers(where, "cost", cost)
    share = np.divide(own - other, own, out=np.full(len(own), np.nan), where=own != 0)
    return pa.array(share, from_pandas=True)
''',
    "tests/surface/test_margin.py": """import polars as pl
import pyarrow as pa

import xbsql
import xbsql.frame


def test_it_is_in_every_face(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    xbsql.frame.use(con)
    assert con.sql("SELECT xb.margin(12.0, 9.0), xb.margin(NULL, 1)").fetchall() == [(0.25, None)]
    assert xbsql.margin(con, pa.array([12.0, 0.0]), 9.0).to_pylist() == [0.25, None]
    assert pl.DataFrame({"p": [12.0]}).select(pl.col("p").xb.margin(9.0)).item() == 0.25
    assert con.sql("FROM xb.help('margin')").fetchall()
    con.close()
""",
}

TASK = {
    "xbsql/tasks/amount/__init__.py": '"""Positive amounts, learnt on their logarithm."""\n',
    "xbsql/tasks/amount/task.py": '''"""Positive amounts: a regression of the logarithm."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.engine.objective import regression
from xbsql.metrics import rows as metrics
from xbsql.tasks.amount.candidates import candidates
from xbsql.tasks.amount.model import Amount
from xbsql.tasks.row_options import RowOptions
from xbsql.tasks.row_task import RowTask
from xbsql.tasks.scores import VALUES


class Logs(NamedTuple):
    """Where there is a label, and the logarithms of those."""

    present: np.ndarray
    y: np.ndarray


class AmountTask(RowTask):
    """Labels are numbers above 0."""

    name, options, fitted, metric = "amount", RowOptions, Amount, "r2"

    def accepts(self, schema, label, options):
        return False  # only where it is asked for

    def labels(self, where, table, label):
        values = table[label].cast(pa.float64()).to_numpy()
        present = np.isfinite(values)
        if (values[present] <= 0).any():
            raise errors.invalid(where, f"'{label}' holds amounts of 0 or less", "leave them out")
        return Logs(present, np.log(values[present]))

    def refuse(self, where, label, found, *, at_home):
        if at_home and not len(found.y):
            raise errors.invalid(where, f"label column '{label}' has no label", "give labelled rows")

    def coded(self, found, classes):
        return found.y

    def judge(self, classes):
        return regression()

    def candidates(self, problem):
        return candidates(problem.reader, problem.origin)

    def model(self, problem, found):
        return Amount(problem.reader, found.blend, problem.asked.label)

    def scores(self, classes):
        return VALUES

    def prediction(self, model, rows, classes):
        return model.logs(rows)

    def scoring(self, model, rows, prediction, classes):
        return lambda members: VALUES

    def truth(self, found):
        return np.exp(found.y)

    def answers(self, prediction, classes):
        return np.exp(prediction)

    def agreement(self, truth, answers, weight):
        return metrics.r2(truth, answers, weight)


TASK = AmountTask()
''',
    "xbsql/tasks/amount/model.py": '''"""A fitted amount: rows in, what to expect of each out."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from xbsql.store.model import Signature, State, restorable, restore
from xbsql.tasks.row_model import RowModel

OUTPUT = pa.struct([(name, pa.float64()) for name in ("value", "lo", "hi", "shift")])


@restorable("amount")
@dataclass(frozen=True)
class Amount(RowModel):
    """A blend on logarithms."""

    reader: object
    predictor: object
    label: str

    @property
    def signature(self):
        return Signature("amount", self.reader.inputs, OUTPUT, self.label)

    def logs(self, table):
        return np.asarray(self.predictor.predict(self.reader.read(self.reader.at_home(table))), np.float64)

    def predict(self, batch, *, shift=True):
        value = pa.array(np.exp(self.logs(pa.Table.from_batches([batch]))))
        empty = pa.nulls(len(value), pa.float64())
        return pa.StructArray.from_arrays([value, empty, empty, empty], fields=list(OUTPUT))

    def under(self, names):
        return replace(self, reader=replace(self.reader, names=names))

    def chosen(self, prediction):
        return None, None

    def state(self):
        parts = {"reader": self.reader.state(), "predictor": self.predictor.state()}
        return State("amount", {"label": self.label}, parts=parts)

    @classmethod
    def from_state(cls, state):
        return cls(restore(state.parts["reader"]), restore(state.parts["predictor"]), state.config["label"])
''',
    "xbsql/tasks/amount/candidates.py": '''"""The candidates of an amount: those of every table of numbers."""

from xbsql.engine.candidates.tables import Tables, table_candidates, target_only


def candidates(reader, origin):
    """Without an origin those of the target alone."""
    tables = Tables(None, reader.table.categorical)
    return target_only(tables) if origin is None else table_candidates(tables, origin)
''',
    "tests/tasks/test_amount.py": """import numpy as np
import pyarrow as pa

import xbsql


def shop(seed, factor):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=200), rng.normal(size=200)
    return pa.table({"x": x, "z": z, "price": factor * np.exp(x + 0.1 * rng.normal(size=200))})


def test_it_goes_the_whole_road(tmp_path):
    con = xbsql.connect(tmp_path / "shop.duckdb")
    home, abroad = shop(0, 1.0), shop(1, 3.0)
    con.register("home", home)
    con.register("abroad", abroad)
    con.sql("CALL xb.fit('price', home, 'price', task := 'amount')").fetchall()
    arms = con.sql("CALL xb.transfer('price_jp', abroad, 'price', base := 'price')").fetchall()
    assert [arm[2] for arm in arms][-1] == "blend"
    found = con.sql("FROM xb.evaluate('price_jp', abroad)").fetchall()
    assert {row[1]: row[2] for row in found}["r2"] > 0.8
    value = np.array(xbsql.predict_table(con, "price_jp", abroad)["value"])
    assert np.corrcoef(np.log(value), np.log(np.array(abroad["price"])))[0, 1] > 0.9
    assert con.sql("FROM xb.options('amount')").fetchall()
    con.close()
""",
}
TASKS = ("xbsql/tasks/__init__.py", 'TASKS = ("classify",', 'TASKS = ("amount", "classify",')
"""The one line of another file that a task changes: what stands there, and what comes in its place."""
