"""Models that follow their market, from SQL: weights, alarms, new fits, late labels, versions, drift."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.engine import drift as moves
from xbsql.errors import XbsqlError


def rows(n, seed, first=0, flip=False, ids=True):
    rng = np.random.default_rng(seed)
    a, kind = rng.normal(size=n), rng.integers(0, 2, n)
    label = (a + 0.8 * kind > 0.4) ^ flip ^ (rng.random(n) < 0.05)
    columns = {
        "a": a, "kind": np.array(["x", "y"])[kind], "ts": first + np.arange(n),
        "id": first + np.arange(n), "label": np.where(label, "yes", "no"),
    }  # fmt: skip
    return pa.table(columns)


HOME = rows(400, 1).drop_columns(["ts", "id"])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A store with a model 'm' of HOME."""
    folder = tmp_path_factory.mktemp("fitted")
    with xbsql.connect(store=folder) as con:
        xbsql.fit(con, "m", HOME, "label")
    return folder


@pytest.fixture
def con(fitted, tmp_path):
    shutil.copytree(fitted, tmp_path / "store")
    with xbsql.connect(store=tmp_path / "store") as con:
        yield con


def adapt(con, table, **given):
    given = {"ts": "ts", "id": "id", **given}
    return xbsql.adapt(con, "m", table, "label", **given).to_pylist()[0]


def accuracy(con, table, model="m"):
    found = xbsql.predict_table(con, model, table)["predicted"]
    return np.mean([a == b for a, b in zip(found.to_pylist(), table["label"].to_pylist(), strict=True)])


def test_a_market_that_turns_is_followed_and_the_old_version_is_one_call_away(con):
    calm, turned = rows(70, 2), rows(300, 3, 70, flip=True)
    first = adapt(con, calm)
    assert (first["event"], first["version"], first["labels"]) == ("reweighted", 2, 70)
    found = adapt(con, pa.concat_tables([calm, turned]))
    assert (found["event"], found["version"], found["labels"], found["alarm"]) == ("refitted", 3, 300, "loss")
    assert 50 <= int(found["since"]) <= 90
    ahead = rows(1000, 4, flip=True)
    assert accuracy(con, ahead) > 0.9 > 0.2 > accuracy(con, ahead, "m@2")
    told = xbsql.history(con, "m").to_pylist()
    assert [(row["version"], row["parent"], row["event"], row["promoted"]) for row in told] == [
        (1, None, "fitted", False), (2, 1, "reweighted", False), (3, 2, "refitted", True)
    ]  # fmt: skip
    assert "its loss rose from" in told[2]["reason"]
    xbsql.promote(con, "m", 2)
    assert accuracy(con, rows(500, 5)) > 0.9
    back = adapt(con, rows(50, 6, 600))
    assert (back["version"], back["event"]) == (4, "reweighted")
    assert xbsql.history(con, "m").to_pylist()[3]["parent"] == 2


def test_labels_that_a_version_was_fitted_on_tell_it_nothing(con):
    found = adapt(con, HOME, ts=None, id=None)
    assert (found["event"], found["version"], found["labels"]) == ("nothing new", 1, 0)
    assert found["note"] == "400 labels are those that the version was fitted on and do not count"
    both = pa.concat_tables([HOME, rows(70, 2).drop_columns(["ts", "id"])])
    found = adapt(con, both, ts=None, id=None)
    assert (found["event"], found["version"], found["labels"]) == ("reweighted", 2, 70)


def test_the_same_call_again_is_the_same_version(con):
    first = adapt(con, rows(60, 2))
    assert adapt(con, rows(60, 2)) | {"seconds": None} == first | {"seconds": None}
    assert adapt(con, rows(60, 2).slice(0, 40))["event"] == "nothing new"
    assert xbsql.history(con, "m").num_rows == 2


def test_late_labels_in_any_order_give_the_same_weights(con, fitted, tmp_path):
    whole = rows(75, 2)
    adapt(con, whole)
    once = xbsql.model_card(con, "m").to_pylist()
    shutil.copytree(fitted, tmp_path / "other")
    with xbsql.connect(store=tmp_path / "other") as other:
        order = np.random.default_rng(0).permutation(75)
        for part in np.array_split(order, 3):
            found = adapt(other, whole.take(part))
        assert "came late and took their places" in found["note"]
        many = xbsql.model_card(other, "m").to_pylist()
        ahead = rows(200, 9)
        a, b = (xbsql.predict_table(c, "m", ahead)["value"].to_numpy() for c in (con, other))
    assert np.array_equal(a, b)
    assert [r for r in once if r["section"] == "weights"] == [r for r in many if r["section"] == "weights"]


