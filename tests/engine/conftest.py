from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.tables import Tables
from xbsql.features.views import Features


@dataclass(frozen=True)
class Pair:
    """A source and a target drawn from concepts that agree, disagree or have nothing in common."""

    tables: Tables
    source: Source
    target: Sample
    unlabelled: Features
    test: Sample


def features(generator, n, shift=0.0):
    x = generator.normal(size=(n, 6))
    x[:, :3] += shift
    x[:, 5] = generator.integers(0, 4, n)
    x[generator.random(n) < 0.05, 4] = np.nan
    return x


def draw(generator, x, agreement, classes):
    shared = 2.5 * x[:, 0] * x[:, 1] + 1.5 * x[:, 2] + 2.0 * (x[:, 5] == 2) - 0.5
    own = 2.0 * x[:, 3] - x[:, 2] + np.sin(2 * x[:, 1])
    value = agreement * shared + (1 - abs(agreement)) * own
    if classes is None:
        return value + 0.5 * generator.normal(size=len(x))
    odds = (
        np.stack([value * k for k in range(classes)], axis=1) - np.linspace(0, classes - 1, classes) ** 2 / 2
    )
    return (odds + generator.gumbel(size=odds.shape)).argmax(axis=1)


@pytest.fixture(scope="session")
def pair():
    """A function: agreement 1 is one concept, 0 is an unrelated one, -1 the source turned round."""

    def make(agreement=1.0, n=100, classes=2, seed=0, rows=1500, shift=0.3):
        generator = np.random.default_rng([seed, n, rows])
        tables = Tables(classes, (5,))
        here, there = features(generator, rows), features(generator, n + 200 + 1000, shift)
        sample = Sample(Features({"table": here}), draw(generator, here, 1.0, classes))
        y = draw(generator, there, agreement, classes)
        whole = Sample(Features({"table": there}), y)
        source = Source(tables.home_trees().fit(sample), sample)
        return Pair(
            tables,
            source,
            whole.take(slice(0, n)),
            whole.x.take(slice(n, n + 200)),
            whole.take(slice(n + 200, None)),
        )

    return make
