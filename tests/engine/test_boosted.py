from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.boosted import ORDERED_ROWS, Boosted
from xbsql.engine.candidates.leaves import shrink_leaves
from xbsql.engine.design import Layout
from xbsql.features.views import Features
from xbsql.metrics import rows as metrics
from xbsql.store.model import restore

TABLE = Layout(("table",), (3,))


def sample(n, classes, seed=0, lift=0.0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 4))
    x[:, 3] = generator.integers(0, 5, n)
    value = 2 * x[:, 0] * (x[:, 3] > 1) + x[:, 1] + lift
    if classes is None:
        return Sample(Features({"table": x}), value + 0.2 * generator.normal(size=n))
    odds = np.stack([value * k for k in range(classes)], axis=1)
    return Sample(Features({"table": x}), (odds + generator.gumbel(size=odds.shape)).argmax(axis=1))


@pytest.mark.parametrize("classes", [2, 3, None])
def test_restored_trees_predict_bit_for_bit_and_a_second_fit_is_the_same(classes):
    data = sample(150, classes)
    trees = Boosted(TABLE, classes, small=True).fit(data)
    assert (restore(trees.state()).predict(data.x) == trees.predict(data.x)).all()
    assert Boosted(TABLE, classes, small=True).fit(data).text == trees.text


def test_plain_lightgbm_loads_the_text():
    data = sample(150, 2)
    trees = Boosted(TABLE, 2, small=True).fit(data)
    plain = lgb.Booster(model_str=trees.text).predict(data.x["table"])
    assert (plain == trees.predict(data.x)[:, 1]).all()


@pytest.mark.parametrize("classes", [2, 3, None])
@pytest.mark.parametrize("rows", [ORDERED_ROWS - 1, ORDERED_ROWS, 3 * ORDERED_ROWS])
def test_a_row_is_answered_alike_in_any_company(classes, rows):
    data = sample(rows, classes)
    trees = Boosted(TABLE, classes, small=True).fit(data)
    x = data.x["table"].copy()
    x[::5, trees.splitter] = np.nan
    x[::7] = x[0]
    found = trees.predict(Features({"table": x}))
    alone = [trees.predict(Features({"table": x[i : i + 1]}))[0] for i in range(rows)]
    assert (found == np.array(alone)).all()


@pytest.mark.parametrize("classes", [2, 3, None])
def test_one_class_missing_classes_and_few_rows_are_served(classes):
    data = sample(5, classes)
    one = Sample(data.x, np.zeros(5, int if classes else float))
    found = Boosted(TABLE, classes, small=True).fit(one).predict(data.x)
    assert found.shape == ((5, classes) if classes else (5,))
    assert np.isfinite(found).all()
    assert Boosted(TABLE, classes).fit(data).predict(data.x.take(slice(0, 0))).shape[0] == 0


@pytest.mark.parametrize("classes", [2, None])
def test_trees_never_turn_the_sources_score_round(classes):
    data = sample(300, classes)
    truth = np.eye(2)[data.y] if classes else np.asarray(data.y)[:, None]
    x = Features({**data.x.views, "source": 1.0 - truth if classes else -truth})
    layout = Layout(("table", "source"), (3,))
    trees = Boosted(layout, classes, small=True).fit(Sample(x, data.y))
    low, high = (np.full(truth.shape, v) for v in (0.1, 0.9))
    if classes:
        low[:, 0], high[:, 0] = 0.9, 0.1
    higher, lower = (Features({**data.x.views, "source": view}) for view in (high, low))
    rise = trees.predict(higher) - trees.predict(lower)
    assert (rise[:, 1] if classes else rise).min() >= -1e-9


@pytest.mark.parametrize("classes", [2, 3, None])
def test_continued_trees_start_from_those_of_the_source(classes):
    source = Boosted(TABLE, classes).fit(sample(600, classes))
    more = Boosted(TABLE, classes, small=True, rounds=5).fit(sample(60, classes, seed=1), source)
    assert more.booster.num_trees() == source.booster.num_trees() + 5 * (classes if classes == 3 else 1)


@pytest.mark.parametrize("classes", [2, 3, None])
def test_continued_trees_pass_over_columns_that_the_source_lacks(classes):
    source = Boosted(TABLE, classes).fit(sample(600, classes))
    data = sample(60, classes, seed=1)
    wider = Features({"table": np.concatenate([data.x["table"], np.arange(60.0)[:, None]], axis=1)})
    learner = Boosted(Layout(("table",), (3, 4)), classes, small=True, rounds=5)
    more = learner.fit(Sample(wider, data.y), source)
    assert (more.predict(wider) == more.predict(data.x)).all()
    assert more.booster.num_feature() == 4


@pytest.mark.parametrize("classes", [2, 3, None])
def test_leaves_stay_where_the_source_weighs_all(classes):
    source = Boosted(TABLE, classes).fit(sample(600, classes))
    target = sample(60, classes, seed=1, lift=1.0)
    held = shrink_leaves(source, target, tau=1e12)
    np.testing.assert_allclose(held.predict(target.x), source.predict(target.x), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3, None])
def test_shrunken_leaves_follow_a_target_whose_level_moved(classes):
    source = Boosted(TABLE, classes).fit(sample(600, classes))
    moved = shrink_leaves(source, sample(120, classes, seed=1, lift=1.5), tau=20.0)
    test = sample(1000, classes, seed=2, lift=1.5)
    loss = metrics.squared_error if classes is None else metrics.log_loss
    before, after = (loss(test.y, model.predict(test.x)).mean() for model in (source, moved))
    assert after < 0.9 * before
    assert restore(moved.state()).predict(test.x) == pytest.approx(moved.predict(test.x), abs=0)