def test_labels_that_do_not_count_are_counted(con):
    table = rows(60, 2)
    contradicting = table.slice(0, 3).set_column(4, "label", [["yes", "no", "yes"]])
    contradicting = contradicting.set_column(
        4, "label", [["no" if v == "yes" else "yes" for v in table["label"].to_pylist()[:3]]]
    )
    nobody = pa.table({"a": [None], "kind": [None], "ts": [70], "id": [70], "label": ["yes"]}, table.schema)
    undated = rows(1, 3, 80).set_column(2, "ts", pa.array([None], pa.int64()))
    unlabelled = rows(5, 4, 90).set_column(4, "label", pa.nulls(5, pa.string()))
    found = adapt(con, pa.concat_tables([table, contradicting, nobody, undated, unlabelled]))
    assert (found["labels"], found["open"]) == (57, 5)
    assert "6 labels contradict another of their id" in found["note"]
    assert "1 labels belong to no row" in found["note"]
    assert "1 labels have no moment" in found["note"]
    corrected = table.slice(10, 1)
    other = "no" if corrected["label"][0].as_py() == "yes" else "yes"
    again = adapt(con, corrected.set_column(4, "label", [[other]]))
    assert (again["labels"], again["note"]) == (1, "1 labels replace an earlier label")


def test_a_change_with_few_labels_since_waits(con):
    """A flip that is clear at once, of which only 32 rows are known."""
    found = adapt(con, rows(75, 2))
    assert (found["event"], found["alarm"]) == ("reweighted", None)
    found = adapt(con, rows(29, 3, 75, flip=True))
    assert (found["event"], found["alarm"], found["since"]) == ("waiting", "promise", "75")
    assert "29 of the labels since are in the table, a new fit needs 30" in found["reason"]
    assert adapt(con, rows(31, 4, 104, flip=True))["event"] == "refitted"


def test_rows_of_one_order_are_one_label(con):
    table = rows(60, 2)
    lines = pa.concat_tables([table.append_column("po", [np.arange(60)])] * 3)
    lines = lines.set_column(3, "id", [np.arange(180)])
    adapt(con, lines, options={"group": "po"})
    grouped = xbsql.predict_table(con, "m", rows(100, 9))["value"].to_numpy()
    xbsql.promote(con, "m", 1)
    adapt(con, table.append_column("po", [np.arange(60)]), options={"group": "po"})
    assert np.allclose(grouped, xbsql.predict_table(con, "m", rows(100, 9))["value"].to_numpy())


def test_a_column_of_weights_reaches_the_new_fit_and_a_bad_one_is_refused_at_once(con):
    turned = rows(300, 3, 70, flip=True)
    both = pa.concat_tables([rows(70, 2), turned])
    weighted = both.append_column("w", pa.array(1.0 + np.arange(370) % 5))
    found = adapt(con, weighted, options={"weight": "w"})
    assert (found["event"], found["alarm"]) == ("refitted", "loss")
    assert accuracy(con, rows(1000, 4, flip=True)) > 0.9
    for table, said in ((turned, "no column for the option 'weight' 'w'"), (weighted, "reads column 'a'")):
        with pytest.raises(XbsqlError, match=said):
            adapt(con, table.slice(0, 5), options={"weight": "w" if table is turned else "a"})


def test_numbers_are_followed_too(tmp_path):
    rng = np.random.default_rng(0)

    def parcels(n, slope, first=0):
        kg = rng.uniform(1, 20, n)
        days = slope * kg + rng.normal(0, 0.5, n)
        return pa.table({"kg": kg, "ts": first + np.arange(n), "days": days})

    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "d", parcels(300, 0.5).drop_columns(["ts"]), "days")
        both = pa.concat_tables([parcels(150, 0.5), parcels(200, 1.5, 150)])
        found = xbsql.adapt(con, "d", both, "days", ts="ts").to_pylist()[0]
        assert (found["event"], found["alarm"], found["metric"]) == ("refitted", "loss", "r2")
        ahead = parcels(200, 1.5)
        off = xbsql.predict_table(con, "d", ahead)["value"].to_numpy() - ahead["days"].to_numpy()
        assert np.abs(off).mean() < 1


