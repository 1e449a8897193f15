"""cooccurrence_topk: the neighbours of the dense definition, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xbsql.kernels import cooccurrence_topk, reference


@pytest.mark.parametrize("cells", [1, 300, 1 << 22])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("pairs", "n_items", "k"), [(0, 3, 1), (1, 5, 5), (600, 45, 7), (2000, 45, 45)])
def test_is_the_definition(pairs, n_items, k, weighted, cells, monkeypatch):
    monkeypatch.setattr("xbsql.kernels.cpu_cooccurrence._CELLS", cells)
    rng = np.random.default_rng(pairs)
    users, items = rng.integers(0, 50, pairs), rng.integers(0, min(40, n_items), pairs)
    values = rng.integers(1, 6, pairs).astype(float) if weighted else np.ones(pairs)
    weights = rng.random(50) if weighted else np.ones(50)
    found = cooccurrence_topk(
        users, items, k, n_items=n_items, values=values, user_weights=weights, shrink=0.5
    )
    scores, rows = reference.cooccurrence_topk(users, items, k, n_items, values, weights, 0.5)
    np.testing.assert_allclose(found[0], scores, rtol=1e-6)
    differing = found[1] != rows
    assert not differing[np.isneginf(scores)].any()
    assert differing.mean() < 0.01  # sums in another order may swap neighbours that tie in float32


def test_by_hand():
    """Users a: {0, 1}, b: {0, 1}, c: {0, 2}: cos(0, 1) = 2 / sqrt(3 * 2), cos(0, 2) = 1 / sqrt(3)."""
    users, items = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 0, 1, 0, 2])
    scores, rows = cooccurrence_topk(users, items, 2)
    assert rows.tolist() == [[1, 2], [0, -1], [0, -1]]
    np.testing.assert_allclose(scores[0], [2 / 6**0.5, 1 / 3**0.5], rtol=1e-6)
    assert scores[1:, 1].tolist() == [-np.inf] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 4}, "k is 4; it must be a whole number from 1 to 3"),
        ({"users": np.array([-1, 0])}, "users holds -1"),
        ({"users": np.array([0])}, "items has 2 entries; it needs 1"),
        ({"users": np.array([0.0, 1.0])}, "users is float64; it takes int64, int32"),
        ({"n_items": 2}, "n_items is 2"),
        ({"shrink": -1.0}, "shrink is -1.0"),
        ({"values": np.array([1.0, np.nan])}, "values holds NaN or Inf"),
        ({"user_weights": np.ones(1)}, "user_weights has 1 entries for 2 users"),
    ],
)
def test_mistakes_are_one_line(options, message):
    given = {"users": np.array([0, 1]), "items": np.array([0, 2]), "k": 1, **options}
    with pytest.raises(ValueError, match=message):
        cooccurrence_topk(given.pop("users"), given.pop("items"), given.pop("k"), **given)
