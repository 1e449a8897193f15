"""Simulated trade: the same rows from the same seed, whole references, shifts that regression finds again."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import compute

from xbsql.errors import XbsqlError
from xbsql.sample import TRUTH, catalog, simulate
from xbsql.sample.simulator import BATCH, SCHEMAS, TABLES

MARKETS = [truth.market for truth in TRUTH.markets]


@pytest.mark.parametrize("table", TABLES)
def test_the_same_seed_gives_the_same_rows_and_another_seed_others(table):
    first, again = (simulate(2_000, seed=3).table(table) for _ in range(2))
    assert first.equals(again)
    assert not first.equals(simulate(2_000, seed=4).table(table))


@pytest.mark.parametrize("table", TABLES)
def test_any_batch_can_be_had_alone(table):
    world = simulate(250_000)
    streamed = list(world.batches(table, "US"))
    assert len(streamed) > (table != "customers") * 2
    last = len(streamed) - 1
    assert world.batch(table, "US", last).equals(streamed[last])
    with pytest.raises(IndexError, match=f"there are {len(streamed)}"):
        world.batch(table, "US", last + 1)


def test_every_batch_market_and_table_has_a_stream_of_its_own():
    twin = replace(TRUTH.home, market="DE")
    world = simulate(300_000, truth=replace(TRUTH, foreign=(twin,)))
    asked = [("US", 0), ("US", 1), ("DE", 0)]
    drawn = [world.batch("orders", market, number)["weight_kg"] for market, number in asked]
    assert len({tuple(weights.to_pylist()[:100]) for weights in drawn}) == 3
    joined = world.batch("customers", "US", 0)["distance_km"].to_numpy()[:40_000]
    ordered = world.batch("orders", "US", 0)["weight_kg"].to_numpy()[:40_000]
    assert abs(np.corrcoef(np.log(joined), np.log(ordered))[0, 1]) < 0.02


@pytest.mark.parametrize("table", TABLES)
def test_a_hundred_million_rows_stream_in_batches_of_one_size(table):
    world = simulate(100_000_000)
    started = list(itertools.islice(world.batches(table), 2))
    assert all(0.99 * BATCH < batch.num_rows <= BATCH for batch in started)
    assert sum(world.rows("orders", market) for market in MARKETS) == 100_000_000
    assert world.batch("orders", "US", 1_200).num_rows == BATCH


@pytest.fixture(scope="module")
def world():
    simulation = simulate(200_000, seed=11)
    return {table: simulation.table(table) for table in TABLES}


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_their_schema_and_their_rows(world, table):
    simulation = simulate(200_000, seed=11)
    assert world[table].schema == SCHEMAS[table]
    assert world[table].num_rows == sum(simulation.rows(table, market) for market in MARKETS)
    assert all(column.null_count == 0 for column in world[table].columns)


@pytest.mark.parametrize(
    ("child", "parent", "key"),
    [
        ("orders", "customers", "customer_id"),
        ("shipments", "orders", "order_id"),
        ("orders", "catalog", "product_id"),
        ("sales", "catalog", "product_id"),
    ],
)
def test_every_reference_points_at_a_row_of_the_same_market(world, child, parent, key):
    parents = catalog() if parent == "catalog" else world[parent]
    if parent != "catalog":
        assert len(compute.unique(parents[key])) == parents.num_rows
    known = set(zip(parents[key].to_pylist(), parents["market"].to_pylist(), strict=True))
    assert set(zip(world[child][key].to_pylist(), world[child]["market"].to_pylist(), strict=True)) <= known


def test_a_shipment_is_as_far_and_as_heavy_as_its_order_says(world):
    orders = dict(
        zip(*(world["orders"][name].to_pylist() for name in ("order_id", "customer_id")), strict=True)
    )
    far = dict(
        zip(*(world["customers"][name].to_pylist() for name in ("customer_id", "distance_km")), strict=True)
    )
    sent = world["shipments"]
    told = [far[orders[order]] for order in sent["order_id"].to_pylist()]
    assert told == sent["distance_km"].to_pylist()
    assert sent["weight_kg"].to_pylist() == world["orders"]["weight_kg"].to_pylist()


def mapping(table, key, value):
    return dict(zip(table[key].to_pylist(), table[value].to_pylist(), strict=True))


def of_market(table, market):
    return table.filter(compute.equal(table["market"], market))


def array(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def fitted(target, *inputs):
    """Least squares with an intercept: (coefficients, their standard errors), intercept first."""
    matrix = np.column_stack([np.ones(len(target)), *inputs])
    solved, *_ = np.linalg.lstsq(matrix, target, rcond=None)
    noise = np.sum((target - matrix @ solved) ** 2) / (len(target) - matrix.shape[1])
    return solved, np.sqrt(noise * np.diag(np.linalg.inv(matrix.T @ matrix)))


@pytest.mark.parametrize("market", MARKETS)
def test_regression_finds_the_concept_shifts_again(world, market):
    truth, sent = TRUTH.market(market), of_market(world["shipments"], market)
    first, *others = truth.carriers
    carrier = array(sent, "carrier")
    is_other = [(carrier == name).astype(float) for name in others]
    thousands = array(sent, "distance_km") / 1000

    logs = (np.log(array(sent, "weight_kg")), np.log(thousands))
    found, error = fitted(np.log(array(sent, "freight_usd")), *logs, *is_other)
    base = truth.freight_base + TRUTH.carrier_freight[first]
    told = [base, truth.freight_weight, truth.freight_distance]
    told += [TRUTH.carrier_freight[name] - TRUTH.carrier_freight[first] for name in others]
    assert np.all(np.abs(found - told) < 4 * error)

    found, error = fitted(array(sent, "days"), thousands, array(sent, "sale_week").astype(float), *is_other)
    base = TRUTH.base_days + TRUTH.delay_days + truth.customs_days + TRUTH.carrier_days[first]
    told = [base, truth.days_per_1000_km, truth.peak_days]
    told += [TRUTH.carrier_days[name] - TRUTH.carrier_days[first] for name in others]
    assert np.all(np.abs(found - told) < 4 * error)


@pytest.mark.parametrize("market", MARKETS)
def test_covariate_shifts_are_as_told(world, market):
    truth, sent = TRUTH.market(market), of_market(world["shipments"], market)
    far = np.log(array(of_market(world["customers"], market), "distance_km"))
    assert np.median(far) == pytest.approx(
        np.log(truth.distance_km), abs=5 * truth.distance_spread / len(far) ** 0.5
    )
    assert far.std() == pytest.approx(truth.distance_spread, rel=0.15)
    for name, share in truth.carriers.items():
        assert np.mean(array(sent, "carrier") == name) == pytest.approx(share, abs=0.03)
    home = category_shares(of_market(world["orders"], "US"))
    there = category_shares(of_market(world["orders"], market))
    told = {name: home[name] * truth.favourites.get(name, 1.0) for name in home}
    for name, share in told.items():
        assert there[name] == pytest.approx(share / sum(told.values()), abs=0.02)


def category_shares(orders):
    names, counts = np.unique(array(orders, "category").astype(str), return_counts=True)
    return dict(zip(names, counts / counts.sum(), strict=True))


@pytest.mark.parametrize("market", MARKETS[1:])
def test_returns_are_label_shift_alone(world, market):
    """The rate is the market's own; what goes before a return looks the same in every market."""
    home, there = of_market(world["orders"], "US"), of_market(world["orders"], market)
    rate = TRUTH.market(market).return_rate
    assert array(there, "returned").mean() == pytest.approx(
        rate, abs=4 * (rate * (1 - rate) / len(there)) ** 0.5
    )
    for label, name in itertools.product([False, True], ["discount", "visits"]):
        ours, theirs = (array(t, name)[array(t, "returned") == label] for t in (home, there))
        spread = np.hypot(ours.std() / len(ours) ** 0.5, theirs.std() / len(theirs) ** 0.5)
        assert abs(ours.mean() - theirs.mean()) < 4 * spread
    discount, back = array(home, "discount"), array(home, "returned")
    assert discount[back].mean() > discount[~back].mean() + 0.1


