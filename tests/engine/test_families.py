from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.engine.blend import with_source
from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.feature import monge_map, transferability
from xbsql.engine.candidates.instance import clipped, density_ratio, kernel_ratio, pool
from xbsql.engine.candidates.linear import Linear
from xbsql.engine.candidates.parameter import home_model
from xbsql.engine.candidates.relation import share_ratio
from xbsql.engine.candidates.tables import Tables, table_candidates
from xbsql.engine.design import Layout
from xbsql.engine.likeness import mean_discrepancy, proxy_a_distance
from xbsql.features.views import Features
from xbsql.store.model import restore

TABLE = Layout(("table",))
JUDGE = Linear(TABLE, 2, penalty=1.0)


def rows(seed, n, shift=0.0, d=2):
    return Features({"table": np.random.default_rng(seed).normal(shift, 1.0, size=(n, d))})


def names(classes):
    tables = Tables(classes)
    source = Source(None, Sample(rows(0, 3), np.zeros(3)))
    return [c.name for c in table_candidates(tables, source, rare=True)]


@pytest.mark.parametrize("labels", [1, 12])
@pytest.mark.parametrize("classes", [2, 3, None])
def test_every_candidate_fits_few_labels_predicts_and_is_restored_bit_for_bit(pair, classes, labels):
    market = pair(n=labels, classes=classes, rows=300)
    target = replace(market.target, x=with_source(market.target.x, market.source.predictor))
    everyone = with_source(market.unlabelled, market.source.predictor)
    test = with_source(market.test.x, market.source.predictor)
    found = table_candidates(market.tables, market.source, rare=True)
    assert {c.family for c in found} == {
        "target",
        "source",
        "instance",
        "feature",
        "parameter",
        "relation",
    } - (set() if classes else {"relation"})
    for candidate in found:
        sample = target if candidate.uses_labels else target.take(slice(0, 0))
        predictor = candidate.fit(market.source, sample, everyone)
        prediction = predictor.predict(test)
        assert prediction.shape == ((1000, classes) if classes else (1000,)), candidate.name
        assert np.isfinite(prediction).all(), candidate.name
        if classes:
            np.testing.assert_allclose(prediction.sum(axis=1), 1.0, atol=1e-9, err_msg=candidate.name)
        assert (restore(predictor.state()).predict(test) == prediction).all(), candidate.name


def test_the_model_alone_still_gives_all_families_that_need_no_rows(pair):
    market = pair(n=60)
    candidates = table_candidates(market.tables, Source(market.source.predictor))
    assert {c.family for c in candidates} == {"target", "source", "feature", "parameter"}
    assert {c.name for c in candidates} > {"continued:boosted", "shrunken_leaves:boosted"}
    line = market.tables.home_line().fit(market.source.sample)
    candidates = table_candidates(market.tables, Source(line))
    assert "l2_sp:linear" in {c.name for c in candidates}
    assert "continued:boosted" not in {c.name for c in candidates}


def test_a_home_model_of_other_classes_is_not_continued(pair):
    market = pair(n=60)
    assert home_model(market.source, type(market.source.predictor), 2, ("table",)) is market.source.predictor
    assert home_model(market.source, type(market.source.predictor), 3, ("table",)) is None


def test_pooling_balances_the_markets_and_flags_them():
    both = pool(Sample(rows(0, 100), np.zeros(100)), Sample(rows(1, 10), np.ones(10)))
    flag = both.x["market"][:, 0]
    assert both.weight[flag == 1].sum() == pytest.approx(both.weight[flag == 0].sum())
    few = pool(Sample(rows(0, 1000), np.zeros(1000)), Sample(rows(1, 2), np.ones(2)))
    assert few.weight.max() == 50.0


def test_a_pool_may_be_balanced_in_part():
    source, target = Sample(rows(0, 160), np.zeros(160)), Sample(rows(1, 10), np.ones(10))
    raised = [pool(source, target, balance).weight.max() for balance in (0.0, 0.5, 1.0)]
    assert raised == pytest.approx([1.0, 4.0, 16.0])


@pytest.mark.parametrize("ratio", ["judge", "kernel"])
def test_density_ratios_follow_the_shift(ratio):
    source, target = rows(0, 600), rows(1, 300, shift=0.8)
    found = density_ratio(source, target, JUDGE) if ratio == "judge" else kernel_ratio(source, target, TABLE)
    truth = 0.8 * source["table"].sum(axis=1)
    assert found.mean() == pytest.approx(1.0)
    assert np.corrcoef(np.argsort(np.argsort(found)), np.argsort(np.argsort(truth)))[0, 1] > 0.8


def test_ratios_without_a_shift_are_about_one_and_extreme_ones_are_clipped():
    assert density_ratio(rows(0, 400), rows(1, 400), JUDGE).std() < 0.3
    assert (clipped(np.zeros(3)) == 1.0).all()
    assert clipped(np.r_[np.ones(999), 1e9]).max() / clipped(np.r_[np.ones(999), 1e9]).min() == pytest.approx(
        400
    )


def test_the_monge_map_carries_mean_and_covariance():
    generator = np.random.default_rng(2)
    source = generator.normal(size=(2000, 3)) @ np.diag([1.0, 2.0, 0.5])
    target = generator.normal(size=(2000, 3)) @ generator.normal(size=(3, 3)) + 5
    moved = monge_map(source, target, reg=1e-9)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=1e-3)


def test_a_shifted_column_is_less_transferable():
    generator = np.random.default_rng(3)
    source = generator.normal(size=(500, 3))
    target = generator.normal(np.array([0.0, 1.0, 10.0]), 1.0, size=(400, 3))
    found = transferability(source, target)
    assert found[0] > 0.9 > found[1] > found[2] == 0.05


def test_class_shares_are_found_without_labels():
    generator = np.random.default_rng(4)
    share = np.array([0.2, 0.8])
    y = generator.choice(2, 4000, p=share)
    x = generator.normal(1.5 * y, 1.0)
    p = 1 / (1 + np.exp(-(1.5 * x - 1.125)))
    prediction = np.stack([1 - p, p], axis=1)
    np.testing.assert_allclose(share_ratio(prediction, np.array([0.5, 0.5])), share * 2, atol=0.1)


def test_markets_that_differ_are_told_apart_and_equal_ones_are_not():
    same = (rows(0, 300), rows(1, 300))
    other = (rows(0, 300), rows(1, 300, shift=3.0))
    assert abs(proxy_a_distance(*same, JUDGE)) < 0.3
    assert proxy_a_distance(*other, JUDGE) > 1.8
    assert mean_discrepancy(*other, TABLE) > 10 * abs(mean_discrepancy(*same, TABLE))


@pytest.mark.parametrize("classes", [2, 3, None])
def test_names_are_unique(classes):
    assert len(set(names(classes))) == len(names(classes))
