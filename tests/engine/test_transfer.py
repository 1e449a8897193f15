from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.tables import from_model, table_candidates, target_only
from xbsql.engine.evidence import mean_loss
from xbsql.engine.objective import classification, regression
from xbsql.engine.transfer import transfer
from xbsql.errors import XbsqlError
from xbsql.features.views import Features
from xbsql.store.model import State, restorable, restore

AUC = classification(2, "auc")


@restorable("test.memory")
@dataclass
class Memory:
    """Knows the labels of the rows it has seen, by their first number, and nothing else."""

    keys: np.ndarray
    labels: np.ndarray

    def predict(self, x):
        found = np.full((len(x), 2), 0.5)
        for row, key in enumerate(x["table"][:, 0]):
            seen = self.labels[self.keys == key]
            if len(seen):
                found[row] = np.eye(2)[seen[0]]
        return found

    def state(self):
        return State("test.memory", arrays={"keys": self.keys, "labels": self.labels})

    @classmethod
    def from_state(cls, state):
        return cls(state.arrays["keys"], state.arrays["labels"])


def memorise(source, target, unlabelled):
    return Memory(target.x["table"][:, 0], target.y)


def cheap(pair):
    """Both target-only learners, the home model and what can be made of it without pooling."""
    return target_only(pair.tables) + from_model(pair.tables, pair.source)[:3]


def run(pair, candidates=None, objective=AUC, **settings):
    return transfer(
        candidates or cheap(pair), pair.source, pair.target, pair.unlabelled, objective, **settings
    )


def score(pair, done, objective=AUC):
    return float(objective.score(pair.test.y, done.blend.predict(pair.test.x)))


def alone(pair, objective=AUC):
    done = transfer(target_only(pair.tables), None, pair.target, pair.unlabelled, objective)
    return score(pair, done, objective)


def test_where_the_concept_is_shared_the_verdict_is_help_and_the_gain_is_real(pair):
    market = pair(agreement=1.0, n=120)
    done = run(market, table_candidates(market.tables, market.source))
    assert done.verdict.outcome == "HELPS"
    assert done.verdict.basis == "evidence"
    assert score(market, done) > alone(market) + 0.02
    assert done.verdict.labels_saved > 0


@pytest.mark.parametrize("agreement", [0.0, -1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_where_the_source_is_of_no_use_nothing_is_claimed_and_nothing_lost(pair, agreement, seed):
    market = pair(agreement, n=150, seed=seed)
    done = run(market)
    assert done.verdict.outcome != "HELPS"
    assert score(market, done) > alone(market) - 0.03


def test_a_source_that_is_clearly_worse_gets_no_weight(pair):
    market = pair(agreement=-1.0, n=150)
    candidates = [c for c in cheap(market) if c.name.startswith(("target_only", "source_only"))]
    done = run(market, candidates)
    assert done.verdict.outcome == "HURTS"
    assert done.weights["source_only:home"] == 0.0
    assert done.verdict.gain_hi < 0


def test_a_candidate_that_memorises_gains_nothing(pair):
    market = pair(n=60)
    done = run(market, [*cheap(market), Candidate("memory:x", "target", memorise)])
    assert done.weights["memory:x"] == 0.0
    held_out = done.evidence.predictions["memory:x"]
    assert (held_out == 0.5).all(), "a label reached the fold that it was held out of"


def test_rows_of_one_group_never_stand_on_both_sides(pair):
    market = pair(n=60)
    twins = market.target.take(np.repeat(np.arange(60), 2))
    twins = replace(twins, group=np.repeat(np.arange(60), 2))
    candidates = [*cheap(market), Candidate("memory:x", "target", memorise)]
    done = transfer(candidates, market.source, twins, market.unlabelled, AUC)
    assert (done.evidence.predictions["memory:x"] == 0.5).all()


@pytest.mark.parametrize("n", [0, 10, 60])
def test_weights_are_positive_and_sum_to_one(pair, n):
    done = run(pair(n=n) if n else _without_labels(pair))
    weights = np.array(list(done.weights.values()))
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0)
    assert all(weight >= 0.01 for weight in done.blend.weights.values())
    assert sum(done.blend.weights.values()) == pytest.approx(1.0)


def _without_labels(pair):
    market = pair(n=60)
    return replace(market, target=market.target.take(slice(0, 0)))


def test_without_labels_what_needs_none_is_served_and_nothing_is_claimed(pair):
    market = _without_labels(pair)
    done = run(market)
    assert set(done.weights) == {"source_only:home"}
    assert (done.verdict.outcome, done.verdict.basis) == ("NOT MEASURED", "prior")
    assert all(arm.value is None for arm in done.verdict.arms)
    assert score(market, done) > 0.7


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.r_[np.zeros(9), 1], r"10 target labels are too few \(30 are needed\)"),
        (np.zeros(60), "0 labels outside the largest class"),
        (np.r_[np.zeros(56), np.ones(4)], "4 labels outside the largest class"),
    ],
)
def test_too_few_labels_are_a_prior_and_the_verdict_says_why(pair, y, reason):
    market = pair(n=len(y))
    market = replace(market, target=replace(market.target, y=y.astype(int)))
    done = run(market)
    assert done.evidence is None
    assert done.verdict.basis == "prior"
    assert re.search(reason, done.verdict.reason)
    assert np.isfinite(done.blend.predict(market.test.x)).all()


