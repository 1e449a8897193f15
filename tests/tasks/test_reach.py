"""How far a row lies from what is known, also where the known rows take turns."""

from __future__ import annotations

import numpy as np
import pytest

from xbsql.features.views import Features
from xbsql.tasks.reach import MOST_ROWS, fit_reach


def rows(where):
    """Rows about a place each."""
    noise = np.random.default_rng(len(where)).normal(size=(len(where), 2))
    return Features({"table": noise + 20.0 * np.asarray(where)[:, None]})


@pytest.mark.parametrize("every", [2, 3])
def test_every_kind_of_known_row_is_near_and_others_are_far(every):
    reach = fit_reach(rows(np.arange(every * (MOST_ROWS - 1) + 1) % every), ())
    assert len(reach.vectors) == MOST_ROWS
    for kind in range(every):
        assert np.median(reach.shift(rows(np.full(40, kind)))) == pytest.approx(0.5, abs=0.25)
    assert (reach.shift(rows(np.full(40, every + 1))) == 1).all()


def test_one_known_row_leaves_all_others_beyond_it():
    assert fit_reach(rows([0]), ()).shift(rows([0, 1])).tolist()[1] == 1.0
