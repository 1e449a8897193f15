"""Explanations: contributions add up to the prediction, and say what is known of the model."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.engine.blend import Blend
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.boosted import Boosted
from xbsql.engine.candidates.linear import Linear
from xbsql.engine.contribution import contributions
from xbsql.engine.design import Layout
from xbsql.engine.question import Names, Question
from xbsql.engine.shapley import sampled
from xbsql.errors import XbsqlError
from xbsql.features.views import Features
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify
from xbsql.tasks.explain import explain, summed
from xbsql.tasks.predict.task import TASK as predict

LAYOUT = Layout(("table",), (2,))


def orders(n, seed, *, late=0.0, labels=None):
    """Days by weight, mode and a date; and whether a parcel came late; noise is read and says nothing."""
    rng = np.random.default_rng([seed, n])
    weight, mode = rng.uniform(0, 10, n), rng.choice(["air", "sea", "road"], n)
    day = np.datetime64("2025-01-01") + rng.integers(0, 365, n).astype("timedelta64[D]")
    days = late + 1.5 * weight + 8.0 * (mode == "sea") + rng.normal(0, 0.5, n)
    late_ones = np.where(days > 12 + late, "late", np.where(days > 5 + late, "due", "early"))
    unknown = np.arange(n) >= (n if labels is None else labels)
    return pa.table(
        {
            "weight": pa.array(weight, mask=rng.random(n) < 0.05),
            "mode": mode,
            "noise": rng.normal(size=n),
            "day": day,
            "days": pa.array(days, mask=unknown),
            "state": pa.array(late_ones, mask=unknown),
        }
    )


TASKS = {"days": predict, "state": classify}


@pytest.fixture(scope="module")
def models():
    """By label: a home model, what few labels carry it to (many members), and rows of the target."""
    found = {}
    for label, task in TASKS.items():
        drop = ["state" if label == "days" else "days"]
        source, data = (
            orders(n, late, late=late, labels=labels).drop_columns(drop)
            for n, late, labels in [(400, 0, 400), (90, 3, 28)]
        )
        home = road.fit(task, source, label)[0]
        found[label] = home, road.transfer(task, data, label, base=home, source=source)[0], data
    return found


@pytest.mark.parametrize("label", TASKS)
@pytest.mark.parametrize("which", [0, 1])
def test_contributions_sum_to_the_prediction_from_one_base(models, label, which):
    model, data = models[label][which], models[label][2]
    found = explain(model, data)
    said = model.predict(data.drop_columns([label]).combine_chunks().to_batches()[0])
    prediction = said.field("value" if label == "days" else "score").to_numpy()
    assert found.parts.sum(axis=1) + found.base == pytest.approx(prediction, abs=1e-9)
    kinds = ["all"] * len(data) if found.labels is None else found.labels.to_pylist()
    for kind in set(kinds):
        own = found.base[np.array(kinds) == kind]
        assert own == pytest.approx(own[0], abs=1e-6 * max(1.0, np.abs(prediction).max()))


@pytest.mark.parametrize("label", TASKS)
def test_what_matters_is_named_and_noise_is_not(models, label):
    _, model, data = models[label]
    rows = summed(model, data).to_pylist()
    assert rows == explain(model, data).summed().to_pylist()
    size = {row["feature"]: row["contribution"] for row in rows}
    columns = [row["feature"] for row in rows if not row["feature"].startswith("(")]
    assert set(columns[:2]) == {"weight", "mode"}
    assert size["noise"] < 0.2 * size["weight"]
    assert [row["contribution"] for row in rows] == sorted(size.values(), reverse=True)


def test_a_row_lists_its_base_and_then_features_by_size(models):
    _, model, data = models["days"]
    found = explain(model, data).per_row().to_pylist()
    assert list(found[0]) == ["row", "label", "feature", "value", "contribution"]
    first = [row for row in found if row["row"] == 1]
    assert first[0]["feature"] == "(base)"
    sizes = [abs(row["contribution"]) for row in first[1:]]
    assert sizes == sorted(sizes, reverse=True)
    values = {row["feature"]: row["value"] for row in first}
    assert values["mode"] == data["mode"][0].as_py()
    assert values["(base)"] is None


def test_one_row_is_compared_with_a_background(models):
    _, model, data = models["days"]
    with pytest.raises(XbsqlError, match="give background := the table"):
        explain(model, data.slice(0, 1))
    alone, among = explain(model, data.slice(3, 1), data), explain(model, data)
    assert alone.parts[0] == pytest.approx(among.parts[3], abs=1e-9)


def test_empty_rows_are_left_out(models):
    _, model, data = models["days"]
    empty = data.schema.empty_table()
    gap = pa.table([pa.nulls(1, field.type) for field in empty.schema], schema=empty.schema)
    found = explain(model, pa.concat_tables([data.slice(0, 3), gap, data.slice(3, 2)]))
    assert found.rows.tolist() == [0, 1, 2, 4, 5]


def test_text_is_one_feature():
    rng = np.random.default_rng(0)
    words = np.array(["red cotton shirt", "steel cooking pot"])
    kind, weight = rng.integers(0, 2, 60), rng.uniform(0, 5, 60)
    title = [f"{words[k]} number {rng.integers(1000)}" for k in kind]
    table = pa.table({"title": title, "weight": weight, "kind": words[kind]})
    model, _ = road.fit(classify, table, "kind", options={"text": ["title"]})
    found = explain(model, table)
    size = np.abs(found.parts).mean(axis=0)
    assert found.features[int(size.argmax())] == "title"
    score = model.predict(table.drop_columns(["kind"]).combine_chunks().to_batches()[0]).field("score")
    assert found.parts.sum(axis=1) + found.base == pytest.approx(score.to_numpy(), abs=1e-9)


def matrix(n, seed):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=n), rng.uniform(size=n), rng.integers(0, 3, n).astype(float)])


def question(chosen=None, rows=40):
    names = Names(("a", "b", "c", "bounds"), np.arange(3), {}, 3)
    x, background = (Features({"table": matrix(n, s)}) for n, s in [(rows, 1), (64, 2)])
    return Question(x, background, names, chosen)


def fitted(learner, classes):
    x = matrix(500, 0)
    y = x[:, 0] + 2 * (x[:, 2] == 1) + 0.3 * x[:, 1]
    y = y if classes is None else np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
    return learner.fit(Sample(Features({"table": x}), y))


@pytest.mark.parametrize("classes", [None, 2, 4])
@pytest.mark.parametrize("kind", [Linear, Boosted])
def test_exact_values_are_those_of_sampling(kind, classes):
    """Without interactions every order gives the same value; probabilities bend: there the two are near."""
    predictor = fitted(kind(LAYOUT, classes), classes)
    chosen = None if classes is None else np.arange(40) % classes
    asked = question(chosen)
    exact, drawn = contributions(predictor, asked), sampled(predictor, asked)
    assert np.abs(exact - drawn).mean() < (0.15 if classes is None else 0.08)
    assert np.corrcoef(exact.ravel(), drawn.ravel())[0, 1] > 0.9
    base = asked.of(predictor.predict(asked.x)) - exact.sum(axis=1)
    for k in np.unique(np.zeros(40) if chosen is None else chosen):
        own = base if chosen is None else base[chosen == k]
        assert own == pytest.approx(own[0], abs=1e-6)


def test_a_line_owes_each_column_weight_times_distance():
    predictor = fitted(Linear(Layout(("table",)), None, penalty=1e-6), None)
    asked = question()
    a = predictor.design.arrays
    here, mean = (predictor.design(rows) for rows in (asked.x, asked.background))
    expected = (here - mean.mean(axis=0)) * predictor.coefficients[:, 0]
    assert len(a["numbers"]) == 3
    assert contributions(predictor, asked)[:, :3] == pytest.approx(expected)


def test_what_bounds_cut_off_is_a_feature_of_its_own():
    line = fitted(Linear(LAYOUT, None), None)
    blend = Blend({"line": line}, {"line": 1.0}, bounds=(0.0, 1.0))
    asked = question()
    found, free = contributions(blend, asked), contributions(line, asked)
    raw = line.predict(asked.x)
    assert found[:, :3] == pytest.approx(free[:, :3])
    assert found[:, 3] == pytest.approx(np.clip(raw, 0, 1) - raw)


def test_the_home_models_part_in_a_line_goes_to_its_own_columns():
    home = fitted(Linear(LAYOUT, None), None)
    asked = question()
    names = Names(("a", "b", "c", "home", "bounds"), np.arange(3), {"source": 3}, 4)
    asked = Question(asked.x, asked.background, names).with_home(home)
    sample = Sample(asked.with_home(home).x, 2.0 * home.predict(asked.x) + 1.0)
    line = Linear(Layout(("source",)), None, penalty=1e-9).fit(sample)
    found = contributions(line, asked)
    assert found[:, 3] == pytest.approx(0.0)
    assert found[:, :3] == pytest.approx(2.0 * contributions(home, asked.at_home())[:, :3], abs=1e-6)
