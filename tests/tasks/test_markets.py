"""A column that names the home market of each row: a note of weights, an error where it is missing."""

import numpy as np
import pyarrow as pa
import pytest

from xbsql import errors
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.task import TASK as predict


def table(n, slope, market, seed):
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 3))
    value = x @ np.array(slope) + 0.3 * g.normal(size=n)
    columns = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "late": value > 0, "days": value}
    return pa.table({**columns, "country": pa.array([market] * n)})


@pytest.fixture(scope="module")
def home():
    parts = [table(120, (2, -1, 0), "near", 0), table(120, (-2, 1, 1), "far", 1)]
    missing = table(60, (0, 0, 1), None, 2)
    return pa.concat_tables([*parts, missing.cast(parts[0].schema)])


@pytest.mark.parametrize(("task", "label", "other"), [(predict, "days", "late"), (classify, "late", "days")])
def test_the_verdict_notes_what_each_home_market_weighs(home, task, label, other):
    target = table(60, (2, -1, 0), "here", 3).drop_columns([other])
    options = {"ignore": ["country"], "source_market": "country", "seed": 1}
    _, done = road.transfer(task, target, label, source=home.drop_columns([other]), options=options)
    (note,) = [note for note in done.verdict.notes if note.startswith("home markets")]
    assert note.split(": ")[1].startswith("near 0.")
    weights = [float(part.rsplit(" ", 1)[1]) for part in note.split(": ")[1].split(", ")]
    assert sum(weights) == pytest.approx(1.0, abs=0.02)


def test_a_missing_column_of_home_markets_is_named(home):
    target = table(60, (2, -1, 0), "here", 3).drop_columns(["late"])
    source = home.drop_columns(["late"])
    with pytest.raises(errors.XbsqlError, match="no column for the option 'source_market' 'shop'"):
        road.transfer(predict, target, "days", source=source, options={"source_market": "shop"})
