"""Pages that a person looks at: the report of models."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.pages import report as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Listed, Name, Rows
from xbsql.surface.function import function

MODELS = Listed(
    "VARCHAR[]", "Sequence[str] | None", (list, tuple), "names of models: ['days_de', 'days_jp']", (str,)
)


@function(
    {"path": "VARCHAR", "models": "BIGINT", "bytes": "BIGINT"},
    example="FROM xb.report(['days_home'], 'days.html', tbl := parcels)",
)
def report(
    session: Session,
    models: Annotated[list[str] | None, MODELS, "names of models, in the order of the page"],
    path: Annotated[Name, "the HTML file that is written; one that is there is replaced"],
    tbl: Annotated[
        pa.Table | None,
        Rows(optional=True),
        f"rows of the market, labelled or not: {DATA}; without it the page says less",
    ] = None,
) -> list[dict[str, Any]]:
    """Write one page that a manager reads: of each model the verdict with its arms and intervals, what the
    blend is made of and what the notes say; with `tbl` also what it looks at (SHAP), whether the rows have
    moved from those of the fit (xb.drift), and which rows to label next (xb.suggest_labels); of a forecast
    the largest series with their fans. The file is whole: no script, no font and no request, at most 2 MB; it
    prints, and has a light and a dark face. 20,000 of the rows are looked at. A model that cannot be read has
    a card that says so.
    """
    return [run.written(session, models or [], tbl, path)]
