"""Rows that stand on both sides: a home that holds the answers must not be praised for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.predict.task import TASK as predict
from xbsql.tasks.seen import on_both_sides, seen

TASKS = {"late": classify, "days": predict}
WORDS = [
    f"{a}{b}" for a in ("ka", "lo", "mi", "ru", "te") for b in ("bar", "dun", "fel", "gor", "hin", "jut")
]


def noise(label, seed=0, n=600):
    """Rows whose label has nothing to do with them."""
    rng = np.random.default_rng(seed)
    columns = {f"x{i}": rng.normal(size=n) for i in range(3)}
    columns[label] = rng.choice(["late", "ok"], n) if label == "late" else rng.normal(size=n)
    return pa.table(columns)


def said(rng, n):
    return [" ".join(rng.choice(WORDS, 4)) for _ in range(n)]


@pytest.fixture(scope="module")
def bases():
    return {label: road.fit(task, noise(label), label)[0] for label, task in TASKS.items()}


@pytest.mark.parametrize("given", ["base", "source", "both"])
@pytest.mark.parametrize("label", TASKS)
def test_noise_that_home_knows_by_heart_is_no_gain(label, given, bases):
    home = noise(label)
    base, source = bases[label] if given != "source" else None, home if given != "base" else None
    method = "auto" if given == "base" else "instance"
    target = home.slice(60, 70)
    found = road.transfer(TASKS[label], target, label, base=base, source=source, method=method)[1]
    assert found.verdict.outcome != "HELPS"
    assert any("70 of 70 labelled rows stand at home too" in note for note in found.verdict.notes)
    assert (found.evidence is None) == (given == "base"), (
        "home rows at hand are left out, a model alone is not"
    )


@pytest.mark.parametrize("given", ["base", "source"])
def test_noise_in_texts_that_home_knows_by_heart_is_no_gain(given):
    rng = np.random.default_rng(3)
    home = pa.table({"title": said(rng, 160), "kind": rng.choice(["a", "b"], 160)})
    base = road.fit(classify, home, "kind")[0] if given == "base" else None
    source = home if given == "source" else None
    found = road.transfer(classify, home.slice(20, 60), "kind", base=base, source=source)[1]
    assert found.verdict.outcome != "HELPS"
    assert found.verdict.basis == "evidence", "a text model holds its rows"
    assert found.verdict.value("source only") < 0.7


def test_only_some_rows_of_the_fit_are_left_out(bases):
    target = pa.concat_tables([noise("late").slice(0, 20), noise("late", seed=9, n=60)])
    found = road.transfer(classify, target, "late", base=bases["late"])[1]
    assert (found.verdict.basis, found.verdict.labels) == ("evidence", 60)
    assert found.tried.tolist() == [False] * 20 + [True] * 60
    assert any("20 of 80 labelled rows" in note for note in found.verdict.notes)
    regressed = pa.concat_tables([noise("days").slice(0, 20), noise("days", seed=9, n=60)])
    model, found = road.transfer(predict, regressed, "days", base=bases["days"])
    assert model.radius is not None
    assert found.held_out.shape[1] == 60


def test_evaluate_says_which_share_of_the_rows_the_model_was_fitted_on(bases):
    rows = pa.concat_tables([noise("late").slice(0, 30), noise("late", seed=9, n=90)])
    told = {row["metric"]: row["value"] for row in road.evaluate(classify, bases["late"], rows, "late")}
    assert told["seen"] == 0.25
    again = restore(bases["late"].state())
    assert again.seen.among(rows, "late").sum() == 30
    fresh = noise("late", seed=9)
    assert "seen" not in {row["metric"] for row in road.evaluate(classify, bases["late"], fresh, "late")}


def test_a_transferred_model_knows_its_own_rows_and_those_of_home(bases):
    target = noise("late", seed=9, n=80)
    model, _ = road.transfer(classify, target, "late", base=bases["late"], method="source")
    for rows in (target, noise("late").slice(0, 50)):
        assert model.seen.among(rows, "late").all()


def test_a_source_that_is_the_target_measures_nothing():
    rows = noise("late", n=200)
    found = road.transfer(classify, rows, "late", source=rows, method="source")[1]
    assert found.verdict.outcome == "NOT MEASURED"
    assert found.verdict.reason.startswith("home was fitted on 200 of 200 labelled rows")


def test_a_target_that_is_a_part_of_home_is_not_measured_and_the_reason_says_why(bases):
    found = road.transfer(classify, noise("late").slice(0, 40), "late", base=bases["late"], method="source")[
        1
    ]
    assert (found.verdict.outcome, found.verdict.labels) == ("NOT MEASURED", 40)
    assert found.verdict.reason.startswith(
        "home was fitted on 40 of 40 labelled rows, and 0 others are too few"
    )


def test_labels_that_are_numbers_where_home_has_names_are_an_error(bases):
    rows = noise("late", seed=9, n=40).set_column(3, "late", pa.array([f"{i / 7:.2f}" for i in range(40)]))
    said = "label column 'late' holds numbers .* and the classes at home are 'late', 'ok' ...; give"
    with pytest.raises(XbsqlError, match=said):
        road.transfer(classify, rows, "late", base=bases["late"], method="source")


def test_few_values_meet_by_chance_and_mean_nothing():
    rng = np.random.default_rng(0)
    home, target = (
        pa.table({"mode": rng.choice(["air", "sea"], n), "size": rng.integers(0, 3, n)}) for n in (500, 80)
    )
    assert not on_both_sides(home, target).target.any()
    assert not seen(home, ["mode"], "size", labelled=True).among(target, "size").any()


def test_rows_are_equal_whatever_their_types():
    home = pa.table(
        {"n": pa.array([1, 2, 3], pa.int32()), "t": pa.array(["a ", None, "c"]), "x": [1.5, None, 2]}
    )
    target = pa.table(
        {
            "x": pa.array([np.nan, 1.5, 9.0]),
            "t": pa.array([None, "a", "c"]).dictionary_encode(),
            "n": [2.0, 1.0, 3.0],
        }
    )
    found = on_both_sides(home, target)
    assert found.of(np.ones(3, bool)).tolist() == [True, True, False]
    assert found.target.tolist() == [True, True, False]


def test_a_model_that_keeps_no_rows_hashes_no_label_and_is_the_same_each_time():
    one, two = (seen(noise("late"), ["x0", "x1"], "late", labelled=False) for _ in range(2))
    assert one.key == two.key
    assert (one.rows == two.rows).all()
    relabelled = noise("late").set_column(3, "late", pa.array(["other"] * 600))
    assert one.among(relabelled, "late").all()
    assert not seen(noise("late"), ["x0", "x1"], "late", labelled=True).among(relabelled, "late").any()


def test_twins_whose_classes_contradict_are_told():
    rng = np.random.default_rng(5)
    titles = sorted(set(said(rng, 200)))[:120]
    kinds = ["a" if text < "m" else "b" for text in titles]
    home = pa.table({"title": titles, "kind": kinds})
    base = road.fit(classify, home, "kind")[0]
    other = pa.table({"title": titles[:60], "kind": ["ba"["ab".index(kind)] for kind in kinds[:60]]})
    other = other.set_column(1, "kind", pa.array([*other["kind"].to_pylist()[:-5], *"ababa"]))
    for target, expected in ((other, True), (home.slice(50, 60), False)):
        notes = road.transfer(classify, target, "kind", base=base, method="source")[1].verdict.notes
        told = [note for note in notes if "labelled products that home sells too have another class" in note]
        assert bool(told) == expected, notes
