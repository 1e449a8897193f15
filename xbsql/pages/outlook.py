"""What a model expects of a table of series, as a page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xbsql.pages.chart import svg
from xbsql.pages.fan import fan_chart, fans_of
from xbsql.pages.page import page, table
from xbsql.session import forecast as forecasts

if TYPE_CHECKING:
    import pyarrow as pa

    from xbsql.session.session import Session

MOST_DRAWN = 12


def outlook(session: Session, model: str, rows: pa.Table, asked: forecasts.ForecastCall) -> str:
    """One HTML page: the series of which most is expected, drawn, and how many have which status.

    Args:
        session: where the model is.
        model: of the task 'forecast'.
        rows: its series, in columns named as those that it was fitted on.
        asked: how far, how sure, with which sums.

    Raises:
        XbsqlError: as `forecasts.forecast`.
    """
    where = "xbsql forecast"
    asked.check(where)
    fitted = forecasts.forecaster(session, where, model)
    told = forecasts.told(where, fitted, rows, fitted.columns, asked)
    fans = fans_of(told, MOST_DRAWN)
    lead = f"What {model} expects of the next {asked.horizon} periods of {len(told.series)} series."
    sections = [
        ("The largest series", svg(fan_chart(fans, asked.level))),
        ("What there is to say of all", table(("status", "series"), Counter(told.status).most_common())),
    ]
    return page(f"xbsql: {model}", lead, sections)
