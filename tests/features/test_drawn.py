"""Some rows stand for all, also where rows take turns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.features.drawn import drawn
from xbsql.features.roles import LOOKED_AT, roles


@pytest.mark.parametrize(("n", "most"), [(0, 5), (5, 5), (6, 5), (100_000, 1000)])
def test_rows_are_there_once_in_order_and_the_same_each_time(n, most):
    found = drawn(n, most)
    assert (np.diff(found) > 0).all()
    assert len(found) == min(n, most)
    assert set(found) <= set(range(n))
    assert (found == drawn(n, most)).all()


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_role_does_not_hang_on_rows_that_take_turns(every):
    """Every k-th row is an id, all others a mode: the column names no row."""
    n = every * LOOKED_AT
    values = [f"id{i}" if i % every == 0 else "sea" for i in range(n)]
    assert roles(pa.table({"mode": values}), None) == {"mode": "category"}
