"""LogME is the evidence of its regression, and orders features by what can be learnt on them."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from xbsql.engine.logme import logme


def by_definition(rows, y):
    """The marginal likelihood of each indicator, its two variances found by a general optimiser."""
    found = []
    for code in np.unique(y):
        truth = (y == code).astype(float)

        def lost(logs, truth=truth):
            covariance = rows @ rows.T / np.exp(logs[0]) + np.eye(len(rows)) / np.exp(logs[1])
            return -multivariate_normal.logpdf(truth, np.zeros(len(rows)), covariance) / len(rows)

        starts = [(0.0, 0.0), (3.0, 1.0), (-2.0, 2.0)]
        found.append(-min(minimize(lost, start, method="Nelder-Mead").fun for start in starts))
    return float(np.mean(found))


@pytest.mark.parametrize(("n", "d", "classes"), [(40, 5, 2), (30, 60, 3)])
def test_it_is_the_evidence(n, d, classes):
    rng = np.random.default_rng(n)
    y = np.arange(n) % classes
    rows = rng.normal(size=(n, d)) * 0.5
    rows[:, 0] += y
    assert logme(rows, y) == pytest.approx(by_definition(rows, y), abs=2e-3)


def test_features_that_say_more_come_first():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 4
    centres = rng.normal(size=(4, 16))
    scores = [logme(share * centres[y] + rng.normal(size=(120, 16)), y) for share in (0.0, 0.5, 1.0, 2.0)]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 0.1


def test_what_it_cannot_be_asked():
    with pytest.raises(ValueError, match="two classes or more"):
        logme(np.ones((3, 2)), np.zeros(3, int))
    with pytest.raises(ValueError, match="as many labels as rows"):
        logme(np.ones((3, 2)), np.arange(4))