def test_a_candidate_without_labels_is_fitted_once_and_sees_none(pair):
    market, seen = pair(n=60), []

    def fit(source, target, unlabelled):
        seen.append((len(target), len(unlabelled)))
        return market.source.predictor

    run(market, [*cheap(market), Candidate("once:x", "source", fit, uses_labels=False)])
    assert seen == [(0, 60 + 200)]


def test_the_order_of_candidates_changes_nothing(pair):
    market = pair(n=60)
    one, other = run(market), run(market, cheap(market)[::-1])
    assert one.weights == other.weights
    assert (one.blend.predict(market.test.x) == other.blend.predict(market.test.x)).all()
    assert one.verdict == other.verdict


@pytest.mark.parametrize("classes", [2, 3, None])
def test_a_restored_blend_predicts_bit_for_bit(pair, classes):
    market = pair(n=60, classes=classes, rows=300)
    objective = classification(classes) if classes else regression()
    done = run(market, table_candidates(market.tables, market.source), objective)
    again = restore(done.blend.state())
    assert (again.predict(market.test.x) == done.blend.predict(market.test.x)).all()


def test_the_home_model_is_kept_only_where_a_member_reads_it(pair):
    market = pair(agreement=-1.0, n=150)
    candidates = [c for c in cheap(market) if c.name.startswith(("target_only", "source_only"))]
    assert run(market, candidates).blend.source is None
    assert run(pair(n=60)).blend.source is not None


def test_values_stay_near_the_range_of_the_labels(pair):
    market = pair(n=60, classes=None)
    done = run(market, objective=regression())
    lo, hi = market.target.y.min(), market.target.y.max()
    wild = Features({"table": market.test.x["table"] * 1e6})
    found = done.blend.predict(wild)
    assert found.min() >= lo - 0.25 * (hi - lo) - 1e-9
    assert found.max() <= hi + 0.25 * (hi - lo) + 1e-9


def test_the_blends_own_score_uses_weights_of_other_folds(pair):
    market = pair(n=60)
    evidence = run(market).evidence
    flat = Sample(market.target.x, evidence.y)
    honest = mean_loss(AUC, flat.y, evidence.blended()).mean()
    weights = evidence.weights()
    looking = sum(weights[name] * evidence.predictions[name] for name in evidence.names)
    assert honest > mean_loss(AUC, flat.y, looking).mean()


def test_progress_rises_to_one(pair):
    told = []
    run(pair(n=60), progress=lambda share, name: told.append((share, name)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, c: (c[2:], m.source, m.target), "no target-only candidate"),
        (lambda m, c: (c[2:], None, m.target), "every candidate needs a source"),
        (
            lambda m, c: (c[:2], m.source, m.target.take(slice(0, 0))),
            "no candidate serves without target labels",
        ),
        (lambda m, c: (c + c[:1], m.source, m.target), "two candidates are named 'target_only:linear'"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(pair, change, message):
    market = pair(n=60)
    candidates, source, target = change(market, cheap(market))
    with pytest.raises(XbsqlError, match=message) as caught:
        transfer(candidates, source, target, market.unlabelled, AUC)
    assert "\n" not in str(caught.value)
