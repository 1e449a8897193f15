"""Verdicts where one of two classes is rare, on predictions that are made up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xbsql.engine.evidence import Evidence
from xbsql.engine.folds import assign_folds
from xbsql.engine.objective import classification
from xbsql.engine.verdict import contest, judge
from xbsql.metrics import rows as metrics


@dataclass(frozen=True)
class Entry:
    name: str
    family: str
    prior: float = 1.0
    pooled: bool = False


ENTRIES = [Entry("target_only:x", "target"), Entry("pool:x", "instance")]


def evidence(rng, n, positive, skills):
    """Out-of-fold predictions of candidates whose log odds carry so much of the truth."""
    latent = rng.normal(size=n)
    y = (latent + rng.logistic(size=n) * 0.5 > np.quantile(latent, 1 - positive)).astype(np.int64)
    base = np.log(y.mean() / (1 - y.mean()))
    odds = [base + skill * latent + rng.normal(size=n) * 0.7 for skill in skills]
    shown = [np.stack([1 / (1 + np.exp(o)), 1 / (1 + np.exp(-o))], axis=1)[None] for o in odds]
    names = tuple(entry.name for entry in ENTRIES)
    folds = assign_folds(y, np.arange(n), 5, rng)[None]
    losses = np.stack([metrics.log_loss(y, one[0]) for one in shown])
    found = dict(zip(names, shown, strict=True))
    return Evidence(names, np.ones(2), y, np.arange(n), folds, found, losses, mixes=True)


def verdict(seed, skills, metric="auc", positive=0.12):
    rng, asked = np.random.default_rng(seed), classification(2, metric)
    found = evidence(rng, 200, positive, skills)
    return judge(found, contest(found, ENTRIES, asked), ENTRIES, asked, seed)


def test_most_gains_of_a_rare_class_are_found_and_none_is_made_up():
    helps = [verdict(seed, (0.4, 1.6)).outcome == "HELPS" for seed in range(12)]
    assert sum(helps) >= 8
    assert not any(verdict(seed, (1.2, 0.0)).outcome == "HELPS" for seed in range(12))


def test_it_says_how_far_ahead_it_is_and_what_could_have_been_found():
    found = verdict(0, (0.9, 1.0))
    assert found.outcome == "NO EVIDENCE"
    assert "AUC and log loss together are" in found.reason
    assert "would be found in four of five such draws" in found.reason
    plain = verdict(0, (0.9, 1.0), metric="accuracy")
    assert "together" not in plain.reason
    assert "would be found in four of five" in plain.reason


def test_an_interval_has_a_width_where_every_row_is_right():
    rng, asked = np.random.default_rng(3), classification(2)
    found = evidence(rng, 60, 0.5, (1.0, 1.0))
    right = {name: np.eye(2)[found.y][None] for name in found.names}
    found = replace(found, predictions=right, losses=np.zeros((2, 60)))
    told = judge(found, contest(found, ENTRIES, asked), ENTRIES, asked, 0)
    assert [arm.name for arm in told.arms] == ["target only", "blend"]
    assert all(0.9 < arm.lo < 0.97 and arm.hi == 1.0 for arm in told.arms)