def test_a_class_that_the_model_does_not_know_counts_as_wrong(con):
    odd = rows(60, 2).set_column(4, "label", [["maybe"] * 60])
    assert adapt(con, odd)["before"] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ts": "when"}, "xb.adapt: no column 'when'; the table has"),
        ({"ts": "kind"}, "ts names column 'kind', which is string"),
        ({"id": "nr"}, "no column 'nr'"),
        ({"options": {"group": "po"}}, "no column 'po'"),
    ],
)
def test_bad_columns_are_one_line(con, given, message):
    with pytest.raises(XbsqlError, match=message):
        adapt(con, rows(40, 2), **given)


def test_other_mistakes_are_one_line(con):
    with pytest.raises(XbsqlError, match=r"xb.adapt: no model 'nobody'"):
        xbsql.adapt(con, "nobody", rows(40, 2), "label")
    with pytest.raises(XbsqlError, match=r"xb.adapt: no label column 'y'"):
        xbsql.adapt(con, "m", rows(40, 2), "y")
    with pytest.raises(XbsqlError, match=r"xb.adapt: no column 'a'; model"):
        xbsql.adapt(con, "m", rows(40, 2).drop_columns(["a"]), "label")
    with pytest.raises(XbsqlError, match=r"xb.adapt: 'm@1' cannot be a model's name"):
        xbsql.adapt(con, "m@1", rows(40, 2), "label")


def test_what_only_a_new_fit_would_read_is_checked_at_once(con):
    table = rows(40, 2)
    with pytest.raises(XbsqlError, match=r"'m' was fitted for 'label', and label is 'kind'; give label"):
        xbsql.adapt(con, "m", table, "kind")
    with pytest.raises(XbsqlError, match=r"xb.adapt: .*'gruop'.*group"):
        adapt(con, table, options={"gruop": "id"})
    with pytest.raises(XbsqlError, match=r"xb.adapt: .*'seed'"):
        adapt(con, table, options={"seed": "many"})


def test_a_row_that_is_given_twice_is_no_reason_for_a_new_fit(con):
    table = rows(50, 2)
    found = adapt(con, pa.concat_tables([table, table]))
    assert (found["event"], found["labels"]) == ("reweighted", 50)


def test_a_new_fit_is_not_judged_by_what_was_before_it_and_tells_of_corrected_labels(con):
    turned = rows(300, 3, 70, flip=True)
    first = adapt(con, pa.concat_tables([rows(70, 2), turned]))
    assert first["event"] == "refitted"
    late = adapt(con, rows(60, 12, -60))
    assert (late["event"], late["labels"], late["alarm"], late["version"]) == ("nothing new", 0, None, 2)
    assert "60 labels lie before the change" in late["note"]
    part = turned.slice(200, 9)
    other = ["no" if v == "yes" else "yes" for v in part["label"].to_pylist()]
    found = adapt(con, part.set_column(4, "label", [other]))
    assert found["note"] == "9 labels differ from those that the version was fitted on and were not taken"
    assert adapt(con, part)["note"] is None


def test_a_line_whose_first_version_is_gone_goes_on(con):
    adapt(con, rows(60, 2))
    xbsql.drop_model(con, "m@1")
    assert adapt(con, rows(15, 3, 100))["version"] == 3


@pytest.mark.parametrize("reference", [None, HOME])
def test_drift_names_the_column_that_moved_and_no_other(con, reference):
    table = rows(400, 8).drop_columns(["ts", "id"])
    found = xbsql.drift(con, "m", table, reference=reference).to_pylist()
    assert not [row for row in found if row["alarm"]]
    moved = table.set_column(0, "a", pa.array(table["a"].to_numpy() + 0.6))
    found = xbsql.drift(con, "m", moved, reference=reference).to_pylist()
    assert [row["column"] for row in found if row["alarm"] and row["column"] != "label"] == ["a"]
    assert next(row for row in found if row["measure"] == "auc")["value"] > 0.8
    other = table.set_column(1, "kind", [["z"] * 400])
    first = xbsql.drift(con, "m", other, reference=reference).to_pylist()[0]
    assert (first["column"], first["measure"], first["alarm"]) == ("kind", "psi", True)
    assert "400 rows of values that were not there" in first["evidence"]
    blank = table.set_column(0, "a", pa.array([None] * 100 + table["a"].to_pylist()[100:], pa.float64()))
    measures = {
        row["measure"]
        for row in xbsql.drift(con, "m", blank, reference=reference).to_pylist()
        if row["alarm"]
    }
    assert "missing" in measures


