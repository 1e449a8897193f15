"""What a fit says beside its numbers: columns that give the label away, classes that only one market has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.tasks import classify, predict


def orders(n=300, seed=0, **leak):
    rng = np.random.default_rng(seed)
    x, mode = rng.normal(size=n), rng.choice(["air", "sea"], n)
    days = np.exp(x + (mode == "sea") + rng.normal(0, 0.7, n))
    made = {name: make(days, rng) for name, make in leak.items()}
    return pa.table({"x": x, "mode": mode, **made, "days": days, "late": np.where(days > 2, "late", "ok")})


LEAKS = {
    "the label itself": lambda days, rng: days,
    "another unit": lambda days, rng: -24 * days + 7,
    "its logarithm": lambda days, rng: np.log(days) + rng.normal(0, 0.01, len(days)),
    "the day it arrived": lambda days, rng: np.datetime64("2025-01-01") + np.rint(30 * days).astype("m8[D]"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_column_that_gives_the_label_away_is_named(leak):
    rows = orders(arrived=LEAKS[leak])
    _, report = predict.fit(rows.drop_columns(["late"]), "days")
    assert "column 'arrived' alone predicts the label almost perfectly (R2 " in report[0]["note"]
    assert "'x'" not in report[0]["note"]
    _, report = classify.fit(rows.drop_columns(["days"]), "late")
    assert "column 'arrived' alone predicts the label almost perfectly (AUC " in report[0]["note"]


def test_a_category_can_give_it_away_and_so_it_can_in_the_target():
    rows = orders(status=lambda days, rng: np.where(days > 2, "claimed", "closed")).drop_columns(["days"])
    assert "column 'status' alone" in classify.fit(rows, "late")[1][0]["note"]
    bare = rows.drop_columns(["status"])
    _, done = classify.transfer(rows.slice(0, 60), "late", source=bare, method="parameter")
    assert any("column 'status' alone" in note for note in done.verdict.notes)


@pytest.mark.parametrize(("task", "label", "other"), [(predict, "days", "late"), (classify, "late", "days")])
def test_honest_columns_are_not_accused(task, label, other):
    unique = orders(code=lambda days, rng: rng.permutation(len(days)) % 150).drop_columns([other])
    assert task.fit(unique, label)[1][0]["note"] is None
    assert "alone" not in (task.fit(unique.slice(0, 25), label)[1][0]["note"] or "")


def test_classes_that_one_market_lacks_are_named():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    home = pa.table({"x": x, "kind": np.array(["a", "b", "c"])[np.digitize(x, [-0.5, 0.5])]})
    abroad = pa.table({"x": x[:40], "kind": np.array(["a", "new"])[np.digitize(x[:40], [0.0])]})
    _, done = classify.transfer(abroad, "kind", source=home, method="parameter")
    assert any("no target label is of the home classes 'b', 'c'" in note for note in done.verdict.notes)
    assert any("class 'new' occurs only in the target" in note for note in done.verdict.notes)
    unlabelled = abroad.set_column(1, "kind", pa.nulls(40, pa.string()))
    _, done = classify.transfer(unlabelled, "kind", source=home)
    assert not [note for note in done.verdict.notes if "no target label is of" in note]
