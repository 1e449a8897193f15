from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from xbsql.errors import XbsqlError
from xbsql.report.chart import svg
from xbsql.report.fan import fan_chart, fans_of

WEEKS = [dt.date(2024, 1, 1) + dt.timedelta(7 * i) for i in range(70)]
HISTORY = pa.table(
    {"series": ["a"] * 60 + ["b"] * 2, "ds": WEEKS[:60] + WEEKS[:2], "y": [float(i) for i in range(62)]}
)
FORECAST = pa.table(
    {
        "series": ["a"] * 3 + ["b"] * 3 + ["c"] * 3,
        "step": [3, 1, 2] * 3,
        "ds": [WEEKS[62], WEEKS[60], WEEKS[61]] * 3,
        "yhat": [3.0, 1.0, 2.0] * 2 + [None] * 3,
        "lo": [2.0, 0.0, 1.0] * 2 + [None] * 3,
        "hi": [4.0, 2.0, 3.0] * 2 + [None] * 3,
    }
)


def test_a_fan_is_the_end_of_the_history_and_the_steps_in_order():
    fan = fans_of(HISTORY, FORECAST, ["a"], last=52)[0]
    assert (fan.title, len(fan.ds), fan.ds[-1], fan.y[-1]) == ("a", 52, WEEKS[59], 59.0)
    assert (fan.ahead, fan.yhat, fan.lo, fan.hi) == (WEEKS[60:63], [1, 2, 3], [0, 1, 2], [2, 3, 4])


@pytest.mark.parametrize("series", [["a"], ["a", "b"], ["a", "b", "c", "a"]])
def test_every_series_gets_a_panel_also_one_without_history(series):
    figure = fan_chart(fans_of(HISTORY, FORECAST, series))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == series
    assert svg(figure).startswith("<svg")


def test_a_series_that_was_not_forecast():
    with pytest.raises(XbsqlError, match="no series 'z'; the forecast has a, b, c"):
        fans_of(HISTORY, FORECAST, ["z"])