def test_rows_that_the_model_knows_are_no_measure_of_it(con):
    assert "auc" not in {row["measure"] for row in xbsql.drift(con, "m", HOME).to_pylist()}
    both = pa.concat_tables([HOME, rows(60, 9).select(HOME.column_names)])
    found = next(row for row in xbsql.drift(con, "m", both).to_pylist() if row["measure"] == "auc")
    assert "of 60 labelled rows that it does not know" in found["evidence"]


def test_drift_says_only_what_it_can_tell_of_known_rows(con):
    table = rows(60, 9).select(HOME.column_names)
    told = next(r for r in xbsql.drift(con, "m", table).to_pylist() if r["measure"] == "auc")["evidence"]
    assert "of 60 labelled rows, " in told
    both = pa.concat_tables([HOME, table])
    told = next(r for r in xbsql.drift(con, "m", both).to_pylist() if r["measure"] == "auc")["evidence"]
    assert "(400 of the fit left out)" in told


def test_drift_of_the_label_needs_a_reference(con):
    table = rows(400, 8).drop_columns(["ts", "id"])
    table = table.filter(
        pa.compute.or_(pa.compute.equal(table["label"], "yes"), pa.compute.less(table["a"], -0.8))
    )
    found = {(r["column"], r["measure"]): r for r in xbsql.drift(con, "m", table, reference=HOME).to_pylist()}
    assert found["label", "psi"]["alarm"]
    assert found["label", "label_shift"]["value"] > 0.05


def test_texts_that_speak_of_something_else_have_drifted(tmp_path):
    shoes = [
        f"{c} {m} shoes size {s}"
        for c in ("red", "blue", "black")
        for m in ("leather", "canvas")
        for s in range(8)
    ]
    food = [
        f"{c} {m} tea {s} g"
        for c in ("green", "white", "mint")
        for m in ("loose", "bagged")
        for s in range(8)
    ]
    table = pa.table({"title": shoes, "label": ["a", "b"] * 24})
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "t", table, "label", options={"text": ["title"]})
        same = xbsql.drift(con, "t", table.slice(0, 30)).to_pylist()
        other = xbsql.drift(con, "t", pa.table({"title": food})).to_pylist()
    assert not [row for row in same if row["alarm"]]
    assert [(row["column"], row["measure"]) for row in other if row["alarm"]] == [("title", "mmd2")]


def test_a_text_that_turned_empty_is_missing_and_alarms(tmp_path):
    rng = np.random.default_rng(0)
    told = [f"{c} {m} shoes {s}" for c in ("red", "blue") for m in ("leather", "canvas") for s in range(20)]
    more = [f"made in {place}, ships at once" for place in rng.choice(["Porto", "Graz", "Lyon"], 80)]
    table = pa.table({"title": told, "more": more, "label": ["a", "b"] * 40})
    half = pa.array([None if i % 2 else " " if i % 4 else text for i, text in enumerate(told)])
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "one", table.drop_columns(["more"]), "label", options={"text": ["title"]})
        xbsql.fit(con, "two", table, "label", options={"text": ["title", "more"]})

        def alarms(model, late, **given):
            rows = xbsql.drift(con, model, late, **given).to_pylist()
            return {(row["column"], row["measure"]): row["evidence"] for row in rows if row["alarm"]}

        blank = table.set_column(0, "title", half)
        for given in ({}, {"reference": table}):
            assert not alarms("one", table, **given)
            assert alarms("one", blank, **given)["title", "missing"] == "no text in 75.0%; was 0.0%"
        gone = table.set_column(1, "more", pa.nulls(80, pa.string()))
        assert ("more", "missing") in alarms("two", gone, reference=table)
        assert ("title + more", "mmd2") in alarms("two", gone)  # it keeps both as one meaning
        both = blank.set_column(1, "more", half)
        assert ("title + more", "missing") in alarms("two", both)


