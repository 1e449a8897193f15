"""What a model expects of a table of series, as a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.pages.fan import fan_charts, fans_of, tried_fans
from xbsql.pages.page import page, table
from xbsql.session import backtest as backtests
from xbsql.session import forecast as forecasts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from xbsql.session.session import Session
    from xbsql.tasks.forecast.forecaster import Forecaster

MOST_DRAWN = 12
ORIGINS = 3
"""Moments of the past from which the largest series is forecast anew."""


def outlook(
    session: Session,
    model: str,
    rows: pa.Table,
    asked: forecasts.ForecastCall,
    home: pa.Table | None = None,
    known: Sequence[str] = (),
) -> str:
    """One HTML page: the series of which most is expected, drawn, and how many have which status.

    Args:
        session: where the model is.
        model: of the task 'forecast'.
        rows: its series, in columns named as those that it was fitted on.
        asked: how far, how sure, with which sums.
        home: the series that it was carried from, in the same columns: drawn beside.
        known: columns that are known in advance; steps that they move are marked.

    Raises:
        XbsqlError: as `forecasts.forecast`.
    """
    where = "xbsql forecast"
    asked.check(where)
    fitted = forecasts.forecaster(session, where, model)
    told = forecasts.told(where, fitted, rows, fitted.columns._replace(known=tuple(known)), asked)
    beside = None if home is None else forecasts.beside(where, fitted, home)
    fans = fans_of(told, MOST_DRAWN, home=beside)
    lead = f"What {model} expects of the next {asked.horizon} periods of {len(told.series)} series."
    sections = [
        ("The largest series", fan_charts(fans, asked.level)),
        *_tried(fitted, told, asked),
        ("What it is made of", table(("method", "weight"), _members(fitted))),
        ("What there is to say of all", table(("status", "series"), Counter(told.status).most_common())),
    ]
    return page(f"xbsql: {model}", lead, sections)


def _members(model: Forecaster) -> list[tuple[str, str]]:
    """The methods of the blend and their weights, the largest first; names say what uses home."""
    weights = sorted(model.blend.weights.items(), key=lambda item: (-item[1], item[0]))
    return [(name, f"{weight:.0%}") for name, weight in weights]


def _tried(
    model: Forecaster, told: forecasts.SeriesForecast, asked: forecasts.ForecastCall
) -> list[tuple[str, str]]:
    """How the largest series would have been forecast; nothing where it is too short."""
    series = told.series
    rows = np.flatnonzero(series.lengths > asked.horizon)
    if not len(rows) or asked.rollup:
        return []
    total = np.nan_to_num(told.yhat.sum(axis=1)[rows])
    row = int(rows[total.argmax()])
    plain = replace(series, known=None).take(np.array([row]))
    origins = backtests.from_origins(model, plain, ORIGINS, asked.horizon, asked.level)
    drawn = tried_fans(plain, origins, 0)
    return [("How it would have forecast the largest", fan_charts(drawn, asked.level))] if drawn else []
