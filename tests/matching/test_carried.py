"""What likely matches teach carries to rows that have none, and never back to the match itself."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from xbsql.matching import carried as module
from xbsql.matching.carried import carried
from xbsql.matching.neighbours import TwoWayNeighbours, cosines
from xbsql.matching.pairs import Matches, Side
from xbsql.matching.tokens import Tokens

ROWS, WIDTH, KNOWN = 120, 24, 80


@pytest.fixture
def market():
    """Two sides whose vectors differ by a rotation: row k is row k, and no vector says so."""
    rng = np.random.default_rng(0)
    own = normalize(rng.normal(size=(ROWS, WIDTH)).astype(np.float32))
    turn = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    texts = [f"w{row}" for row in range(ROWS)]
    parts = Tokens.split([[text] for text in texts])
    return Side(texts, own), Side(texts, own @ turn), (parts, parts)


def known(rows, wrong=()):
    right = np.where(np.arange(ROWS) < rows, np.arange(ROWS), -1)
    for row in wrong:
        right[row] = (row + 1) % rows
    return Matches(right, (right >= 0).astype(np.float64))


def own_rank(sides, row):
    scores = sides[0].vectors[row] @ sides[1].vectors.T
    return int((scores > scores[row]).sum())


def test_rows_without_a_match_land_on_their_counterparts(market):
    before = [own_rank(market[:2], row) for row in range(KNOWN, ROWS)]
    after = [own_rank(carried(*market, known(KNOWN)), row) for row in range(KNOWN, ROWS)]
    assert np.median(before) > 20
    assert np.median(after) == 0


def test_a_match_says_nothing_for_itself(market):
    taught = carried(*market, known(KNOWN))
    without = known(KNOWN)
    without.right[7], without.likely[7] = -1, 0.0
    again = carried(*market, without)
    assert np.allclose(taught[0].vectors[7, :WIDTH], again[0].vectors[7, :WIDTH], atol=2e-3)
    assert np.allclose(taught[1].vectors[7, WIDTH:], again[1].vectors[7, WIDTH:], atol=2e-3)


def test_vectors_have_length_one_and_nothing_known_changes_no_order(market):
    for matches in (known(0), known(1), known(KNOWN)):
        for side in carried(*market, matches):
            assert side.vectors.shape == (ROWS, 2 * WIDTH)
            assert side.vectors.dtype == np.float32
            assert np.allclose(np.linalg.norm(side.vectors, axis=1), 1, atol=1e-5)
    left, right = carried(*market, known(0))
    assert np.allclose(left.vectors @ right.vectors.T, market[0].vectors @ market[1].vectors.T, atol=1e-5)


def test_of_many_matches_the_likeliest_are_learned_from(market, monkeypatch):
    monkeypatch.setattr(module, "MOST_TAUGHT", 60)
    matches = known(KNOWN)
    matches.likely[:20] = 0.5
    least = known(KNOWN)
    least.right[:20] = -1
    for found, expected in zip(carried(*market, matches), carried(*market, least), strict=True):
        assert np.allclose(found.vectors, expected.vectors, atol=1e-5)


def test_hubs_are_no_neighbours():
    """A right row near to every left one comes first by cosine and last when that is taken away."""
    left = normalize(np.eye(3, 4, dtype=np.float32) + 0.9 * np.eye(4, dtype=np.float32)[3])
    hub = normalize(np.array([[1, 1, 1, 3]], np.float32))
    right = np.vstack([np.eye(3, 4, dtype=np.float32), hub])
    near = TwoWayNeighbours.of(Side(["a"] * 3, left), Side(["b"] * 4, right), 4)
    i, j = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    assert cosines(near.left, near.right, i, j).reshape(3, 4).argmax(axis=1).tolist() == [3, 3, 3]
    assert near.nearness(i, j).reshape(3, 4).argmax(axis=1).tolist() == [0, 1, 2]
    assert near.mutual().right.tolist() == [0, 1, 2]
