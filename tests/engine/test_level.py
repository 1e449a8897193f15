"""Verdicts of values that nothing predicts: who stays near the mean is ahead of who fits noise."""

from __future__ import annotations

import numpy as np
import pytest

from xbsql.engine.candidate import Candidate
from xbsql.engine.evidence import Evidence
from xbsql.engine.folds import assign_folds
from xbsql.engine.objective import regression
from xbsql.engine.verdict import contest, judge

ENTRIES = [Candidate("target_only:x", "target", None), Candidate("pool:x", "instance", None)]


def verdict(seed, own, carried, sampling=None, n=100):
    """The verdict; the target's predictions and the source's are so much of the truth and so much noise."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    y = truth + rng.normal(size=n)
    shown = [(skill * truth + noise * rng.normal(size=n))[None] for skill, noise in (own, carried)]
    names = tuple(entry.name for entry in ENTRIES)
    folds = assign_folds(y, np.arange(n), 5, rng)[None]
    losses = np.stack([np.square(y - one[0]) for one in shown])
    predictions = dict(zip(names, shown, strict=True))
    found = Evidence(
        names, np.ones(2), y, np.arange(n), folds, predictions, losses, mixes=True, sampling=sampling
    )
    return judge(found, contest(found, ENTRIES, regression()), ENTRIES, regression(), seed)


def test_a_source_that_knows_the_mean_alone_does_not_help():
    told = [verdict(seed, (0.0, 0.6), (0.0, 0.01)) for seed in range(20)]
    assert not any(one.outcome == "HELPS" for one in told)
    assert all(one.value("target only") > -0.1 for one in told)


def test_a_source_that_knows_more_than_the_mean_does():
    told = [verdict(seed, (0.0, 0.6), (0.9, 0.3)) for seed in range(10)]
    assert sum(one.outcome == "HELPS" for one in told) >= 9


@pytest.mark.parametrize("sampling", [None, np.linspace(0.1, 1.9, 100)])
def test_the_mean_is_of_the_other_folds_and_counts_what_labels_stand_for(sampling):
    y = np.arange(100.0)
    folds = (np.arange(100) % 4)[None]
    losses, zero = np.zeros((1, 100)), {"a": np.zeros((1, 100))}
    found = Evidence(("a",), np.ones(1), y, np.arange(100), folds, zero, losses, sampling=sampling)
    for fold in range(4):
        others = folds[0] != fold
        mean = np.average(y[others], weights=None if sampling is None else sampling[others])
        np.testing.assert_allclose(found.levels()[0][~others], mean)
