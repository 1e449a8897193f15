"""Which rows to label next: where the model is unsure, spread out, never twice, and a fair part at random."""

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as CLASSIFY
from xbsql.tasks.predict.task import TASK as PREDICT
from xbsql.tasks.suggest import RANDOM_SHARE, suggest


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
        con.register("done", world(20, 2))
        for query, message in (
            ("FROM xb.suggest_labels('m', t, n := 0)", "n is 0; give a whole number"),
            ("FROM xb.suggest_labels('m', t, by := 'shp')", "no column 'shp'.*mean 'shop'"),
            ("FROM xb.suggest_labels('m', done)", "every row has a label or no input; give rows"),
            ("FROM xb.suggest_labels('n', t)", "no model 'n'"),
        ):
            with pytest.raises(Exception, match=rf"xb\.suggest_labels: .*{message}"):
                con.sql(query).fetchall()
