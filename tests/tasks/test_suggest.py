"""Which rows to label next: where the model is unsure, spread out, never twice, and a fair part at random."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.errors import XbsqlError
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY
from xbsql.tasks.predict.task import TASK as PREDICT
from xbsql.tasks.suggest import RANDOM_SHARE, suggest, told


def world(rows, seed, kind="class"):
    """Two numbers decide the class or value; the noise is large on the right half."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (rows, 2))
    y = x[:, 1] + generator.normal(0, 0.05, rows)
    label = np.where(y > 0, "up", "down").tolist() if kind == "class" else y
    shop = np.where(generator.random(rows) < 0.2, "small", "large").tolist()
    return pa.table({"a": x[:, 0], "b": x[:, 1], "shop": shop, "y": label})


def without(table, rows):
    """The table without the labels of these rows."""
    shown = np.ones(len(table), bool)
    shown[rows] = False
    kept = [y if keep else None for y, keep in zip(table["y"].to_pylist(), shown, strict=True)]
    labels = pa.array(kept, table["y"].type)
    return table.set_column(table.column_names.index("y"), "y", labels)


@pytest.fixture(scope="module")
def homes():
    return {
        kind: road.fit(task, world(300, 0, kind), "y", market="US", options={})[0]
        for kind, task in (("class", CLASSIFY), ("value", PREDICT))
    }


@pytest.mark.parametrize("kind", ["class", "value"])
@pytest.mark.parametrize("n", [1, 7, 40])
def test_every_row_once_and_a_quarter_at_random(homes, kind, n):
    target = without(world(200, 1, kind), np.arange(50, 200))
    found = suggest(homes[kind], target, n)
    assert len(set(found.rows.tolist())) == n
    assert found.rows.min() >= 50
    assert found.drawn.sum() == np.ceil(RANDOM_SHARE * n)
    assert found.weight.mean() == pytest.approx(1.0)
    again = suggest(homes[kind], target, n)
    assert np.array_equal(found.rows, again.rows)
    assert not np.array_equal(np.sort(suggest(homes[kind], target, 40, seed=1).rows), np.sort(found.rows))


def test_the_unsure_rows_are_chosen_and_they_are_apart(homes):
    target = world(400, 2).drop_columns(["y"])
    found = suggest(homes["class"], target, 40)
    chosen = found.rows[~found.drawn]
    b = target["b"].to_numpy()
    assert np.abs(b[chosen]).mean() < 0.65 * np.abs(b).mean()
    a = np.sort(target["a"].to_numpy()[chosen])
    assert np.diff(a).max() < 0.5
    assert found.doubt[~found.drawn].mean() > 1.2 * np.nanmean(found.doubt[found.drawn])


def test_copies_of_a_labelled_row_are_not_asked_again(homes):
    one = world(1, 3)
    one = one.set_column(1, "b", pa.array([0.0]))
    others = without(world(60, 4), np.arange(60))
    copies = without(pa.concat_tables([one] * 60), np.arange(1, 60))
    found = suggest(homes["class"], pa.concat_tables([copies, others]), 20)
    assert (found.rows[~found.drawn] < 60).sum() <= 2


def test_weighted_labels_are_fair_to_the_market(homes):
    target = world(400, 5)
    b, means, raw = np.abs(target["b"].to_numpy()), [], []
    for seed in range(12):
        found = suggest(homes["class"], target.drop_columns(["y"]), 60, seed=seed)
        means.append(np.average(b[found.rows], weights=found.weight))
        raw.append(b[found.rows].mean())
    assert np.mean(means) == pytest.approx(b.mean(), abs=0.04)
    assert abs(np.mean(raw) - b.mean()) > 0.08


def test_markets_share_the_rows(homes):
    target = world(400, 6).drop_columns(["y"])
    shops = np.array(target["shop"].to_pylist())
    found = suggest(homes["class"], target, 80, by="shop")
    share = (shops[found.rows[~found.drawn]] == "small").mean()
    assert share == pytest.approx((shops == "small").mean(), abs=0.03)


