"""Adaptation without labels: other units are adapted to, other shares of the classes are left alone."""

import numpy as np
import pytest

from xbsql.engine.blend import with_source
from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.relation import SourceScore
from xbsql.engine.candidates.tables import Tables, without_labels
from xbsql.features.views import Features

CLASSES, COLUMNS, ROWS = 3, 12, 500


class World:
    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)
        self.centres = 1.5 * self.generator.normal(size=(CLASSES, COLUMNS))

    def rows(self, share=None):
        y = self.generator.choice(CLASSES, ROWS, p=share)
        return self.centres[y] + self.generator.normal(size=(ROWS, COLUMNS)), y


def seen(x):
    return Features({"table": x})


def fitted(world, x):
    """The home line, what the candidate makes of a target, and the target's features."""
    tables = Tables(CLASSES)
    home_x, home_y = world.rows()
    home = Sample(seen(home_x), home_y)
    line = tables.home_line().fit(home)
    target = with_source(seen(x), line)
    none = Sample(target.take(slice(0, 0)), np.empty(0, np.int64))
    return line, without_labels(tables, CLASSES).fit(Source(line, home), none, target), target


@pytest.mark.parametrize("seed", [1, 2])
def test_other_units_are_adapted_to(seed):
    world = World(seed)
    x, y = world.rows()
    x = 2.5 * x * np.exp(0.5 * world.generator.normal(size=COLUMNS)) + 4.0
    line, found, target = fitted(world, x)
    home, own = ((each.predict(target).argmax(axis=1) == y).mean() for each in (line, found))
    assert own >= home + 0.02


@pytest.mark.parametrize("kind", ["none", "shares", "part"])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_home_has_seen_is_left_to_the_home_model(kind, seed):
    world = World(seed)
    x, _ = world.rows([0.7, 0.25, 0.05] if kind == "shares" else None)
    if kind == "part":
        x = x[np.argsort(x @ world.generator.normal(size=COLUMNS))[: ROWS // 2]]
    _, found, target = fitted(world, x)
    assert isinstance(found, SourceScore)
    assert np.array_equal(found.predict(target), target["source"])


def test_a_handful_of_rows_moves_nothing():
    world = World(3)
    x, _ = world.rows()
    assert isinstance(fitted(world, 9.0 * x[:20])[1], SourceScore)
