"""Recommendations: what users want next, and what goes with what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa

from xbsql import errors
from xbsql.recommendation.wanted import Wanted
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Flag, KeptOnce, Model, Name, Rows, Share, Text, Whole
from xbsql.surface.checks import as_array, named
from xbsql.surface.function import Columns, Like, function

if TYPE_CHECKING:
    Found = list[dict[str, Any]]

EACH: Columns = {"item": "VARCHAR", "score": "DOUBLE", "rank": "INTEGER", "because": "VARCHAR"}
SIMILAR: Columns = {"similar": "VARCHAR", "score": "DOUBLE", "rank": "INTEGER"}
ROWS = Rows(order="", empty=True)
Most = Annotated[Whole, "how many; fewer come back only where fewer items match"]
Filter = Annotated[
    Any,
    KeptOnce("a list", table=False),
    "the items that may come back, e.g. (SELECT list(sku) FROM stock WHERE ships_to = 'JP'); NULL, which is "
    "what list() makes of no row, lets nothing through",
]


def _recommend(
    session: Session, *, model: Name, k: Whole, exclude_seen: Flag, diversity: Share, filter: Text = None,
    users: Annotated[pa.Table, ROWS],
) -> pa.Table:  # fmt: skip
    from xbsql.session import recommend as run

    wanted = Wanted(k, exclude_seen, diversity)
    user, history, candidates = (users[name].combine_chunks() for name in ("user", "history", "candidates"))
    return run.recommend(session, model, run.Asked(user, history, candidates, _told(filter), wanted))


@function(
    {"user": Like("users", "user"), **EACH},
    example="FROM xb.recommend('wants_jp', visitors_jp, customer, k := 3) LIMIT 3",
    handler=_recommend,
    travels={"place": "BIGINT", **EACH},
)
def recommend(
    session: Session,
    model: Model,
    users: Annotated[pa.Table, ROWS, f"one row a user: {DATA}"],
    user: Annotated[str, ColumnOf(), "who, any type; 7 and '7' are one user"],
    k: Most = 10,
    exclude_seen: Annotated[Flag, "leave out what a user has"] = True,
    history: Annotated[
        str | None,
        ColumnOf(python="str | None"),
        "a list of items that a user has, in place of those that the model knows",
    ] = None,
    candidates: Annotated[
        str | None, ColumnOf(python="str | None"), "a list of items a user, among which to choose"
    ] = None,
    filter: Filter = "*",
    diversity: Annotated[
        Share, "0 to below 1: how much an item loses by being like one before it, 0 nothing"
    ] = 0.0,
) -> pa.Table:
    """The k items that each user wants next, best first. Without `candidates` and `filter` they are
    those that the model's market has bought. `score` is 1 where every method of the model puts an item
    first, and `because` says which of the user's own items it is nearest to. A user whom the model does
    not know, and whose history is not given, gets what is popular. Items that the model does not know
    come last, where fewer than k others are left, with score 0 and `because` NULL. Rows without user
    and history are left out; an empty list of candidates gives no row. Items are text. Of equal scores
    the more popular one comes first.
    """
    from xbsql.session import recommend as run

    where, names = "xb.recommend", users.column_names
    who, past, among = (
        None if name is None else users[named(where, names, name)].combine_chunks()
        for name in (user, history, candidates)
    )  # fmt: skip
    asked = run.Asked(who, past, among, _listed(where, filter), Wanted(k, exclude_seen, diversity))
    return _beside("user", users, user, run.recommend(session, model, asked))


def _similar(
    session: Session, *, model: Name, k: Whole, filter: Text = None, items: Annotated[pa.Table, ROWS]
) -> pa.Table:
    from xbsql.session import recommend as run

    return run.similar_items(session, model, items["item"].combine_chunks(), k, _told(filter))


@function(
    {"item": Like("items", "item"), **SIMILAR},
    example="FROM xb.similar_items('wants_jp', baskets_jp, product, k := 2) LIMIT 3",
    handler=_similar,
    travels={"place": "BIGINT", **SIMILAR},
)
def similar_items(
    session: Session,
    model: Model,
    items: Annotated[pa.Table, ROWS, f"one row an item: {DATA}"],
    item: Annotated[str, ColumnOf(), "what, any type"],
    k: Most = 10,
    filter: Filter = "*",
) -> pa.Table:
    """The k items that the same users have most, best first: the cosine of who has them, over all
    markets of the model, drawn to 0 where few have them. Without `filter` they are those that the
    model's market has bought. An item that is not known, or that nobody has together with another one,
    has no row.
    """
    from xbsql.session import recommend as run

    where = "xb.similar_items"
    given = items[named(where, items.column_names, item)].combine_chunks()
    found = run.similar_items(session, model, given, k, _listed(where, filter))
    return _beside("item", items, item, found)


@function(
    {
        "model": "VARCHAR", "version": "INTEGER", "events": "BIGINT", "users": "BIGINT", "items": "BIGINT",
        "seconds": "DOUBLE", "note": "VARCHAR",
    },
    example="CALL xb.add_events('wants_jp', baskets_late)",
    action=True,
)  # fmt: skip
def add_events(
    session: Session,
    model: Model,
    tbl: Annotated[pa.Table, Rows(), f"{DATA}, with the columns that the model was fitted on"],
) -> Found:
    """Let a recommender know further events, and promote the new version: its counts and histories are
    those of a fit on all events; which method counts how much stays as the last fit found it. The same
    events again change nothing. A model without histories (`keep_rows: false`) is refused.
    """
    from xbsql.session import recommend as run

    return run.add_events(session, model, tbl)


def _told(filter: str | None) -> pa.Array | str | None:
    """A filter that came as JSON."""
    found = None if filter is None else json.loads(filter)
    return as_array("xb.recommend", "filter", found) if isinstance(found, list) else found


def _listed(where: str, filter: Any) -> pa.Array | str | None:  # noqa: ANN401 - whatever Python gives
    """A filter that came from Python."""
    filter = filter.to_arrow() if hasattr(filter, "to_arrow") else filter
    if filter is None or isinstance(filter, str):
        return filter
    filter = filter.combine_chunks() if isinstance(filter, pa.ChunkedArray) else filter
    if isinstance(filter, pa.Array):
        return filter
    if not isinstance(filter, Iterable):
        problem = f"filter is {errors.shown(filter, 60)}"
        raise errors.invalid(where, problem, "give a list of items")
    return as_array(where, "filter", list(filter))


def _beside(name: str, given: pa.Table, column: str, found: pa.Table) -> pa.Table:
    """The answers with the user's own values in place of the rows' numbers."""
    own = given[column].combine_chunks().take(pa.array(found["place"].to_numpy() - 1))
    return found.set_column(0, name, own)
