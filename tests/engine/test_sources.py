"""Several home markets: the one that is like the target weighs most, and what is fitted can be stored."""

from dataclasses import replace

import numpy as np
import pytest

from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.sources import FEWEST_ROWS, StackedSources, several, stacked, stacked_sources
from xbsql.engine.candidates.tables import Tables, table_candidates
from xbsql.engine.objective import classification, regression
from xbsql.engine.transfer import transfer
from xbsql.features.views import Features
from xbsql.store.model import restore


def markets(classes, rows=400, seed=0):
    """Three home markets of which the first follows the target, and the target."""
    g = np.random.default_rng(seed)

    def sample(n, slope):
        x = g.normal(size=(n, 4))
        value = x @ slope + 0.5 * g.normal(size=n)
        y = value if classes is None else (value > 0).astype(np.int64)
        return Sample(Features({"table": x}), y)

    same, other = np.array([2.0, -1.0, 0.5, 0.0]), np.array([-1.0, 0.0, 2.0, 1.0])
    parts = [sample(rows, same), sample(rows, other), sample(rows, -same)]
    x = np.concatenate([part.x["table"] for part in parts])
    whole = Sample(Features({"table": x}), np.concatenate([part.y for part in parts]))
    tables = Tables(classes)
    market = np.repeat(np.arange(3), rows)
    source = Source(tables.home_trees().fit(whole), whole, market, ("near", "other", "against"))
    return tables, source, sample(120, same), sample(1000, same)


@pytest.mark.parametrize("classes", [None, 2])
def test_the_market_that_follows_the_target_weighs_most(classes):
    tables, source, target, test = markets(classes)
    fitted = stacked_sources(tables.home_trees(), classes, "s").fit(source, target, target.x)
    assert fitted.weights["near"] > 0.6
    assert fitted.weights.get("against", 0.0) < 0.1
    objective = regression() if classes is None else classification(2, "auc")
    home = source.predictor.predict(test.x)
    assert objective.score(test.y, fitted.predict(test.x)) > objective.score(test.y, home) + 0.1


@pytest.mark.parametrize("classes", [None, 2])
def test_it_is_restored_bit_for_bit_and_stays_in_range(classes):
    tables, source, target, test = markets(classes)
    fitted = stacked_sources(tables.home_trees(), classes, "s").fit(source, target, target.x)
    again = restore(fitted.state())
    assert isinstance(again, StackedSources)
    found = fitted.predict(test.x)
    np.testing.assert_array_equal(found, again.predict(test.x))
    if classes is not None:
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert (found > 0).all()
    assert len(fitted.predict(test.x.take(slice(0, 0)))) == 0


def test_a_market_with_few_rows_has_no_model_and_one_market_is_not_several():
    _, source, _, _ = markets(None)
    assert several(source)
    assert not several(replace(source, market=None, markets=()))
    few = np.where(np.arange(len(source.sample)) < FEWEST_ROWS - 1, 1, 0)
    assert not several(replace(source, market=few, markets=("much", "little")))


def test_weights_are_equal_without_labels_to_move_them_and_never_negative():
    g = np.random.default_rng(3)
    truth = g.normal(size=500)
    scores = np.stack([truth, -truth, g.normal(size=500)])
    held, _ = stacked(scores, truth, pull=1e9)
    np.testing.assert_allclose(held, 1 / 3, atol=1e-3)
    free, constant = stacked(scores + 5.0, truth, pull=1e-9)
    np.testing.assert_allclose(free, [1.0, 0.0, 0.0], atol=0.05)
    assert (free >= 0).all()
    assert constant[0] == pytest.approx(truth.mean() - free @ (scores + 5.0).mean(axis=1))


def test_the_candidate_takes_part_where_there_are_several_markets():
    tables, source, target, _ = markets(None)
    names = [candidate.name for candidate in table_candidates(tables, source)]
    assert "stacked_sources:boosted" in names
    done = transfer(
        [c for c in table_candidates(tables, source) if c.name.startswith(("stacked", "target_only:linear"))],
        source,
        target,
        target.x.take(slice(0, 0)),
        regression(),
    )
    assert "stacked_sources:boosted" in done.weights
