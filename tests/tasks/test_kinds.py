"""Columns that two markets hold otherwise: zips as text or numbers, dates as text or not, other headers."""

import re

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY

N = 160


def market(zips="int", days="iso", seed=0):
    generator = np.random.default_rng(seed)
    number = generator.integers(10_000, 10_030, N)
    day = np.datetime64("2024-01-01") + generator.integers(0, 300, N).astype("timedelta64[D]")
    code = {"int": pa.array(number), "text": pa.array([f" {value}" for value in number])}
    date = {"iso": pa.array([str(each) for each in day]), "timestamp": pa.array(day.astype("datetime64[us]"))}
    label = [("high" if z > 10_015 else "low") for z in number]
    return pa.table({"zip": code[zips], "day": date[days], "w": generator.normal(size=N), "y": label})


BOTH = "home: both are read as a"
CASES = [
    (("int", "iso"), ("text", "iso"), f"column 'zip' is text in the target and number at {BOTH} number"),
    (("text", "iso"), ("int", "iso"), f"column 'zip' is number in the target and text at {BOTH} category"),
    (("int", "iso"), ("int", "timestamp"), f"column 'day' is date in the target and text at {BOTH} date"),
    (("int", "timestamp"), ("int", "iso"), f"column 'day' is text in the target and date at {BOTH} date"),
]


@pytest.mark.parametrize("rows", [False, True], ids=["base", "base and rows"])
@pytest.mark.parametrize(("home", "target", "note"), CASES)
def test_kinds_are_reconciled_with_a_note(home, target, note, rows):
    ours, theirs = market(*home), market(*target, seed=1)
    fitted = road.fit(CLASSIFY, ours, "y", market="US", options={})[0]
    labels = pa.array([*theirs["y"].to_pylist()[:20], *[None] * (N - 20)], pa.string())
    shown = theirs.set_column(3, "y", labels)
    model, found = road.transfer(CLASSIFY, shown, "y", base=fitted, source=ours if rows else None, options={})
    assert any(re.search(note, line) for line in found.verdict.notes)
    if home[0] == "int":
        answers = CLASSIFY.answers(model.probabilities(theirs), model.classes)[20:]
        assert (answers == np.array(theirs["y"].to_pylist()[20:], object)).mean() > 0.9


def test_text_that_is_no_number_is_refused_as_before():
    home = road.fit(CLASSIFY, market(), "y", market="US", options={})[0]
    codes = pa.array(["EC1A 1BB", *["10001"] * (N - 1)])
    with pytest.raises(XbsqlError, match="column 'zip' is string, the model was fitted on a number; cast it"):
        road.transfer(CLASSIFY, market().set_column(0, "zip", codes), "y", base=home, options={})


def test_a_transferred_model_is_kept_and_reads_both(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        con.register("home", market())
        con.register("abroad", market("text", seed=1).slice(0, 40))
        con.sql("CALL xb.fit('h', home, 'y', market := 'US')").fetchall()
        con.sql("CALL xb.transfer('t', abroad, 'y', base := 'h', market := 'DE')").fetchall()
    with xbsql.connect(store=tmp_path) as con:
        con.register("abroad", market("text", seed=2))
        right = con.sql("SELECT avg((xb.classify('t', a).label = y)::INT) FROM abroad a").fetchall()[0][0]
    assert right > 0.9


def test_headers_in_other_words_get_the_hint(tmp_path):
    abroad = market(seed=1).rename_columns(["plz", "day", "w", "y"]).slice(0, 40)
    hint = "the target lacks 'zip' and has 'plz': where these are the same in other words"
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "h", market(), "y")

        def notes(data, **options):
            found = xbsql.transfer(con, "t", data, "y", base="h", options=options).to_pylist()
            return str(found)

        assert hint in notes(abroad)
        assert "in other words" not in notes(abroad, align={"plz": "zip"})
        assert "in other words" not in notes(abroad.drop_columns(["plz"]))
        assert "in other words" not in notes(market(seed=1).slice(0, 40))
