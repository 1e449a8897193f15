"""Pages that a person looks at: the report of models, and that of markets."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.pages import report as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Flag, Given, Listed, Name, Names, Rows, Text
from xbsql.surface.decisions import Facts, Rates
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
    curves: Annotated[
        Flag, "true draws what more labels bring (xb.label_curve), which takes as long as twenty transfers"
    ] = False,
    home: Annotated[
        pa.Table | None,
        Rows(optional=True),
        "home's series, in columns of the same names as `tbl`: forecasts are drawn beside them",
    ] = None,
    known: Annotated[
        Names, "columns of `tbl` that a forecast knows in advance; their future is rows without a value"
    ] = None,
) -> list[dict[str, Any]]:
    """Write one page that a manager reads: of each model the verdict with its arms and intervals, what the
    blend is made of and what the notes say; with `tbl` also what it looks at (SHAP), whether the rows have
    moved from those of the fit (xb.drift), which rows to label next (xb.suggest_labels) and, with `curves`,
    the score by number of labels; of a forecast the largest series with their fans, beside `home`'s of the
    same names (or where it has none all of them together) at the level of each, with closed days and those
    that something `known` moves. The file is whole: no script, no font and no request, at most 2 MB; it
    prints, and has a light and a dark face. 20,000 of the rows are looked at, of series all. A model that
    cannot be read has a card that says so.
    """
    return [run.written(session, models or [], tbl, path, curves=curves, home=home, known=known or ())]


@function(
    {"path": "VARCHAR", "markets": "BIGINT", "rows": "BIGINT", "bytes": "BIGINT"},
    example="WITH abroad AS (SELECT *, 'JP' AS market FROM orders_jp) FROM xb.market_report(orders_us, "
    "abroad, 'markets.html', columns := {'customer': 'customer_id', 'ts': 'ordered', 'amount': 'paid'}, "
    "home_market := 'US')",
)
def market_report(
    session: Session,
    home: Annotated[pa.Table, Rows(), f"the home market's sales, one row a line: {DATA}"],
    candidates: Annotated[pa.Table, Rows(), "the same of other markets, with a column that names the market"],
    path: Annotated[Name, "the HTML file that is written; one that is there is replaced"],
    columns: Annotated[Given, "as of xb.market_similarity: {'ts': 'ordered'}"] = None,
    home_market: Annotated[Text, "home's name; a country code brings language, money and holidays"] = None,
    facts: Facts = None,
    rates: Rates = None,
    models: Annotated[list[str] | None, MODELS, "names of models that it says what to do next of"] = None,
) -> list[dict[str, Any]]:
    """Write one page that a manager reads before a shop goes abroad: what each market sold, to how many and
    for how much (also in home's money, with `rates`), which market is like home and by what evidence
    (xb.market_similarity), the last year's weeks with a fan of the next eight, a map of the ways there with
    the days that nine of ten parcels took (`days`, and the facts `lat` and `lon`, or `distance_km`), prices
    of each category beside home's, the best sold products that both have (xb.match) with their price gap,
    what the tables contradict each other in (xb.lint), and what to do next: columns, rates and facts that are
    missing; of each of `models` the rows to label and the columns that give the label away. What no column
    says is left out, and the page says which column it is. The file is whole: no script, no font and no
    request.
    """
    from xbsql.pages import market as run_market  # no connection loads the forecasts

    given = columns or {}, home_market, facts, rates, models or ()
    return [run_market.written(session, home, candidates, path, *given)]
