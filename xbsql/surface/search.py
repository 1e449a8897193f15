"""Search: indexes, and joins by what is alike."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, refuse_quoted
from xbsql.index.builder import BuildPlan
from xbsql.index.hits import RECALL
from xbsql.session import search as run
from xbsql.session.session import Session
from xbsql.surface.arguments import (
    DATA,
    Column,
    ColumnOf,
    Constant,
    KeptOnce,
    Keys,
    Name,
    Numbers,
    Rows,
    Score,
    Share,
    Stream,
    Text,
    Values,
    Whole,
)
from xbsql.surface.checks import as_array, constant, in_order, named, shown
from xbsql.surface.function import Columns, Helper, Like, function

if TYPE_CHECKING:
    from collections.abc import Iterator

    Found = list[dict[str, Any]]
    Batches = Iterator[pa.RecordBatch]

HITS = "STRUCT(id VARCHAR, score FLOAT, rank INTEGER)[]"
STATE: Columns = {
    "index": "VARCHAR", "rows": "BIGINT", "skipped": "BIGINT", "dim": "INTEGER", "metric": "VARCHAR",
    "encoder": "VARCHAR", "has_text": "BOOLEAN", "seconds": "DOUBLE", "mode": "VARCHAR", "recall": "DOUBLE",
}  # fmt: skip

Index = Annotated[Name, "the name of the index"]
Most = Annotated[Whole, "how many; fewer come back only where fewer rows match"]
Filter = Annotated[
    Any,
    KeptOnce("a list", expression="(SELECT _xb_filter({}))", table=False),
    "the ids that may be found, e.g. (SELECT list(sku) FROM home WHERE price < 10); NULL, which is what "
    "list() makes of no row, lets nothing through",
]
Metric = Annotated[Name, "'cosine', 'dot' or 'l2' (minus the squared distance)"]
QUERIES, CATALOG = ColumnOf(of=("queries",)), ColumnOf(of=("catalog",))
Id = Annotated[str, ColumnOf(), "BIGINT or VARCHAR, no two rows the same"]
Vec = Annotated[
    str | None,
    ColumnOf(python="str | None"),
    "a vector, e.g. a column or xb.embed(title); without it the texts are embedded",
]
TextOf = Annotated[str | None, ColumnOf(python="str | None"), "VARCHAR: a text, for xb.search_text"]
Members = Annotated[pa.Array, Values("a list")]
Taken = Annotated[int | None, Constant("BIGINT", "int | None", (int,), "a count")]
Table = Annotated[Any, Stream(), DATA]


def _build(
    session: Session, *, token: Name, taken: Taken = None, index: Index, encoder: Text = None, metric: Metric,
    weights: Numbers = None, mode: Name,
) -> Found:  # fmt: skip
    """What is built of the rows that were taken in under a token."""
    session.calls.current.rows = taken or 0
    return [session.builder.build(token, index, _plan(metric, encoder, weights, mode))]


@function(
    STATE,
    example="CALL xb.build_index('catalog', home, id := title, text := title)",
    action=True,
    handler=_build,
)
def build_index(
    session: Session,
    index: Index,
    tbl: Table,
    id: Id,
    vec: Vec = None,
    text: TextOf = None,
    encoder: Annotated[
        Text,
        "the text encoder that made the vectors; searches fail when its version has changed. 'text' where "
        "vec is not given",
    ] = None,
    metric: Metric = "cosine",
    weights: Annotated[Numbers, "one a feature, e.g. its transferability in a model"] = None,
    mode: Annotated[
        Name,
        "'exact', or 'approximate' to order the rows by cell; `recall` says what share of a row's 10 "
        "neighbours a search finds then, measured on up to 500 of the rows",
    ] = "exact",
) -> Found:
    """Build an index and keep it in the store, in place of one of the same name. Rows whose id or vector is
    NULL, or whose vector is not finite, are left out and counted in `skipped`. Rows are streamed: memory
    does not grow with the vectors. The same content again changes nothing; a build that fails leaves what
    was there.
    """
    where = "xb.build_index"
    token = _collect(session, where, tbl, encoder, (id, vec, text))
    return [session.builder.build(token, index, _plan(metric, encoder, weights, mode))]


def _add(session: Session, *, token: Name, taken: Taken = None, index: Index) -> Found:
    session.calls.current.rows = taken or 0
    return [session.builder.add(token, index)]


@function(
    STATE,
    example="CALL xb.add_to_index('catalog', japan, id := title, text := title)",
    action=True,
    handler=_add,
)
def add_to_index(
    session: Session, index: Index, tbl: Table, id: Id, vec: Vec = None, text: TextOf = None
) -> Found:  # fmt: skip
    """Add rows to an index; a row whose id is there already takes its place. The same addition again changes
    nothing.
    """
    where = "xb.add_to_index"
    encoder = run.opened(session, where, index).card.encoder
    return [session.builder.add(_collect(session, where, tbl, encoder, (id, vec, text)), index)]


@function({**STATE, "bytes": "BIGINT", "created": "VARCHAR", "note": "VARCHAR"}, example="FROM xb.indexes()")
def indexes(session: Session) -> Found:
    """Every index in the store; a broken one says what is wrong with it in `note`."""
    return session.indexes.rows()


@function(
    HITS, example="SELECT unnest(xb.search('catalog', 'red shoes', k := 3), recursive := true)"
)  # fmt: skip
def search(
    session: Session,
    index: Index,
    vector: Annotated[
        pa.Array, Values("FLOAT[n] or VARCHAR"), "a vector, or a text where the index knows its encoder"
    ],
    k: Most = 10,
    filter: Filter = "*",
    recall: Annotated[
        Share,
        "the share of the k that an approximate index is to find, as measured when it was built; 1 is exact",
    ] = RECALL,
) -> pa.Array:
    """The k rows of an index that are most similar to a vector, best first; exact, unless the index was built
    approximate and no filter is given. Of equal scores the smaller id comes first. Ids are given as text and
    compare with the table's own. NULL gives NULL.
    """
    return run.search(session, index, vector, k, _kept(session, filter), recall)


@function(
    HITS, example="SELECT unnest(xb.search_text('catalog', 'running shoes', k := 3), recursive := true)"
)  # fmt: skip
def search_text(
    session: Session,
    index: Index,
    query: Annotated[pa.Array, Values("VARCHAR"), "a text"],
    k: Most = 10,
    filter: Filter = "*",
) -> pa.Array:
    """The k rows of an index that fit a text best by words and by meaning together: the score is the cosine
    of the vectors plus half the share of the query's words that a row holds (BM25 over words and their
    trigrams, 1 where the row is the query). The index must have been built with texts. NULL gives NULL.
    """
    return run.search_text(session, index, query, k, _kept(session, filter))


@function(
    STATE, example="FROM xb.delete_from_index('catalog', (SELECT list(title) FROM japan))", action=True
)  # fmt: skip
def delete_from_index(
    session: Session,
    index: Index,
    ids: Annotated[
        pa.Array, Values("a list"), "the ids; those that are not there are passed over"
    ],
) -> Found:  # fmt: skip
    """Delete rows from an index."""
    return [session.builder.delete(index, _flat(ids))]


@function(
    {"index": "VARCHAR", "rows": "BIGINT"}, example="CALL xb.drop_index('catalog')", action=True
)  # fmt: skip
def drop_index(session: Session, index: Index) -> Found:
    """Remove an index from the store and from memory."""
    return [{"index": index, "rows": session.indexes.drop(index)}]


def _join(session: Session, *, k: Whole, metric: Name, queries: Members, catalog: Members) -> pa.Table:
    return run.similarity_join(session, _flat(queries), _flat(catalog), k, metric)


@function(
    {
        "qid": Like("queries", "qid"), "cid": Like("catalog", "cid"), "score": "FLOAT", "rank": "INTEGER",
    },
    example="FROM xb.similarity_join(japan, home, qid := title, qvec := xb.embed(title), cid := title, "
    "cvec := xb.embed(title), k := 2) LIMIT 4",
    handler=_join,
    travels={"q": "BIGINT", "c": "BIGINT", "score": "FLOAT", "rank": "INTEGER"},
)  # fmt: skip
def similarity_join(
    session: Session,
    queries: Table,
    catalog: Annotated[pa.Table, Rows(order="", empty=True), DATA],
    qid: Annotated[str, QUERIES, "the queries' id, any type"],
    qvec: Annotated[str, QUERIES, "the queries' vector; rows where it is NULL find nothing"],
    cid: Annotated[str, CATALOG, "the catalog's id, any type; decides among equal scores"],
    cvec: Annotated[str, CATALOG, "the catalog's vector; rows where it is NULL are not found"],
    k: Most = 10,
    metric: Metric = "cosine",
) -> pa.Table:
    """The k most similar rows of the catalog for each query: qid, cid, score, rank. The search is
    exact. Build an index where a catalog is searched again or does not fit into memory.
    """
    where, parts = "xb.similarity_join", []
    own = catalog.select([named(where, catalog.column_names, name) for name in (cid, cvec)])
    own = in_order(own.rename_columns(["id", "vec"]), ["id"])
    for batch in queries:
        ids, vectors = (batch.column(named(where, batch.schema.names, name)) for name in (qid, qvec))
        found = run.similarity_join(session, vectors, one_chunk(own.column(1)), k, metric)
        columns = [ids.take(_places(found["q"])), own.column(0).take(_places(found["c"]))]
        parts.append(
            pa.table([*columns, found["score"], found["rank"]], names=["qid", "cid", "score", "rank"])
        )
    return pa.concat_tables(parts)


def _duplicates(session: Session, *, threshold: Score, metric: Name, vectors: Members) -> pa.Table:
    return run.duplicates(session, _flat(vectors), threshold, metric)


@function(
    {"id": Like("tbl", "id"), "twin": Like("tbl", "id"), "score": "FLOAT", "cluster": Like("tbl", "id")},
    example="FROM xb.duplicates(home, id := title, vec := xb.embed(title), threshold := 0.8) LIMIT 3",
    handler=_duplicates,
    travels={"a": "BIGINT", "b": "BIGINT", "score": "FLOAT", "cluster": "BIGINT"},
)
def duplicates(
    session: Session,
    tbl: Annotated[pa.Table, Rows(order="", empty=True), DATA],
    id: Annotated[str, ColumnOf(), "any type"],
    vec: Annotated[str, ColumnOf(), "a vector; rows where it is NULL are in no pair"],
    threshold: Annotated[Score, "the least score of a pair"] = 0.9,
    metric: Metric = "cosine",
) -> pa.Table:
    """Pairs of rows that are at least that similar: id, twin, score, and cluster, the smallest id of all rows
    that pairs connect. Each pair comes once, the smaller id first.
    """
    own = tbl.select([named("xb.duplicates", tbl.column_names, name) for name in (id, vec)])
    own = in_order(own.rename_columns(["id", "vec"]), ["id"])
    found = run.duplicates(session, one_chunk(own.column(1)), threshold, metric)
    ids = [own.column(0).take(_places(found[name])) for name in ("a", "b", "cluster")]
    return pa.table([ids[0], ids[1], found["score"], ids[2]], names=["id", "twin", "score", "cluster"])


def _places(column: pa.ChunkedArray) -> pa.Array:
    """Positions from 1 as positions from 0."""
    return pa.array(column.to_numpy() - 1)


def _flat(ids: pa.Array) -> pa.Array:
    """Ids as they come from Python, or as the one list that comes from SQL."""
    if pa.types.is_list(ids.type) or pa.types.is_fixed_size_list(ids.type):
        return ids.flatten()
    return pa.nulls(0) if pa.types.is_null(ids.type) else ids


def _plan(metric: str, encoder: str | None, weights: list[float] | None, mode: str) -> BuildPlan:
    """What an index shall be."""
    return BuildPlan(metric, encoder, None if weights is None else np.array(weights, np.float64), mode)


def _collect(
    session: Session, where: str, batches: Batches, encoder: str | None, names: tuple[str | None, ...]
) -> str:
    """Stream a table's columns id, vec and text into a new draft; returns its token."""
    token = secrets.token_hex(8)
    for batch in batches:
        columns = [
            pa.nulls(len(batch)) if name is None else batch.column(named(where, batch.schema.names, name))
            for name in names
        ]
        session.builder.take(where, token, encoder, *columns)
    return token


