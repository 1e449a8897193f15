"""The page of a forecast: the largest series, the end of their history, what is expected after it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

import xbsql
from xbsql.cli import main
from xbsql.pages.fan import fan_charts, fans_of
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.series import Series
from xbsql.session.forecast import SeriesForecast

WEEKS = Frequency("W-MON", "second", 7 * 86_400, 4 * 86_400)
STATUS = ("ok",) * 4
FIRST = 2817
"""The week of 2024-01-01."""


def told(frequency=WEEKS):
    """Four series: 60 periods, two, one of which nothing can be said, and one without history."""
    y, offsets = np.arange(65.0), np.array([0, 60, 62, 65, 65])
    start = np.array([FIRST, FIRST, FIRST, FIRST + 60])
    series = Series(("a", "b", "c", "d"), y, offsets, start, frequency, STATUS)
    yhat = np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0], [np.nan] * 3, [1.0, 2.0, 3.0]])
    return SeriesForecast(series, pa.array(series.names), yhat, yhat - 1, yhat + 1, STATUS)


def test_a_fan_is_the_end_of_the_history_and_the_steps_after_it():
    fan = fans_of(told(), 2, last=52)[1]
    assert (fan.title, len(fan.ds), fan.y[-1]) == ("a", 52, 59.0)
    days = [str(day)[:10] for day in (fan.ds[-1], *fan.ahead)]
    assert days == ["2025-02-17", "2025-02-24", "2025-03-03", "2025-03-10"]
    assert [list(ends) for ends in (fan.yhat, fan.lo, fan.hi)] == [[1, 2, 3], [0, 1, 2], [2, 3, 4]]


def test_periods_that_are_counted_stay_counts():
    fan = fans_of(told(Frequency("I", "count", 1)), 1)[0]
    assert list(fan.ahead) == [FIRST + 2, FIRST + 3, FIRST + 4]


@pytest.mark.parametrize("most", [1, 2, 4, 9])
def test_the_largest_come_first_and_each_gets_a_panel_also_one_without_history_or_forecast(most):
    shown = fan_charts(fans_of(told(), most))
    assert re.findall("<figcaption>(.*?)</figcaption>", shown) == ["b", "a", "d", "c"][:most]
    assert shown.count("<svg role='img' aria-label='") == shown.count("</svg>") == min(most, 4)
    assert "aria-label='b: last 61, then 12 expected in 3 periods'" in shown


def test_home_is_drawn_at_the_level_of_the_series():
    weeks, none = np.array([FIRST, FIRST + 10]), np.array([0, 61, 70])
    home = Series(("a", "z"), np.full(70, 2.0), none, weeks, WEEKS, ("ok",) * 2)
    b, a = fans_of(told(), 2, home=home)
    assert len(a.home) == len(a.ds) + 3
    assert np.nanmean(a.home[:52]) == pytest.approx(a.y.mean())
    assert np.isfinite(a.home[:53]).all()
    assert np.isnan(a.home[53:]).all()
    assert b.home[:2].sum() == pytest.approx(b.y.sum())
    assert "home, at this level" in fan_charts([a])
    assert "home, at this level" not in fan_charts(fans_of(told(), 2))


def test_a_page_is_written_from_the_command_line(tmp_path, capsys):
    shop, page = str(tmp_path / "shop.duckdb"), tmp_path / "outlook.html"
    with xbsql.connect(shop) as con:
        con.execute(
            """CREATE TABLE sales AS SELECT 'sku ' || s AS sku, DATE '2024-01-01' + 7 * w::INTEGER AS week,
               CASE WHEN w < 60 THEN s * (4 + w % 3) * (1 + (w % 5 = 1)::INTEGER) END AS units,
               w % 5 = 1 AS promoted FROM range(1, 4) t(s), range(62) u(w)"""
        )
        options = "{'id': 'sku', 'ts': 'week', 'horizon': 2}"
        con.sql(f"CALL xb.fit('demand', sales, 'units', options := {options})").fetchall()
    drawn = ["forecast", "demand", "sales", shop, "--horizon", "2", "--page", str(page)]
    assert main(drawn) == 0
    assert "the next 2 periods of 3 series" in page.read_text()
    assert main([*drawn, "--home", "sales"]) == 0
    assert "home, at this level" in page.read_text()
    assert "known in advance" not in page.read_text()
    assert main([*drawn, "--known", "promoted"]) == 0
    assert "known in advance" in page.read_text()
    asked = ["report", shop, "demand", "--table", "sales", "--page", str(page)]
    assert main([*asked, "--known", "promoted"]) == 0
    assert "known in advance" in page.read_text()
    assert main([*drawn, "--calendar", "US"]) == 0
    assert "the calendar" in page.read_text() or "known in advance" in page.read_text()
    assert main([*drawn, "--known", "promo"]) == 1
    assert "no column 'promo'" in capsys.readouterr().err
    assert main(["report", shop, "demand", "--known", "promoted"]) == 1
    assert "--known is given without --table" in capsys.readouterr().err
    assert main(["forecast", "demnad", "sales", shop]) == 1
    assert "xbsql forecast: no model 'demnad'" in capsys.readouterr().err
    assert main(["forecast", "demand", "sales", shop, "--horizon", "0"]) == 1
    assert "xbsql forecast: horizon is 0" in capsys.readouterr().err
