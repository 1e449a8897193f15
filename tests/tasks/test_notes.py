"""What a fit says beside its numbers: columns that give the label away, classes that only one market has."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from xbsql.engine.candidate import Sample
from xbsql.sample import catalog
from xbsql.tasks import road
from xbsql.tasks.classify.labels import coded, labels_of
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.leaks import leak_notes
from xbsql.tasks.predict.task import TASK as predict
from xbsql.tasks.reader import fit_reader
from xbsql.tasks.word_leaks import numbers_in


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
    _, report = road.fit(predict, rows.drop_columns(["late"]), "days")
    assert "column 'arrived' alone predicts the label almost perfectly (R2 " in report[0]["note"]
    assert "'x'" not in report[0]["note"]
    _, report = road.fit(classify, rows.drop_columns(["days"]), "late")
    assert "column 'arrived' alone predicts the label almost perfectly (AUC " in report[0]["note"]


def test_a_category_can_give_it_away_and_so_it_can_in_the_target():
    rows = orders(status=lambda days, rng: np.where(days > 2, "claimed", "closed")).drop_columns(["days"])
    assert "column 'status' alone" in road.fit(classify, rows, "late")[1][0]["note"]
    bare = rows.drop_columns(["status"])
    _, done = road.transfer(classify, rows.slice(0, 60), "late", source=bare, method="parameter")
    assert any("column 'status' alone" in note for note in done.verdict.notes)


@pytest.mark.parametrize(("task", "label", "other"), [(predict, "days", "late"), (classify, "late", "days")])
def test_honest_columns_are_not_accused(task, label, other):
    unique = orders(code=lambda days, rng: rng.permutation(len(days)) % 150).drop_columns([other])
    assert road.fit(task, unique, label)[1][0]["note"] is None
    assert "alone" not in (road.fit(task, unique.slice(0, 25), label)[1][0]["note"] or "")


WORDS = ["box", "left", "with", "neighbour", "front", "door", "called", "twice"]
WRITTEN = {
    "the label's own word": ("LATE", "in time"),
    "a word of the other class": ("", "thanks"),
    "a script without spaces": ("荷物は遅延しました", "荷物は届きました"),
}


def noted(say):
    """Makes a column of what support wrote: a reference, words without meaning, what it says of the days."""

    def note(days, rng):
        words = rng.choice(WORDS, (len(days), 4))
        return [
            f"ref {rng.integers(9999)} {' '.join(row)} {say(day)}"
            for row, day in zip(words, days, strict=True)
        ]

    return note


@pytest.mark.parametrize("leak", WRITTEN)
def test_a_word_that_gives_the_label_away_is_named(leak):
    late, ok = WRITTEN[leak]
    rows = orders(note=noted(lambda day: late if day > 2 else ok)).drop_columns(["days"])
    said = r"the word '\w+' in column 'note' alone predicts the label almost perfectly \(AUC "
    assert re.search(said, road.fit(classify, rows, "late")[1][0]["note"])
    _, done = road.transfer(classify, rows.slice(0, 60), "late", source=rows, method="target")
    assert any(re.match(said, note) for note in done.verdict.notes)


def test_a_number_in_a_text_that_gives_the_label_away_is_named():
    rows = orders(note=noted(lambda day: f"after {day:.2f} days"))
    found = road.fit(predict, rows.drop_columns(["late"]), "days")[1][0]["note"]
    assert "a number in column 'note' alone predicts the label almost perfectly (R2 " in found
    found = road.fit(classify, rows.drop_columns(["days"]), "late")[1][0]["note"]
    assert "a number in column 'note' alone predicts the label almost perfectly (AUC " in found


def said_of(rows, label):
    """The notes on leaks, without a fit."""
    reader = fit_reader(rows, label, {})
    found = labels_of("xb.fit", rows, label)
    sample = Sample(reader.read(rows), coded(found, found.classes))
    return leak_notes(reader, rows, sample, len(found.classes))


@pytest.mark.parametrize("market", ["US", "JP"])
def test_titles_that_tell_a_category_by_all_their_words_are_not_accused(market):
    rows = catalog().filter(pc.field("market") == market).select(["title", "category"])
    assert said_of(rows, "category") == []
    home = rows["category"].to_pylist()
    paths = [f"{kind} > {title}" for kind, title in zip(home, rows["title"].to_pylist(), strict=True)]
    (note,) = said_of(rows.set_column(0, "title", pa.array(paths)), "category")
    assert re.match(r"the word '\w+', '\w+', '\w+' ... in column 'title' alone", note)


@pytest.mark.data
def test_a_path_that_holds_the_class_is_told_from_a_name():
    if "XBSQL_DATA" not in os.environ:
        pytest.skip("XBSQL_DATA names no folder: put google_taxonomy there")
    found = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "google_taxonomy" / "taxonomy.parquet")
    german = found.filter((pc.field("locale") == "de-DE") & pc.field("l1_name_en").is_valid())
    assert said_of(german.select(["leaf", "l1_name_en"]), "l1_name_en") == []
    assert len(said_of(german.select(["path", "l1_name_en"]), "l1_name_en")) == 1


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("took 3,5 days", [3.5]),
        ("2025-01-14: 12 of 13.", [2025, 1, 14, 12]),
        ("v1.2.3 and 1.234.567,89", []),
        ("½ kg, x10", [10]),
        ("", []),
    ],
)
def test_numbers_are_read_out_of_texts(text, numbers):
    expected = numbers + [np.nan] * (4 - len(numbers))
    np.testing.assert_array_equal(numbers_in([text]), [expected])


def test_classes_that_one_market_lacks_are_named():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    home = pa.table({"x": x, "kind": np.array(["a", "b", "c"])[np.digitize(x, [-0.5, 0.5])]})
    abroad = pa.table({"x": x[:40], "kind": np.array(["a", "new"])[np.digitize(x[:40], [0.0])]})
    _, done = road.transfer(classify, abroad, "kind", source=home, method="parameter")
    assert any("no target label is of the home classes 'b', 'c'" in note for note in done.verdict.notes)
    assert any("class 'new' occurs only in the target" in note for note in done.verdict.notes)
    unlabelled = abroad.set_column(1, "kind", pa.nulls(40, pa.string()))
    _, done = road.transfer(classify, unlabelled, "kind", source=home)
    assert not [note for note in done.verdict.notes if "no target label is of" in note]
