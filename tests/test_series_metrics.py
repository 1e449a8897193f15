from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xbsql.metrics import series as metrics
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.series.read.table import Columns, read_series
from xbsql.series.scale import absolute_scale, seasonal_naive, squared_scale

SHAPE = (5, 7)
NUMBERS = arrays(np.float64, SHAPE, elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3)))
COUNTS = arrays(np.float64, SHAPE, elements=st.integers(0, 50).map(float))


def history(*values):
    lengths = [len(v) for v in values]
    n = len(values)
    flat = np.concatenate([np.array(v, np.float64) for v in values])
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    names = tuple(str(i) for i in range(n))
    return Series(names, flat, offsets, np.zeros(n, np.int64), Frequency.counts(1), ("ok",) * n)


PAST = history(*np.random.default_rng(0).normal(size=(5, 30)))


@given(NUMBERS, NUMBERS, st.floats(0.01, 100))
def test_scaled_scores_do_not_depend_on_the_unit(y, forecast, unit):
    scale, square = absolute_scale(PAST), squared_scale(PAST)
    quantiles = np.repeat(forecast[..., None], 9, axis=-1)
    for before, after in (
        (metrics.mase(y, forecast, scale), metrics.mase(unit * y, unit * forecast, unit * scale)),
        (metrics.rmsse(y, forecast, square), metrics.rmsse(unit * y, unit * forecast, unit**2 * square)),
        (metrics.smape(y, forecast), metrics.smape(unit * y, unit * forecast)),
        (metrics.bias(y, forecast, scale), metrics.bias(unit * y, unit * forecast, unit * scale)),
        (
            metrics.scaled_pinball(y, quantiles, scale),
            metrics.scaled_pinball(unit * y, unit * quantiles, unit * scale),
        ),
    ):
        np.testing.assert_allclose(before, after, rtol=1e-6, atol=1e-9)


@given(NUMBERS)
def test_the_truth_has_no_error(y):
    scale, square = absolute_scale(PAST), squared_scale(PAST)
    quantiles = np.repeat(y[..., None], 9, axis=-1)
    assert not metrics.mase(y, y, scale).any()
    assert not metrics.rmsse(y, y, square).any()
    assert not metrics.smape(y, y).any()
    assert not metrics.bias(y, y, scale).any()
    assert not metrics.scaled_pinball(y, quantiles, scale).any()
    assert metrics.coverage(y, y, y).all()


@given(NUMBERS, NUMBERS)
def test_smape_lies_between_0_and_200(y, forecast):
    assert ((metrics.smape(y, forecast) >= 0) & (metrics.smape(y, forecast) <= 200)).all()


@given(NUMBERS, NUMBERS)
def test_the_pinball_loss_of_the_median_is_half_the_absolute_error(y, forecast):
    loss = metrics.pinball(y, forecast[..., None], (0.5,))[..., 0]
    np.testing.assert_allclose(loss, np.abs(y - forecast) / 2)


def test_the_pinball_loss_is_least_at_the_quantile():
    y = np.random.default_rng(1).gamma(2.0, 3.0, 20_001)
    best = np.quantile(y, metrics.QUANTILES)
    for shift in (-0.3, 0.3):
        nearby = metrics.pinball(y, np.tile(best + shift, (len(y), 1))).mean(axis=0)
        assert (metrics.pinball(y, np.tile(best, (len(y), 1))).mean(axis=0) < nearby).all()


def test_saying_nothing_has_wape_one():
    y = np.random.default_rng(0).poisson(0.4, (200, 8)).astype(float)
    mean = np.full_like(y, y.mean())
    assert metrics.wape(y.reshape(1, -1), np.zeros((1, y.size)))[0] == 1.0
    assert metrics.wape(y.reshape(1, -1), mean.reshape(1, -1))[0] > 1.0
    assert metrics.wape(y.sum(axis=1)[None], mean.sum(axis=1)[None])[0] < 1.0


@given(COUNTS, st.integers(1, 4))
def test_a_scale_is_the_mean_difference_of_each_series_alone(values, season):
    lengths = [1, 2, 4, 7, 0]
    past = history(*[row[:n] for row, n in zip(values, lengths, strict=True)])
    for power, found in (
        (1, absolute_scale(past, season)),
        (2, squared_scale(past, season)),
    ):
        for row, n, scale in zip(values, lengths, found, strict=True):
            gap = np.abs(row[season:n] - row[: max(n - season, 0)]) ** power
            expected = gap.mean() if gap.any() else np.nan
            np.testing.assert_allclose(scale, expected)


def test_undefined_scores_are_left_out():
    flat = history([2, 2, 2], [1, 2, 3])
    y, forecast = np.ones((2, 2)), np.zeros((2, 2))
    found = metrics.mase(y, forecast, absolute_scale(flat))
    assert np.isnan(found[0])
    assert metrics.mean_of(found) == 1.0
    assert np.isnan(metrics.mean_of(np.full(3, np.nan)))
    assert np.isnan(metrics.wape(np.zeros((1, 3)), np.ones((1, 3))))[0]


def test_bias_has_the_sign_of_what_is_too_much():
    y = np.zeros((5, 3))
    assert (metrics.bias(y, y + 1, absolute_scale(PAST)) > 0).all()
    assert (metrics.bias(y, y - 1, absolute_scale(PAST)) < 0).all()


def test_coverage_counts_the_ends():
    y = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert metrics.coverage(y, np.full((1, 4), 2.0), np.full((1, 4), 3.0))[0] == 0.5


def test_the_seasonal_naive_forecast_repeats_the_last_season():
    past = history([1, 2, 3, 4, 5], [7, 8], [])
    found = seasonal_naive(past, 5, 3)
    assert found[0].tolist() == [3, 4, 5, 3, 4]
    assert found[1].tolist() == [8] * 5
    assert np.isnan(found[2]).all()


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "season", "smape", "mase"), [("weekly", 1, "9.161", "2.777"), ("hourly", 24, "13.912", "1.193")]
)
def test_the_published_figures_of_m4s_seasonal_naive(name, season, smape, mase):
    """Makridakis et al. (2020), the competition's own table."""
    if "XBSQL_DATA" not in os.environ:
        pytest.skip("XBSQL_DATA names no folder: put m4 there")
    folder = Path(os.environ["XBSQL_DATA"]) / "m4"
    past, truth = (
        read_series("test", pq.read_table(folder / f"{name}_{part}.parquet"), Columns())
        for part in ("train", "test")
    )
    assert past.names == truth.names
    y = truth.y.reshape(len(truth), -1)
    forecast = seasonal_naive(past, y.shape[1], season)
    found = metrics.mase(y, forecast, absolute_scale(past, season))
    assert f"{metrics.mean_of(metrics.smape(y, forecast)):.3f}" == smape
    assert f"{metrics.mean_of(found):.3f}" == mase