@pytest.mark.parametrize("market", MARKETS)
def test_sales_show_season_sale_weeks_growth_and_elasticity(market):
    """Poisson regression by Newton's method, with a level of its own for every series."""
    truth = TRUTH.market(market)
    rows = simulate(4_000_000, seed=5).batch("sales", market, 0)
    price = np.log(array(rows, "price") / array(rows, "usual_price")).reshape(-1, 104)
    units, week = array(rows, "units").reshape(-1, 104).astype(float), np.arange(104)
    keep = units.sum(1) > 0
    of_year, units, price = week % 52 + 1, units[keep], price[keep]
    wave = 2 * np.pi * of_year / 52
    common = np.stack([np.cos(wave), np.sin(wave), np.isin(of_year, truth.sale_weeks), week / 52.0])
    inputs = np.concatenate([np.broadcast_to(common[:, None], (4, *units.shape)), price[None]])
    found = np.zeros(5)
    for _ in range(12):
        mean = np.exp(np.tensordot(found, inputs, 1))
        mean *= units.sum(1, keepdims=True) / mean.sum(1, keepdims=True)
        centred = inputs - (inputs * mean).sum(2, keepdims=True) / mean.sum(1)[None, :, None]
        curve = np.einsum("ist,jst,st->ij", centred, centred, mean)
        found = found + np.linalg.solve(curve, np.einsum("ist,st->i", centred, units - mean))
    error = np.sqrt(np.diag(np.linalg.inv(curve)))
    at = 2 * np.pi * truth.season_peak / 52
    told = [
        truth.season * np.cos(at),
        truth.season * np.sin(at),
        truth.sale_lift,
        truth.growth,
        truth.elasticity,
    ]
    assert np.all(np.abs(found - told) < 4 * error + 0.01 * np.abs(told))
    level = np.log(units.sum(1) / np.exp(np.tensordot(told, inputs, 1)).sum(1))
    assert level.mean() == pytest.approx(truth.demand, abs=4 * level.std() / len(level) ** 0.5)


