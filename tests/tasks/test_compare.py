"""Two markets side by side: equal ones are alike, what moved is named, weights find the target's kind."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.tasks.compare import METHODS, similarity, weights


def market(n, seed, *, moved=0.0, sea=0.3):
    rng = np.random.default_rng([seed, n])
    return pa.table(
        {
            "weight": rng.normal(moved, 1.0, n),
            "mode": rng.choice(["sea", "air", "road"], n, p=[sea, 0.7 - sea / 2, 0.3 - sea / 2]),
            "day": np.datetime64("2025-01-01") + rng.integers(0, 365, n).astype("timedelta64[D]"),
            "height": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.1),
        }
    )


def values(rows):
    return {(row["measure"], row["column"]): row["value"] for row in rows}


def test_equal_markets_are_alike():
    found = values(similarity(market(800, 0), market(800, 1)))
    assert found["proxy_a", None] < 0.25
    assert abs(found["mmd2", None]) < 0.01
    assert max(v for (measure, _), v in found.items() if measure in ("ks", "total_variation")) < 0.12


def test_the_column_that_moved_comes_first():
    rows = similarity(market(500, 0), market(500, 1, moved=1.5, sea=0.5))
    assert [row["column"] for row in rows[:4]] == [None, None, "weight", "mode"]
    found = values(rows)
    assert found["proxy_a", None] > 0.8
    assert found["mmd2", None] > 0.03
    assert found["ks", "weight"] == pytest.approx(0.55, abs=0.08)
    assert found["total_variation", "mode"] == pytest.approx(0.2, abs=0.07)


@pytest.mark.parametrize(("share", "value"), [(0.0, 0.0), (1.0, 1.0), (0.25, 0.25)])
def test_total_variation_is_the_share_that_would_have_to_change(share, value):
    here = pa.table({"mode": ["a"] * 100, "x": np.arange(100.0)})
    there = pa.table(
        {"mode": ["b"] * int(100 * share) + ["a"] * int(100 - 100 * share), "x": np.arange(100.0)}
    )
    assert values(similarity(here, there))["total_variation", "mode"] == pytest.approx(value)


def test_nulls_that_one_market_has_more_of_are_said():
    rows = market(200, 1)
    rows = rows.set_column(0, "weight", pa.array(rows["weight"].to_numpy(), mask=np.arange(200) < 100))
    assert values(similarity(market(200, 0), rows))["missing", "weight"] == pytest.approx(0.5)


def test_text_is_compared_by_its_meaning():
    def titles(words, n):
        return pa.table({"title": [f"{words[i % len(words)]} number {i}" for i in range(n)]})

    shirts, pots = ["red cotton shirt", "blue linen shirt"], ["steel cooking pot", "iron frying pan"]
    same = values(similarity(titles(shirts, 60), titles(shirts, 60)))
    other = values(similarity(titles(shirts, 60), titles(pots, 60)))
    assert other["mmd2", "title"] > same["mmd2", "title"] + 0.1
    assert other["proxy_a", None] > 1.5


@pytest.mark.parametrize("method", METHODS)
def test_rows_that_look_like_the_target_weigh_more(method):
    source = market(400, 0)
    found = weights(source, market(300, 1, moved=1.0), method)
    assert found.shape == (400,)
    assert found.mean() == pytest.approx(1.0)
    assert found.min() >= 0
    heavy = source["weight"].to_numpy()
    assert np.corrcoef(heavy, found)[0, 1] > 0.4
    assert found @ heavy / found.sum() > heavy.mean() + 0.4


def test_a_label_that_only_home_has_is_no_difference():
    labelled = market(200, 0).append_column("late", pa.array([True, False] * 100))
    unlabelled = market(200, 1).append_column("late", pa.nulls(200, pa.bool_()))
    assert ("total_variation", "late") not in values(similarity(labelled, unlabelled))


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        ({"columns": ["wieght"]}, {}, "no column 'wieght'; one of the tables has .*did you mean 'weight'"),
        (
            {},
            {"names": ["a", "b", "c", "d"]},
            "no column has values in both: weight, mode, day, height in the",
        ),
        ({}, {"rows": 3}, "the target has 3 rows; give 6 rows or more"),
        (
            {},
            {"weight": pa.array(["x"] * 50)},
            "column 'weight' is double in the source and string in the target",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(change, given, message):
    source, target = market(50, 0), market(50, 1)
    if "names" in given:
        target = target.rename_columns(given["names"])
    if "weight" in given:
        target = target.set_column(0, "weight", given["weight"])
    target = target.slice(0, given.get("rows", 50))
    for run in (similarity, lambda *two, **more: weights(*two, "ulsif", **more)):
        with pytest.raises(XbsqlError, match=message) as caught:
            run(source, target, **change)
        assert "\n" not in str(caught.value)


def test_an_unknown_method_is_named():
    with pytest.raises(XbsqlError, match=r"no method 'ulsiff'.*'ulsif'"):
        weights(market(50, 0), market(50, 1), "ulsiff")
