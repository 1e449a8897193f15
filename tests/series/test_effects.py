from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xbsql.series.effects import fit_effects
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series

N, LENGTH, AHEAD = 40, 60, 4


def shop(effect, seed=0, *, amounts=True, column=None):
    """Series with a promotion in a fifth of the periods; sizes differ a hundredfold."""
    generator = np.random.default_rng(seed)
    promotion = (generator.random((N, LENGTH)) < 0.2).astype(np.float64)
    size = np.exp(generator.uniform(0.5, 5, (N, 1)))
    if amounts:
        y = generator.poisson(size * np.exp(effect * promotion)).astype(np.float64)
    else:
        y = size * (generator.normal(size=(N, LENGTH)) + effect * promotion) - 3 * size
    known = promotion if column is None else column(generator, promotion)
    offsets = np.arange(N + 1) * LENGTH
    names = tuple(map(str, range(N)))
    start = np.zeros(N, np.int64)
    beside = known.reshape(-1, 1)
    return Series(names, y.ravel(), offsets, start, Frequency.counts(1), ("ok",) * N, beside)


@pytest.mark.parametrize("effect", [-0.7, 0.4, 1.0])
def test_the_effect_of_a_promotion_on_amounts_is_found(effect):
    found = fit_effects(shop(effect), AHEAD)
    assert found.coefficients[0] == pytest.approx(effect, abs=0.06)
    ahead = np.zeros((N, AHEAD, 1))
    lifted = found.on(np.ones((N, AHEAD)), ahead + 1) / found.on(np.ones((N, AHEAD)), ahead)
    np.testing.assert_allclose(lifted, np.exp(found.coefficients[0]))


def test_the_effect_on_other_values_is_in_units_of_their_movement():
    series = shop(3.0, amounts=False)
    found = fit_effects(series, AHEAD)
    clean = found.without(series).y.reshape(N, LENGTH)
    promoted = series.known.reshape(N, LENGTH) == 1
    gap = np.array(
        [(row[p].mean() - row[~p].mean()) / row.std() for row, p in zip(clean, promoted, strict=True)]
    )
    assert np.abs(gap).mean() < 0.5


def test_taking_out_and_putting_on_is_the_way_back():
    series = shop(0.8)
    found = fit_effects(series, AHEAD)
    known = series.known.reshape(N, LENGTH, 1)
    back = found.on(found.without(series).y.reshape(N, LENGTH), known)
    np.testing.assert_allclose(back.ravel(), series.y)


def test_what_has_no_effect_is_shrunken_or_left_out():
    for seed in range(5):
        found = fit_effects(shop(0.0, seed), AHEAD)
        assert found is None or abs(found.coefficients[0]) < 0.05


def test_a_constant_and_an_unknown_column_have_no_effect():
    series = shop(0.8, column=lambda generator, promotion: np.full_like(promotion, 7.0))
    assert fit_effects(series, AHEAD) is None
    known = shop(0.8)
    wide = replace(known, known=np.c_[known.known, np.full(len(known.y), np.nan)])
    found = fit_effects(wide, AHEAD)
    assert found.coefficients[1] == 0
    ahead = np.full((N, AHEAD, 2), np.nan)
    np.testing.assert_allclose(found.on(np.ones((N, AHEAD)), ahead), 1.0)


def test_series_without_history_are_left_as_they_are():
    series = shop(0.8)
    empty = np.zeros(1, np.int64)
    more = replace(
        series,
        names=(*series.names, "new"),
        offsets=np.r_[series.offsets, series.offsets[-1]],
        start=np.r_[series.start, empty],
        status=(*series.status, "no history"),
    )
    found = fit_effects(more, AHEAD)
    assert found.middle.shape == (N + 1, 1)
    assert np.isfinite(found.on(np.ones((N + 1, 2)), np.ones((N + 1, 2, 1)))).all()


def test_a_single_series_that_the_effects_mislead_is_forecast_without_them():
    rng = np.random.default_rng(0)
    promotion = (rng.random((N, LENGTH)) < 0.4).astype(np.float64)
    effect = np.full((N, 1), 0.8)
    effect[0] = -1.2
    y = rng.poisson(200 * np.exp(effect * promotion)).astype(np.float64)
    offsets, start = np.arange(N + 1) * LENGTH, np.zeros(N, np.int64)
    names, status = tuple(map(str, range(N))), ("ok",) * N
    series = Series(names, y.ravel(), offsets, start, Frequency.counts(1), status, promotion.reshape(-1, 1))
    found = fit_effects(series, 12)
    assert not found.used[0]
    assert found.used[1:].mean() > 0.9
    moved = found.on(np.ones((N, 1)), np.ones((N, 1, 1)))
    assert moved[0, 0] == 1.0
    assert (moved[found.used, 0] > 1.2).all()
    assert (found.without(series).y[:LENGTH] == series.y[:LENGTH]).all()