def test_scale_shrinks_abroad(world):
    rows = [of_market(world["orders"], market).num_rows for market in MARKETS]
    assert rows == sorted(rows, reverse=True)
    assert rows == [round(200_000 * truth.share) for truth in TRUTH.markets]


def test_every_kind_of_shift_is_told_for_every_foreign_market():
    assert TRUTH.shifts("US") == ()
    every = {"covariate", "concept", "label", "seasonality", "scale"}
    for market in MARKETS[1:]:
        assert {shift.kind for shift in TRUTH.shifts(market)} == every
    customs = next(shift for shift in TRUTH.shifts("JP") if shift.parameter == "customs_days")
    assert (customs.home, customs.foreign, customs.what) == (0.0, 3.0, "mean days in customs")


def test_a_truth_of_one_s_own_makes_a_market_without_shift():
    twin = replace(TRUTH.home, market="DE")
    world = simulate(50_000, truth=replace(TRUTH, foreign=(twin,)))
    assert world.truth.shifts("DE") == ()
    home, there = (array(world.table("shipments", market), "days") for market in ("US", "DE"))
    assert home.mean() == pytest.approx(there.mean(), abs=0.1)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda: simulate(999), "simulate: rows is 999; give 1,000 to"),
        (lambda: simulate(1_000, seed=-1), "simulate: seed is -1; give 0 or more"),
        (lambda: simulate(1_000).batches("order"), r"no table 'order'; .* \(did you mean 'orders'\?\)"),
        (lambda: simulate(1_000).table("orders", "FR"), "no market 'FR'; there is US, DE, JP, CN"),
    ],
)
def test_a_mistake_is_one_clear_line(call, answer):
    with pytest.raises(XbsqlError, match=answer):
        call()


def test_a_reader_streams_into_arrow():
    reader = simulate(1_000).reader("orders", "JP")
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all().num_rows == 60


DOCUMENT = Path(__file__).parent.parent / "docs" / "simulator.md"


def shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items()) or "-"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"


def test_the_document_tells_the_truth():
    text = DOCUMENT.read_text(encoding="utf-8")
    told = {shift.parameter: shift.kind for market in MARKETS[1:] for shift in TRUTH.shifts(market)}
    for parameter, kind in told.items():
        values = " | ".join(shown(getattr(truth, parameter)) for truth in TRUTH.markets)
        assert f"| `{parameter}` | {kind} | {values} |" in text
    assert all(f"`{column}`" in text for schema in SCHEMAS.values() for column in schema.names)


def test_daily_markets_have_the_levels_closed_days_and_launches_that_they_say():
    from xbsql.sample.daily import simulate_daily

    world = simulate_daily(6, 400, seed=1, launches=2)
    days = np.arange(400)
    for market, orders in zip(world.markets, world.orders, strict=True):
        mean = market.mean(days)
        assert (orders[mean == 0] == 0).all()
        assert (orders[: market.launched] == 0).all()
        assert orders.sum() / mean.sum() == pytest.approx(1, abs=0.06)
    assert (simulate_daily(6, 400, seed=1, launches=2).orders == world.orders).all()
    same, other = (simulate_daily(3, 60, seed=2, alike=alike).markets for alike in (True, False))
    assert np.corrcoef(same[0].weekdays, same[-1].weekdays)[0, 1] > 0.8
    assert np.corrcoef(other[0].weekdays, other[-1].weekdays)[0, 1] < -0.8
    with pytest.raises(XbsqlError, match="markets is 1"):
        simulate_daily(1)
