"""Without labels nothing is measured, and yet a number is given under its own name."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xbsql.pages.card import card
from xbsql.sample import catalog
from xbsql.session.cards import arm_rows, verdict_card
from xbsql.tasks import road
from xbsql.tasks.classify.task import TASK as classify


def titles(market, half=None):
    found = catalog().filter(pc.field("market") == market).sort_by("product_id")
    if half is not None:
        found = found.filter(pa.array(np.arange(found.num_rows) % 2 == half))
    return found.select(["title", "category"])


def hidden(table):
    return table.set_column(1, "category", pa.nulls(table.num_rows, pa.string()))


@pytest.fixture(scope="module")
def home():
    return road.fit(classify, titles("US", 0), "category")[0]


def test_products_that_home_does_not_sell(home):
    target = titles("ES", 1)
    model, found = road.transfer(classify, hidden(target), "category", base=home)
    truth = {row["metric"]: row["value"] for row in road.evaluate(classify, model, target, "category")}
    (arm,) = [arm for arm in found.verdict.arms if arm.value is not None]
    assert (arm.name, found.verdict.outcome, found.verdict.basis) == ("ESTIMATED", "NOT MEASURED", "prior")
    assert arm.lo <= truth["accuracy"] <= arm.hi
    shown = card("Spain", arm_rows(verdict_card(found.verdict), found.weights))
    assert "NOT MEASURED" in shown
    assert f"ESTIMATED    {'#' * round(24 * arm.value)}" in shown


def test_the_home_catalogue_listed_abroad_has_two_figures(home):
    found = road.transfer(classify, hidden(titles("ES", 0)), "category", base=home)[1]
    told = {arm.name: arm.value for arm in found.verdict.arms if arm.value is not None}
    assert told["ESTIMATED"] < told["ESTIMATED, home catalogue"]
    assert {"target only", "source only", "blend"} <= {arm.name for arm in found.verdict.arms}