def test_vectors_that_are_no_longer_there_alarm(tmp_path):
    x = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    table = pa.table({"photo": x.tolist(), "y": x[:, 0]})
    late = table.set_column(0, "photo", pa.array([None] * 60 + x[60:].tolist(), pa.list_(pa.float32())))
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "v", table, "y")
        for given in ({}, {"reference": table}):
            found = xbsql.drift(con, "v", late, **given).to_pylist()
            row = next(row for row in found if row["measure"] == "missing")
            told = row["column"], row["alarm"], row["evidence"]
            assert told == ("photo", True, "NULL in 50.0%; was 0.0%")


def test_a_vector_moves_as_a_whole(tmp_path):
    rng = np.random.default_rng(0)

    def photos(mean):
        x = rng.normal(mean, 1, (120, 16))
        return pa.table({"photo": x.astype(np.float32).tolist(), "y": x[:, 0] + rng.normal(0, 0.3, 120)})

    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "v", photos(0.0), "y")
        for mean, alarm in ((0.0, False), (0.5, True)):
            row = xbsql.drift(con, "v", photos(mean)).to_pylist()[0]
            assert (row["column"], row["measure"], row["alarm"]) == ("photo", "mmd2", alarm)


def test_a_model_that_keeps_no_rows_asks_for_a_reference(con):
    xbsql.fit(con, "bare", HOME, "label", options={"keep_rows": False})
    with pytest.raises(XbsqlError, match=r"xb.drift: the model keeps no rows of its fit; give reference"):
        xbsql.drift(con, "bare", HOME)
    assert xbsql.drift(con, "bare", HOME, reference=HOME).num_rows
    with pytest.raises(XbsqlError, match="tbl has 3 rows; give 20 rows or more"):
        xbsql.drift(con, "m", HOME.slice(0, 3))
    with pytest.raises(XbsqlError, match="alpha is 2"):
        xbsql.drift(con, "m", HOME, alpha=2.0)


def test_false_alarms_of_many_columns_are_held(con):
    """Twenty columns that did not move: an alarm in one of a hundred tables, and not in one of five."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        p = [moves.ks(rng.normal(size=300), rng.normal(size=200)).p for _ in range(20)]
        alarms += bool((moves.holm(p) <= 0.05).any())
    assert alarms <= 8


def test_vectors_that_moved_are_found_beside_many_columns_and_others_are_not():
    """What 200 permutations alone say is never below 1 in 201: twelve columns would hide any drift."""
    rng = np.random.default_rng(0)
    here = rng.normal(size=(150, 8)).astype(np.float32)
    surely = moves.mmd(here, (rng.normal(size=(150, 8)) + 0.5).astype(np.float32)).p
    assert moves.holm([surely, *[0.5] * 11])[0] < 1e-4
    still = [moves.mmd(*rng.standard_normal((2, 60, 4)).astype(np.float32), seed=k).p for k in range(60)]
    assert np.mean(np.array(still) <= 0.01) <= 0.05
    assert np.min(still) > 1e-4


def test_distances_are_those_of_the_libraries():
    from scipy.stats import false_discovery_control, ks_2samp

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=500), rng.normal(0.2, 1, 400)
    ours, theirs = moves.ks(a, b), ks_2samp(a, b, method="asymp")
    assert ours.value == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue, rel=0.15)
    assert moves.psi(a, rng.normal(size=500)) < 0.02 < 0.3 < moves.psi(a, a + 0.8)
    assert (moves.holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]).all()
    assert (moves.holm([0.01, 0.04]) >= false_discovery_control([0.01, 0.04])).all()
    same = moves.mmd(*(rng.normal(size=(200, 8)).astype(np.float32) for _ in range(2)))
    apart = moves.mmd(
        rng.normal(size=(200, 8)).astype(np.float32), rng.normal(0.5, 1, (200, 8)).astype(np.float32)
    )
    assert same.p > 0.02 > apart.p


def test_vectors_that_are_mostly_one_are_told_by_the_others():
    """Most texts may be empty: their distance is no scale for the others."""
    rng = np.random.default_rng(0)
    sides = [np.tile(np.eye(1, 16, dtype=np.float32), (200, 1)) for _ in range(2)]
    for side, place in zip(sides, (1, 2), strict=True):
        side[::4] = np.eye(1, 16, place) + rng.normal(0, 0.01, (50, 16))
    found = moves.mmd(*sides)
    assert found.value > 0
    assert found.p < 0.01