def test_all_that_is_free_is_given(homes):
    target = without(world(30, 7), np.arange(5))
    found = suggest(homes["class"], target, 50)
    assert sorted(found.rows.tolist()) == [0, 1, 2, 3, 4]
    assert found.weight == pytest.approx(np.ones(5))


def test_sql_python_and_mistakes(tmp_path):
    with xbsql.connect(store=tmp_path) as con:
        xbsql.fit(con, "m", world(100, 0), "y")
        con.register("t", without(world(60, 1), np.arange(20, 60)))
        sql = con.sql("FROM xb.suggest_labels('m', t, n := 8)").to_arrow_table().to_pylist()
        assert sql == xbsql.suggest_labels(con, "m", "t", 8).to_pylist()
        assert [set(row) for row in sql] == [{"row", "part", "weight", "doubt"}] * 8
        assert min(row["row"] for row in sql) > 20
        con.register("named", con.sql("SELECT *, 'k' || row_number() OVER () AS k FROM t").to_arrow_table())
        named = con.sql("FROM xb.suggest_labels('m', named, n := 8, id := k)").to_arrow_table().to_pylist()
        assert [row["row"] for row in named] == [f"k{row['row']}" for row in sql]
        places = con.sql("FROM xb.suggest_labels('m', t, n := 8, id := NULL)").to_arrow_table().to_pylist()
        assert [int(row["row"]) for row in places] == [row["row"] for row in sql]
        con.register("done", world(20, 2))
        for query, message in (
            ("FROM xb.suggest_labels('m', t, n := 0)", "n is 0; give a whole number"),
            ("FROM xb.suggest_labels('m', t, by := 'shp')", "no column 'shp'.*mean 'shop'"),
            ("FROM xb.suggest_labels('m', done)", "every row has a label or no input; give rows"),
            ("FROM xb.suggest_labels('n', t)", "no model 'n'"),
        ):
            with pytest.raises(Exception, match=rf"xb\.suggest_labels: .*{message}"):
                con.sql(query).fetchall()


def labelled(table, found, weights):
    """The table with the labels of the suggested rows, and the column w of what they stand for."""
    shown = without(table, np.setdiff1d(np.arange(len(table)), found.rows))
    counts = np.full(len(table), np.nan)
    counts[found.rows] = weights
    return shown.append_column("w", pa.array(counts, from_pandas=True))


def test_what_is_measured_on_suggested_rows_is_what_the_market_gets(homes):
    noisy, away, biased = world(900, 8), [], []
    hard = np.abs(noisy["b"].to_numpy()) < 0.3
    lot = np.where(np.random.default_rng(0).random(900) < 0.5, "up", "down")
    y = pa.array(np.where(hard, lot, np.array(noisy["y"].to_pylist())).tolist())
    noisy = noisy.set_column(noisy.column_names.index("y"), "y", y)
    for seed in range(4):
        found = suggest(homes["class"], noisy.drop_columns(["y"]), 120, seed=seed)
        data = labelled(noisy, found, found.weight)
        options = {"weight": "w"}, {"ignore": ["w"]}
        for each, out in zip(options, (away, biased), strict=True):
            model, done = road.transfer(CLASSIFY, data, "y", base=homes["class"], options=each)
            rest = noisy.take(pa.array(np.setdiff1d(np.arange(900), found.rows)))
            truth = next(row["value"] for row in road.evaluate(CLASSIFY, model, rest, "y"))
            arm = next(arm for arm in done.verdict.arms if arm.name == "blend")
            out.append((arm.value - truth, arm.lo <= truth <= arm.hi))
            assert "w" not in model.reader.schema.names
    assert abs(np.mean([off for off, _ in away])) < 0.08
    assert np.mean([off for off, _ in biased]) < -0.12
    assert sum(held for _, held in away) >= 3


@pytest.mark.parametrize("kind", ["class", "value"])
def test_weights_that_are_all_alike_change_no_bit(homes, kind):
    task = CLASSIFY if kind == "class" else PREDICT
    table = world(80, 9, kind)
    alike = table.append_column("w", pa.array(np.full(80, 7)))
    bare, same = (
        road.transfer(task, data, "y", base=homes[kind], options=options)
        for data, options in ((table, {}), (alike, {"weight": "w"}))
    )
    assert bare[1].verdict == same[1].verdict
    assert bare[1].weights == same[1].weights
    assert np.array_equal(bare[1].held_out, same[1].held_out)


