"""The Python twins of the search family: columns go by name, tables are streamed, Arrow comes out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.index.builder import Plan
from xbsql.index.hits import RECALL
from xbsql.session import match as matches
from xbsql.session import search as searches
from xbsql.surface.duck import batches_of, rows_of, session_of
from xbsql.surface.functions import search as functions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from xbsql.session.session import Session

    Values: TypeAlias = pa.Array | pa.ChunkedArray
    Ids: TypeAlias = Values | Sequence[Any] | str | None

EVERYTHING = "*"


def search(
    con: DuckDBPyConnection,
    index: str,
    vector: Values,
    k: int = 10,
    filter: Ids = EVERYTHING,
    recall: float = RECALL,
) -> pa.ListArray:
    """LIST of id, score and rank of each vector or text, see `xb.search`; `filter` is one list for all."""
    session = session_of("xbsql.search", con)
    return searches.search(session, index, one_chunk(vector), k, kept(session, filter), recall)


def search_text(
    con: DuckDBPyConnection, index: str, query: Values, k: int = 10, filter: Ids = EVERYTHING
) -> pa.ListArray:
    """LIST of id, score and rank of each text, see `xb.search_text`; `filter` is one list for all."""
    session = session_of("xbsql.search_text", con)
    return searches.search_text(session, index, one_chunk(query), k, kept(session, filter))


def build_index(
    con: DuckDBPyConnection,
    index: str,
    tbl: object,
    id: str,
    vec: str | None = None,
    text: str | None = None,
    encoder: str | None = None,
    metric: str = "cosine",
    weights: Sequence[float] | None = None,
    mode: str = "exact",
) -> pa.Table:
    """Build an index from the columns with these names, see `xb.build_index`."""
    where = "xbsql.build_index"
    session = session_of(where, con)
    token = _collect(session, con, where, tbl, encoder, (id, vec, text))
    plan = Plan(metric, encoder, None if weights is None else np.asarray(weights, np.float64), mode)
    return functions.BUILD_INDEX.table([session.builder.build(token, index, plan)])


def add_to_index(
    con: DuckDBPyConnection, index: str, tbl: object, id: str, vec: str | None = None, text: str | None = None
) -> pa.Table:  # fmt: skip
    """Add rows to an index from the columns with these names, see `xb.add_to_index`."""
    where = "xbsql.add_to_index"
    session = session_of(where, con)
    encoder = searches.opened(session, where, index).card.encoder
    token = _collect(session, con, where, tbl, encoder, (id, vec, text))
    return functions.ADD_TO_INDEX.table([session.builder.add(token, index)])


def delete_from_index(con: DuckDBPyConnection, index: str, ids: Values | Sequence[Any]) -> pa.Table:
    """Delete rows from an index, see `xb.delete_from_index`."""
    gone = one_chunk(ids) if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids)
    found = session_of("xbsql.delete_from_index", con).builder.delete(index, gone)
    return functions.DELETE_FROM_INDEX.table([found])


def drop_index(con: DuckDBPyConnection, index: str) -> pa.Table:
    """Remove an index, see `xb.drop_index`."""
    rows = session_of("xbsql.drop_index", con).indexes.drop(index)
    return functions.DROP_INDEX.table([{"index": index, "rows": rows}])


def indexes(con: DuckDBPyConnection) -> pa.Table:
    """Every index in the store, see `xb.indexes`."""
    return functions.INDEXES.table(session_of("xbsql.indexes", con).indexes.rows())


def similarity_join(
    con: DuckDBPyConnection,
    queries: object,
    catalog: object,
    qid: str,
    qvec: str,
    cid: str,
    cvec: str,
    k: int = 10,
    metric: str = "cosine",
) -> pa.Table:
    """qid, cid, score and rank of the columns with these names, see `xb.similarity_join`.

    Queries are streamed: only the catalog and the result are held.
    """
    where = "xbsql.similarity_join"
    session = session_of(where, con)
    offered = rows_of(where, con, catalog, ordered=False)
    own = offered.select([_named(where, offered.column_names, name) for name in (cid, cvec)])
    own = own.sort_by(own.column_names[0])
    parts = []
    for batch in batches_of(where, con, queries):
        asked = [batch.column(_named(where, batch.schema.names, name)) for name in (qid, qvec)]
        found = searches.similarity_join(session, asked[1], one_chunk(own.column(1)), k, metric)
        columns = [
            asked[0].take(pa.array(found["q"].to_numpy() - 1)),
            own.column(0).take(pa.array(found["c"].to_numpy() - 1)),
            found["score"],
            found["rank"],
        ]
        parts.append(pa.table(columns, names=["qid", "cid", "score", "rank"]))
    if not parts:
        raise errors.invalid(where, "the queries have no rows", "give a table with at least one row")
    return pa.concat_tables(parts)


def duplicates(
    con: DuckDBPyConnection, tbl: object, id: str, vec: str, threshold: float = 0.9, metric: str = "cosine"
) -> pa.Table:  # fmt: skip
    """id, twin, score and cluster of the columns with these names, see `xb.duplicates`."""
    where = "xbsql.duplicates"
    rows = rows_of(where, con, tbl, ordered=False)
    own = rows.select([_named(where, rows.column_names, name) for name in (id, vec)])
    own = own.sort_by(own.column_names[0])
    found = searches.duplicates(session_of(where, con), one_chunk(own.column(1)), threshold, metric)
    ids = [own.column(0).take(pa.array(found[name].to_numpy() - 1)) for name in ("a", "b", "cluster")]
    return pa.table([ids[0], ids[1], found["score"], ids[2]], names=["id", "twin", "score", "cluster"])


def match(
    con: DuckDBPyConnection,
    left: object,
    right: object,
    lid: str,
    ltext: str,
    rid: str,
    rtext: str,
    block: str | None = None,
    beside: str | None = None,
    threshold: float = 0.5,
    model: str | None = None,
) -> pa.Table:
    """lid, rid and score of the columns with these names, see `xb.match`."""
    where = "xbsql.match"
    own, other = (
        _side(where, con, *side, block, beside) for side in ((left, lid, ltext), (right, rid, rtext))
    )
    found = matches.match(session_of(where, con), own, other, threshold, model)
    partner = pc.subtract(found["r"], 1)
    columns = [own["id"], other["id"].take(partner), found["score"]]
    return pa.table(columns, names=["lid", "rid", "score"])


def match_candidates(
    con: DuckDBPyConnection,
    left: object,
    right: object,
    lid: str,
    ltext: str,
    rid: str,
    rtext: str,
    block: str | None = None,
    beside: str | None = None,
) -> pa.Table:
    """lid, rid and what is known of each candidate pair, see `xb.match_candidates`."""
    where = "xbsql.match_candidates"
    own, other = (
        _side(where, con, *side, block, beside) for side in ((left, lid, ltext), (right, rid, rtext))
    )
    found = matches.match_candidates(session_of(where, con), own, other)
    ids = [side["id"].take(pc.subtract(found[name], 1)) for side, name in ((own, "l"), (other, "r"))]
    known = found.drop_columns(["l", "r"])
    return pa.table([*ids, *known.columns], names=["lid", "rid", *known.column_names])


def _side(
    where: str,
    con: DuckDBPyConnection,
    data: object,
    id: str,
    text: str,
    block: str | None,
    beside: str | None,
) -> pa.Table:
    """Columns id, text, block and beside, sorted by id and text."""
    rows = rows_of(where, con, data, ordered=False)
    columns = [rows[_named(where, rows.column_names, name)] for name in (id, text)]
    columns += [
        pa.nulls(len(rows)) if name is None else rows[_named(where, rows.column_names, name)]
        for name in (block, beside)
    ]
    table = pa.table(columns, names=["id", "text", "block", "beside"])
    return table.sort_by([("id", "ascending"), ("text", "ascending")])


def kept(session: Session, filter: Ids) -> str:
    """What a session keeps a filter under: ids, '*' for all, None for none."""
    if filter is None or isinstance(filter, str):
        return session.indexes.keep("xbsql.search", filter)
    ids = one_chunk(filter) if isinstance(filter, pa.Array | pa.ChunkedArray) else pa.array(filter)
    return session.indexes.keep("xbsql.search", ids)


def _collect(
    session: Session,
    con: DuckDBPyConnection,
    where: str,
    tbl: object,
    encoder: str | None,
    names: tuple[str | None, ...],
) -> str:
    """Stream a table's columns id, vec and text into a new draft; returns its token."""
    token = secrets.token_hex(8)
    for batch in batches_of(where, con, tbl):
        columns = [
            pa.nulls(len(batch)) if name is None else batch.column(_named(where, batch.schema.names, name))
            for name in names
        ]
        session.builder.take(where, token, encoder, *columns)
    return token


def _named(where: str, known: Sequence[str], name: str) -> str:
    if name not in known:
        raise errors.unknown(where, "column", name, known, place="the table has")
    return name
