"""What stands beside the text: levels, what they say, and that absence says nothing."""

import numpy as np
import pyarrow as pa
import pytest

from xbsql.linking.evidence import weighed
from xbsql.linking.fields import ABSENT, Gtins, Numbers, Words, read


def pairs(count, seed=0):
    """Rows k and count + k are one product; likely pairs and as many that are none."""
    rng = np.random.default_rng(seed)
    i = np.concatenate([np.arange(count), np.arange(count)])
    j = count + np.concatenate([np.arange(count), rng.permutation(count)])
    odds = np.where(j - count == i, 3.0, -3.0)
    return i, j, np.zeros(2 * count, np.int64), odds, np.ones(2 * count, np.bool_)


def said(field, count=200):
    i, j, between, odds, told = pairs(count)
    found = weighed({"it": field}, i, j, between, odds, told)
    return found.says[:, 0], found.levels[:, 0], j - count == i


def test_agreement_speaks_for_and_difference_against_one_product():
    brands = [f"brand {k % 20}" for k in range(200)]
    says, levels, same = said(Words.of(pa.array([*brands, *(b.upper() for b in brands)])))
    assert (levels[same] == 0).all()
    assert says[same].min() > 1
    assert says[~same & (levels == 2)].max() < -1


def test_a_rare_brand_says_more():
    brands = ["house" if k % 2 else f"brand {k}" for k in range(200)]
    says, _, same = said(Words.of(pa.array(brands * 2)))
    common = np.array([k % 2 == 1 for k in range(200)] * 2)
    assert says[same & ~common].min() > says[same & common].max() + 1


@pytest.mark.parametrize("missing", [None, "n/a", "", "unknown", "-"])
def test_a_missing_brand_says_nothing(missing):
    says, levels, _ = said(Words.of(pa.array(["Aurora"] * 200 + [missing] * 200)))
    assert (says == 0).all()
    assert (levels == ABSENT).all()


def test_what_is_noise_says_nearly_nothing():
    rng = np.random.default_rng(1)
    says, _, _ = said(Words.of(pa.array([f"colour {k}" for k in rng.integers(0, 4, 400)])))
    assert np.abs(says).max() < 1.5


@pytest.mark.parametrize("factor", [1.0, 157.0, 0.0031])
def test_prices_are_compared_up_to_currency_and_tax(factor):
    rng = np.random.default_rng(2)
    prices = np.exp(rng.normal(3, 1, 200))
    both = np.concatenate([prices, prices * factor * np.exp(rng.normal(0, 0.03, 200))])
    says, _, same = said(Numbers.of(pa.array(both), scaled=True))
    assert np.median(says[same]) > 1
    assert np.median(says[~same]) < -1


@pytest.mark.parametrize("price", [0.0, -1.0, 9999.0, 9999.99, 99999.0, float("nan"), float("inf"), None])
def test_placeholders_are_no_prices(price):
    levels = said(Numbers.of(pa.array([10.0] * 200 + [price] * 200, pa.float64()), scaled=True))[1]
    assert (levels == ABSENT).all()


def test_a_currency_that_nobody_can_tell_says_nothing():
    field = Numbers.of(pa.array([10.0, 10.0, 1570.0, 1570.0]), scaled=True)
    i, j, between, odds, told = pairs(2)
    assert (weighed({"price": field}, i, j, between, odds, told).says == 0).all()


def test_a_number_that_too_many_rows_have_is_none():
    market = np.repeat([0, 1], 30)
    field = Gtins.of(pa.array(["4006381333931"] * 60), market)
    assert len(field.sharing(market)[0]) == 0
    few = Gtins.of(pa.array(["4006381333931", "96385074"] * 2), np.array([0, 0, 1, 1]))
    assert [ends.tolist() for ends in few.sharing(np.array([0, 0, 1, 1]))] == [[0, 1], [2, 3]]


def test_own_columns_are_read_by_their_type():
    beside = pa.array(
        [{"colour": "red", "weight": 1.5, "vegan": True, "photo": [1.0, 0.0], "nothing": None}] * 2
    )
    found = read("test", beside, np.array([0, 1]))
    assert sorted(found) == ["colour", "photo", "vegan", "weight"]
    one = np.array([0]), np.array([1]), np.array([0]), np.array([0.5])
    assert {name: int(field.compared(*one)[0][0]) for name, field in found.items()} == dict.fromkeys(found, 0)


@pytest.mark.parametrize(
    "alike",
    [pa.array([7.5] * 24), pa.array([True] * 24), pa.array(["EUR"] * 24), pa.array([[0.6, 0.8]] * 24)],
    ids=["number", "boolean", "text", "vector"],
)
def test_what_all_rows_have_alike_says_nothing_in_a_small_table(alike):
    """Twelve likely pairs are fewer than those that the start stands for."""
    beside = pa.StructArray.from_arrays([alike], ["it"])
    i, j = np.divmod(np.arange(144), 12)
    odds = np.where(i == j, 3.0, -3.0)
    field = read("here", beside, np.repeat([0, 1], 12))["it"]
    says = weighed({"it": field}, i, 12 + j, np.zeros(144, np.int64), odds, np.ones(144, np.bool_)).says
    np.testing.assert_allclose(says, 0.0, atol=0.01)


def test_vectors_that_hold_no_number_say_nothing():
    held = pa.array([[float("nan"), 1.0], [1e300, 1.0], [0.0, 0.0], None, [3.0, 4.0]])
    found = read("here", pa.StructArray.from_arrays([held], ["it"]), np.zeros(5, np.int64))["it"]
    assert found.there.tolist() == [False, False, False, False, True]
    np.testing.assert_allclose(found.unit, [[0, 0]] * 4 + [[0.6, 0.8]])