def test_a_value_s_interval_counts_what_the_labels_stand_for(homes):
    table = world(200, 10, "value")
    y, wild = table["y"].to_numpy(), np.arange(200) < 150
    y = np.where(wild, y + np.random.default_rng(1).normal(0, 3.0, 200), y)
    table = table.set_column(table.column_names.index("y"), "y", pa.array(y))
    radius = {}
    for name, counts in (("alike", np.ones(200)), ("calm", np.where(wild, 0.01, 1.0))):
        data = table.append_column("w", pa.array(counts))
        radius[name] = road.transfer(PREDICT, data, "y", base=homes["value"], options={"weight": "w"})[
            0
        ].radius
    assert radius["calm"].pooled < 0.7 * radius["alike"].pooled


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            pa.array([1.0, -2.0] * 20),
            "column 'w' of the option 'weight' holds -2; give finite numbers above 0",
        ),
        (pa.array([1.0, float("nan")] * 20), "holds nan; give finite"),
        (pa.array(["1", "2"] * 20), "column 'w' of the option 'weight' is string; give numbers"),
        (None, "no column for the option 'weight' 'w'"),
    ],
)
def test_weights_that_are_none_are_an_error(homes, weight, message):
    data = world(40, 11) if weight is None else world(40, 11).append_column("w", weight)
    with pytest.raises(XbsqlError, match=rf"xb\.transfer: .*{message}"):
        road.transfer(CLASSIFY, data, "y", base=homes["class"], options={"weight": "w"})


def test_a_label_tells_most_where_sure_members_name_different_classes():
    rows = np.array([[0.9, 0.1], [0.5, 0.5], [0.9, 0.1], [0.6, 0.4]])
    other = np.array([[0.1, 0.9], [0.5, 0.5], [0.9, 0.1], [0.4, 0.6]])
    weights = {"a": 0.5, "b": 0.5}
    found = told((rows + other) / 2, {"a": rows, "b": other}, weights)
    assert found.argmax() == 0
    assert found[3] > 0
    assert (found[1:3] == 0).all()
    assert (told(rows, {}, {}) == 0).all()


def test_a_column_of_weights_that_home_has_too_is_read_on_neither_side():
    home = world(120, 12).append_column("w", pa.array(np.linspace(1.0, 2.0, 120)))
    target = world(40, 13).append_column("w", pa.array(np.linspace(1.0, 2.0, 40)))
    model, done = road.transfer(CLASSIFY, target, "y", source=home, options={"weight": "w"}, method="source")
    assert "w" not in model.reader.schema.names
    assert not any("lacks 'w'" in note for note in done.verdict.notes)


def test_a_column_of_weights_that_the_home_model_reads_is_an_error(homes):
    message = "the home model reads column 'a', which the option 'weight' names"
    with pytest.raises(XbsqlError, match=message):
        road.transfer(CLASSIFY, world(90, 4), "y", base=homes["class"], options={"weight": "a"})


def test_a_label_curve_counts_weights_and_refuses_none(homes):
    con = xbsql.connect()
    rows = world(80, 5)
    xbsql.fit(con, "home", world(200, 6), "y")
    low = pa.array(np.where(np.array(rows["y"].to_pylist()) == "up", 1.0, 9.0))
    weighed = rows.append_column("w", low)

    def first(table, options):
        found = xbsql.label_curve(con, "home", table, options=options).to_pylist()
        return next(row["value"] for row in found if (row["labels"], row["arm"]) == (0, "source only"))

    with pytest.raises(XbsqlError, match="no column for the option 'weight' 'nope'"):
        first(weighed, {"weight": "nope"})
    model = xbsql.predict_table(con, "home", rows)
    right = np.array(model["predicted"].to_pylist()) == np.array(rows["y"].to_pylist())
    assert first(weighed, {"weight": "w"}) == pytest.approx(np.average(right, weights=low.to_numpy()))
    con.close()
