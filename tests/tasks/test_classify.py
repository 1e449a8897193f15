"""Classification at home and abroad: what a transfer must bring, must say, and must refuse."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xbsql import sample
from xbsql.errors import XbsqlError
from xbsql.store.model import restore
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify

HOME = 360


@pytest.fixture(scope="module")
def shop():
    """The sample catalogue, products in random order: rows of (title, category) by market."""
    catalogue = sample.catalog(["en", "de", "ja"])
    products = pc.unique(catalogue["product_id"]).to_pylist()
    place = {name: i for i, name in enumerate(np.random.default_rng(0).permutation(products).tolist())}
    order = pa.array([place[name] for name in catalogue["product_id"].to_pylist()])
    ordered = catalogue.append_column("place", order).sort_by("place")
    return {
        m: ordered.filter(pc.equal(ordered["market"], m)).select(["title", "category"])
        for m in ("US", "DE", "JP")
    }


@pytest.fixture(scope="module")
def home(shop):
    return road.fit(classify, shop["US"].slice(0, HOME), "category", market="US")


def target(shop, market, labels, rows=240):
    """Products that home has not seen, the first ones labelled."""
    table = shop[market].slice(HOME, rows)
    shown = pa.array(np.arange(rows) < labels)
    return table.set_column(1, "category", pc.if_else(shown, table["category"].combine_chunks(), None))


def accuracy(model, table):
    found = road.evaluate(classify, model, table, "category")
    return next(row["value"] for row in found if row["metric"] == "accuracy")


@pytest.fixture(scope="module")
def abroad(shop, home):
    """Transfers to Germany, by (labels, what is given of home)."""
    source = shop["US"].slice(0, HOME)
    given = {
        "model": {"base": home[0]},
        "both": {"base": home[0], "source": source},
        "rows": {"source": source},
    }
    done = {}

    def make(labels, what="both"):
        if (labels, what) not in done:
            done[labels, what] = road.transfer(
                classify, target(shop, "DE", labels), "category", **given[what]
            )
        return done[labels, what]

    return make


def test_the_report_at_home_is_out_of_fold(shop, home):
    model, report = home
    values = {row["metric"]: row for row in report}
    unseen = accuracy(model, shop["US"].slice(HOME))
    assert values["accuracy"]["lo"] < values["accuracy"]["value"] < values["accuracy"]["hi"]
    assert abs(values["accuracy"]["value"] - unseen) < 0.06
    assert accuracy(model, shop["US"].slice(0, HOME)) > values["accuracy"]["value"] + 0.03


@pytest.mark.parametrize("what", ["model", "both", "rows"])
def test_with_labels_the_blend_beats_both_alone(shop, home, abroad, what):
    model, done = abroad(80, what)
    test = shop["DE"].slice(HOME + 240)
    alone = road.fit(classify, target(shop, "DE", 80), "category")[0]
    assert done.verdict.outcome == "HELPS"
    assert done.verdict.basis == "evidence"
    assert accuracy(model, test) > accuracy(alone, test) + 0.1
    assert accuracy(model, test) > accuracy(home[0], test) - 0.01


@pytest.mark.parametrize("market", ["DE", "JP"])
def test_without_a_label_nothing_is_lost_and_nothing_is_claimed(shop, home, market):
    model, done = road.transfer(classify, target(shop, market, 0), "category", base=home[0])
    test = shop[market].slice(HOME)
    assert (done.verdict.outcome, done.verdict.basis, done.verdict.labels) == ("NOT MEASURED", "prior", 0)
    assert accuracy(model, test) > accuracy(home[0], test) - 0.02


def test_a_source_with_shuffled_labels_gets_no_say(shop):
    source = shop["US"].slice(0, HOME)
    wrong = source["category"].take(pa.array(np.random.default_rng(1).permutation(HOME)))
    source = source.set_column(1, "category", wrong)
    model, done = road.transfer(classify, target(shop, "DE", 120), "category", source=source)
    test = shop["DE"].slice(HOME + 240)
    alone = road.fit(classify, target(shop, "DE", 120), "category")[0]
    assert done.verdict.outcome != "HELPS"
    assert accuracy(model, test) > accuracy(alone, test) - 0.03


def test_a_model_without_rows_still_serves(shop, home):
    strict = {"keep_rows": False}
    lean, _ = road.fit(classify, shop["US"].slice(0, HOME), "category", options=strict)
    model, done = road.transfer(classify, target(shop, "DE", 80), "category", base=lean, options=strict)
    for found in (lean, model):
        assert not [kind for kind in kinds(found.state()) if kind in ("process", "neighbours", "reach")]
    assert done.verdict.outcome == "HELPS"
    assert accuracy(model, shop["DE"].slice(HOME + 240)) > 0.6


def kinds(state):
    return [state.kind, *(kind for part in state.parts.values() for kind in kinds(part))]


@pytest.mark.parametrize("labels", [0, 80])
def test_a_restored_model_predicts_the_same_bits(shop, home, abroad, labels):
    batch = shop["DE"].slice(HOME, 400).combine_chunks().to_batches()[0]
    for model in (home[0], abroad(labels)[0]):
        assert restore(model.state()).predict(batch).equals(model.predict(batch))


def test_the_same_call_gives_the_same_model(shop, home, abroad):
    again, _ = road.transfer(
        classify, target(shop, "DE", 80), "category", base=home[0], source=shop["US"].slice(0, HOME)
    )
    batch = shop["DE"].slice(HOME, 100).combine_chunks().to_batches()[0]
    assert again.predict(batch).equals(abroad(80)[0].predict(batch))


def test_predictions_are_null_only_where_every_input_is(home):
    batch = pa.record_batch([pa.array([None, "", "oak table " * 100_000, "丸い皿"])], names=["title"])
    found = home[0].predict(batch)
    assert found.is_null().to_pylist() == [True, False, False, False]
    for row in found.slice(1).to_pylist():
        assert 0 < row["margin"] <= row["score"] <= 1
        assert row["label"] != row["runner_up"]
        assert 0 <= row["shift"] <= 1
    assert len(home[0].predict(batch.slice(0, 0))) == 0


def test_shift_tells_strange_rows_from_familiar_ones(shop, home):
    familiar = shop["US"].slice(HOME, 100).select(["title"]).combine_chunks().to_batches()[0]
    strange = pa.record_batch(
        [pa.array([f"§ {i} BGB Abs. {i} Satz 2 gilt entsprechend" for i in range(50)])], ["title"]
    )
    near = np.mean(home[0].predict(familiar).field("shift").to_numpy())
    far = np.mean(home[0].predict(strange).field("shift").to_numpy())
    assert near < 0.75
    assert far > 0.95


def test_groups_are_measured_apart_and_together(shop, home):
    rows = shop["US"].slice(HOME, 60)
    half = pa.array([None if i < 10 else str(i % 2) for i in range(60)], pa.string())
    found = road.evaluate(classify, home[0], rows.append_column("half", half), "category", by="half")
    counts = {row["group"]: row["rows"] for row in found}
    assert counts == {None: 60, "0": 25, "1": 25, "NULL": 10}


def test_a_class_of_the_target_alone_is_learned_and_noted(shop, home):
    cards = pa.table(
        {"title": [f"Geschenkkarte {i} Euro" for i in range(20)], "category": ["gift_card"] * 20}
    )
    data = pa.concat_tables([target(shop, "DE", 60), cards])
    model, done = road.transfer(classify, data, "category", base=home[0])
    assert any("'gift_card' occurs only in the target (20 rows)" in note for note in done.verdict.notes)
    batch = pa.record_batch([pa.array(["Geschenkkarte 25 Euro"])], names=["title"])
    assert model.predict(batch)[0].as_py()["label"] == "gift_card"


def test_class_names_teach_a_class_without_any_row(shop, home):
    data, names = target(shop, "DE", 0), {"gift_card": ["Geschenkkarte", "Geschenkgutschein"]}
    model, _ = road.transfer(classify, data, "category", base=home[0], options={"classes": names})
    batch = pa.record_batch([pa.array(["Geschenkgutschein"])], names=["title"])
    assert model.predict(batch)[0].as_py()["label"] == "gift_card"


def test_a_language_the_encoder_does_not_know_is_noted(home):
    words = [
        "blå skjorta i bomull för herrar",
        "röd kastrull med lock till köket",
        "trådlösa hörlurar med bra ljud",
    ]
    more = [
        "mjuka handdukar för badrummet",
        "skruvdragare med två batterier",
        "ryggsäck för skolan och fritiden",
    ]
    data = pa.table({"title": [f"{w} {i}" for i in range(40) for w in words + more]})
    data = data.append_column("category", pa.nulls(len(data), pa.string()))
    _, done = road.transfer(classify, data, "category", base=home[0])
    assert any("(sv)" in note for note in done.verdict.notes)


@pytest.mark.parametrize(
    ("labels", "names"),
    [(pa.array([3, 1] * 100), {"1", "3"}), (pa.array([True, False] * 100), {"true", "false"})],
)
def test_labels_may_be_integers_or_booleans(labels, names):
    generator = np.random.default_rng(0)
    x = generator.normal(size=200) + np.array([2.0, -2.0] * 100)
    table = pa.table({"x": x, "mode": ["air", "sea"] * 100, "label": labels})
    model, report = road.fit(classify, table, "label")
    assert set(model.classes) == names
    assert report[0]["value"] > 0.9
    assert set(model.predict(table.to_batches()[0]).field("label").to_pylist()) == names


def test_text_and_columns_are_read_together():
    generator = np.random.default_rng(0)
    words = np.array(["red cotton shirt", "steel cooking pot", "wooden garden chair", "wireless headphones"])
    topic, heavy = generator.integers(0, 4, 240), generator.integers(0, 2, 240)
    table = pa.table(
        {
            "title": [f"{words[t]} number {generator.integers(1000)}" for t in topic],
            "weight": heavy * 5.0 + generator.normal(size=240),
            "label": [f"{'textile' if t == 0 else 'hard'}_{h}" for t, h in zip(topic, heavy, strict=True)],
        }
    )
    model, report = road.fit(classify, table, "label", options={"text": ["title"]})
    assert model.signature.inputs.names == ["title", "weight"]
    assert report[0]["value"] > 0.9
    abroad, done = road.transfer(classify, table, "label", base=model, source=table)
    assert done.verdict.outcome != "HURTS"
    assert accuracy_of(abroad, table) > 0.9


def accuracy_of(model, table):
    return next(
        r["value"] for r in road.evaluate(classify, model, table, "label") if r["metric"] == "accuracy"
    )


TITLES = pa.table({"title": ["a b", "c d", "e f"], "category": ["x", "y", "x"]})


@pytest.mark.parametrize(
    ("data", "label", "options", "message"),
    [
        (TITLES, "categry", {}, "no label column 'categry'; the table has title, category .*'category'"),
        (TITLES.slice(0, 0), "category", {}, "no label"),
        (TITLES.set_column(1, "category", pa.nulls(3, pa.string())), "category", {}, "no label"),
        (TITLES.slice(0, 1), "category", {}, "only one class, 'x'"),
        (TITLES.select(["category"]), "category", {}, "no column to read"),
        (TITLES.set_column(1, "category", pa.array([1.5, 2.5, 3.5])), "category", {}, "holds double"),
        (TITLES, "category", {"txt": ["title"]}, "no option 'txt'.*'text'"),
        (TITLES, "category", {"group": "shop"}, "'group' 'shop'"),
        (
            TITLES.append_column("n", pa.array([1, 2, 3])),
            "category",
            {"text": ["n"]},
            "'n' is int64, not text",
        ),
    ],
)
def test_bad_data_for_a_fit_is_one_clear_line(data, label, options, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        road.fit(classify, data, label, options=options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        (lambda t: t.slice(0, 0), {}, "no rows"),
        (lambda t: t.rename_columns(["name", "category"]), {}, "no text column 'title'"),
        (lambda t: t.set_column(0, "title", pa.array(range(len(t)))), {}, "'title' is int64"),
        (lambda t: t, {"method": "parametr"}, "no method 'parametr'.*'parameter'"),
        (lambda t: t, {"base": None}, "neither base nor source"),
        (lambda t: t, {"options": {"classes": ["Schuhe"]}}, "'classes' is no map"),
        (lambda t: t, {"options": {"classes": {"shoes": [" "]}}}, "'classes' is no map of names"),
    ],
)
def test_a_bad_target_is_one_clear_line(shop, home, change, given, message):
    with pytest.raises(XbsqlError, match=message) as caught:
        road.transfer(classify, change(target(shop, "DE", 40)), "category", **{"base": home[0], **given})
    assert "\n" not in str(caught.value)


def test_a_class_that_names_alone_teach_is_told(shop, home):
    """It may be one that nobody has labelled yet, or a slip."""
    options = {"classes": {"shoos": ["Schuhe"], "shoes": ["Schuhe"]}}
    found = road.transfer(classify, target(shop, "DE", 40), "category", base=home[0], options=options)[1]
    assert "no label is of the classes 'shoos' of the option 'classes'" in "; ".join(found.verdict.notes)


def test_a_method_restricts_the_source_and_keeps_the_comparison(shop, home):
    data = target(shop, "DE", 40)
    _, done = road.transfer(classify, data, "category", base=home[0], method="parameter")
    families = {name.partition(":")[0] for name in done.predictors}
    assert families == {"target_only", "recalibrated", "l2_sp"}


def test_progress_rises_to_one(shop):
    told = []
    road.fit(classify, shop["US"].slice(0, 60), "category", progress=lambda share, text: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_encoder_can_be_fine_tuned_as_one_more_candidate(shop):
    source = shop["US"].slice(0, 120)
    data, options = target(shop, "DE", 20, rows=60), {"finetune": True}
    model, done = road.transfer(classify, data, "category", source=source, options=options)
    batch = shop["DE"].slice(HOME + 240, 120).combine_chunks().to_batches()[0]
    x = model.reader.read(pa.table(batch))
    tuned = done.predictors["finetuned:head"]
    right = np.array(model.classes)[tuned.predict(x).argmax(axis=1)] == batch["category"].to_numpy(False)
    assert right.mean() > 0.4
    assert np.array_equal(restore(tuned.state()).predict(x), tuned.predict(x))
    assert model.predictor.weights["finetuned:head"] > 0.01
