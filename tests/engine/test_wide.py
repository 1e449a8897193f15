"""Wide tables: few trees are tried in every fold, and a tree chooses from a few columns."""

import numpy as np
import pytest

from xbsql.engine.candidate import Sample, Source
from xbsql.engine.candidates.boosted import TREE_COLUMNS, Boosted
from xbsql.engine.candidates.tables import WIDE, Tables, table_candidates
from xbsql.features.views import Features


@pytest.mark.parametrize("width", [WIDE - 1, WIDE])
def test_folds_are_spared_pooled_trees_and_the_arms_stay(width):
    generator = np.random.default_rng(0)
    home = Sample(Features({"table": generator.normal(size=(60, width))}), generator.integers(0, 2, 60))
    tables = Tables(2, width=width)
    source = Source(tables.home_line().fit(home), home)
    found = {candidate.name: candidate for candidate in table_candidates(tables, source)}
    assert [candidate.name for candidate in found.values() if candidate.pooled] == [
        "balanced_pool:linear" if width >= WIDE else "balanced_pool:boosted"
    ]
    trees = [name for name, each in found.items() if name.endswith(":boosted") and each.uses_labels]
    assert (trees == ["target_only:boosted"]) == (width >= WIDE)


@pytest.mark.parametrize(("width", "share"), [(8, 0.8), (80, 0.8), (800, TREE_COLUMNS / 800)])
def test_a_tree_chooses_from_few_columns_of_many(width, share):
    generator = np.random.default_rng(0)
    sample = Sample(Features({"table": generator.normal(size=(40, width))}), generator.integers(0, 2, 40))
    learner = Boosted(Tables(2).layout(), 2)
    assert learner._parameters(sample, width)["feature_fraction"] == pytest.approx(share)
