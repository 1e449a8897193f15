"""Learning one label after another: ADWIN beside river, fixed share's bound, a track that any order gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbsql.engine.online.adwin import Adwin
from xbsql.engine.online.hedge import fixed_share
from xbsql.engine.online.track import KEPT, Track, Units, watched
from xbsql.store.model import restore


def stream(seed, n=2000):
    """Values in 0 .. 1 whose mean may rise somewhere."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.3, 0.2, n)
    values[rng.integers(200, n - 200) :] += rng.choice([0.0, 0.1, 0.3])
    return np.clip(values, 0.0, 1.0)


@pytest.mark.parametrize("seed", range(12))
def test_adwin_is_rivers_up_to_the_first_cut(seed):
    """River begins anew after a cut, so what comes later cannot be compared."""
    river = pytest.importorskip("river.drift")
    theirs, ours = river.ADWIN(), Adwin()
    for value in stream(seed):
        cut = ours.update(value)
        theirs.update(value)
        assert cut == theirs.drift_detected
        assert ours.width == theirs.width
        assert ours.mean == pytest.approx(theirs.estimation, abs=1e-12)
        if cut:
            break


def test_adwin_forgets_what_was_before_the_change():
    ours = Adwin()
    for value in [0.1, 0.2] * 500 + [0.8, 0.9] * 200:
        ours.update(value)
    assert 300 < ours.width < 500
    assert ours.mean > 0.8


def test_a_window_has_the_moments_of_its_values():
    values = stream(3, 700)[:400] * 0.01 + 0.5
    ours = Adwin()
    for value in values:
        ours.update(value)
    assert ours.width == 400
    assert ours.spread == pytest.approx(((values - values.mean()) ** 2).sum(), rel=1e-9)


@given(st.integers(0, 1000), st.integers(2, 5), st.floats(0.001, 0.2))
@settings(max_examples=30, deadline=None)
def test_fixed_share_loses_little_more_than_the_best_sequence(seed, experts, share):
    """The bound of Herbster and Warmuth for one change of expert."""
    rng = np.random.default_rng(seed)
    n, half = 100, 50
    losses = rng.uniform(0.0, 3.0, (n, experts))
    prior = np.full(experts, 1 / experts)
    path = fixed_share(losses, prior, share=share)
    mixture = -np.log((path[:-1] * np.exp(-losses)).sum(axis=1)).sum()
    best = losses[:half].sum(axis=0).min() + losses[half:].sum(axis=0).min()
    stay = (n - 1) * -np.log(1 - share + share / experts)
    assert mixture <= best + np.log(experts) + stay - np.log(share / experts) + 1e-9
    assert np.allclose(path.sum(axis=1), 1.0)


def units(n, seed=0, turn=None, experts=3):
    """Log losses of experts and, last, of their blend; the first is best until the turn."""
    rng = np.random.default_rng(seed)
    right = rng.random((n, experts)) < np.array([0.9, 0.6, 0.7])[:experts]
    if turn is not None:
        right[turn:, 0] = rng.random(n - turn) < 0.2
    p = np.where(right, 0.85, 0.15)
    losses = -np.log(np.column_stack([p, p @ np.array([0.8, 0.1, 0.1])[:experts]]))
    place = np.arange(n)
    return Units(place * 10, place + 7, place % 2, losses)


def track(own=(False, True, True)):
    return Track.begun(("a", "b", "c"), np.array([0.8, 0.1, 0.1]), np.array(own), "00" * 16)


@given(st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_labels_in_any_order_and_any_number_of_calls_give_the_same_track(random, calls):
    whole = units(300, turn=200)
    order = list(range(300))
    random.shuffle(order)
    once, many = track().with_units(whole, whole.key), track()
    for part in np.array_split(np.array(order), calls):
        many = many.with_units(whole.take(part), whole.key[part])
    assert np.array_equal(once.weights, many.weights)
    assert [a[:3] for a in once.alarms()] == [a[:3] for a in many.alarms()]
    assert np.array_equal(once.used, many.used)


def test_a_corrected_label_takes_the_place_of_the_first():
    whole = units(100)
    wrong = whole._replace(losses=whole.losses[:, ::-1].copy())
    found = track().with_units(wrong.take(np.arange(50)), whole.key[:50]).with_units(whole, whole.key)
    assert np.array_equal(found.weights, track().with_units(whole, whole.key).weights)


def test_weights_leave_who_went_wrong_and_come_back():
    weights = [track().with_units(units(n, turn=300), np.arange(n)).weights for n in (300, 500)]
    assert weights[0][0] > 0.7 > 0.2 > weights[1][0]
    for found in weights:
        assert found.sum() == pytest.approx(1.0)


def test_a_change_is_found_where_it_was_and_once():
    found = track().with_units(units(2000, turn=1200), np.arange(2000)).alarms()
    assert {alarm.watched for alarm in found} == {"loss", "gain"}
    for alarm in found:
        assert 1050 <= alarm.since <= 1250
        assert 1200 <= alarm.unit <= (1300 if alarm.watched == "loss" else 1800)
        assert alarm.after > alarm.before
    assert not track().with_units(units(4000), np.arange(4000)).alarms()


def test_a_loss_that_falls_is_no_alarm():
    assert not watched("loss", np.repeat([0.8, 0.2], 500))


def test_where_no_member_uses_a_source_its_gain_is_not_watched():
    found = track((True,) * 3).with_units(units(2000, turn=1200), np.arange(2000)).alarms()
    assert [alarm.watched for alarm in found] == ["loss"]


def test_what_is_no_longer_kept_still_weighs():
    n = 2 * KEPT + 1
    long = track().with_units(units(n, turn=n - 100), np.arange(n))
    assert len(long.units.key) == KEPT
    assert long.gone == units(n).moment[-KEPT - 1]
    again = fixed_share(units(n, turn=n - 100).losses, long.prior)
    assert np.allclose(long.path[-1], again[-1], rtol=1e-12)


def test_a_track_rests_as_data():
    found = track().with_units(units(100), np.arange(100))
    again = restore(found.state())
    assert np.array_equal(again.weights, found.weights)
    assert again.gone is None
    assert restore(track().state()).units.losses.shape == (0, 4)