def _kept(session: Session, filter: Any) -> str | list[str]:  # noqa: ANN401 - ids of any type
    """What a session keeps a filter under: SQL has kept it already; ids, '*' for all, None for none."""
    if isinstance(filter, Keys):
        return filter.names
    if filter is None or isinstance(filter, str):
        return session.indexes.keep("xb.search", filter)
    filter = filter.to_arrow() if hasattr(filter, "to_arrow") else filter
    if not isinstance(filter, pa.Array | pa.ChunkedArray):
        if not hasattr(filter, "__len__"):
            raise errors.invalid("xb.search", f"filter is {shown(filter)}", "give a list of ids")
        filter = as_array("xb.search", "filter", filter)
    return session.indexes.keep("xb.search", one_chunk(filter))


def _keep_filter(session: Session, ids: Column) -> pa.Array:
    """Keep each list of ids and name it; a row's list is its own filter."""
    where, whole = "xb.search", one_chunk(ids)
    if pa.types.is_null(whole.type):
        return pa.array([session.indexes.keep(where, None)] * len(whole))
    if is_text(whole.type):
        return pa.array([session.indexes.keep(where, value) for value in whole.to_pylist()])
    if not (pa.types.is_list(whole.type) or pa.types.is_fixed_size_list(whole.type)):
        raise errors.invalid(where, f"filter is {whole.type}", "give a list of ids")
    lists = (value.values if value.is_valid else None for value in whole)
    return pa.array([session.indexes.keep(where, ids) for ids in lists], pa.string())


def _index_rows(
    session: Session, token: Column, index: Column, encoder: Column, ids: Column, vec: Column, text: Column
) -> pa.Array:
    """Take in some rows of a build; `encoder` is '' where the index knows it."""
    name, known = constant("xb.build_index", "index", index), constant("xb.build_index", "encoder", encoder)
    where = "xb.build_index"
    if known == "":
        where = "xb.add_to_index"
        known = run.opened(session, where, name).card.encoder
    refuse_quoted(where, "text", text)
    build = constant(where, "token", token)
    rows = session.builder.take(where, build, known, one_chunk(ids), one_chunk(vec), one_chunk(text))
    return pa.array(np.ones(rows, np.int64))


HELPERS = (
    Helper("filter", "VARCHAR", _keep_filter),
    Helper("index_rows", "BIGINT", _index_rows, effects=True),
)
