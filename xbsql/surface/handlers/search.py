"""From DuckDB's columns to search: unpack the arguments, nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, list_of, one_chunk, table_of_rows
from xbsql.index.builder import Plan
from xbsql.session import match as matches
from xbsql.session import search as searches
from xbsql.surface.handlers.arguments import Column, Rows, constant, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.session.session import Session


def search(
    session: Session, index: Column, vector: Column, k: Column, kept: Column, recall: Column
) -> pa.Array:
    where = "xb.search"
    asked = (text_of(where, "index", index), one_chunk(vector), constant(where, "k", k))
    return searches.search(session, *asked, _kept(where, kept), constant(where, "recall", recall))


def search_text(session: Session, index: Column, query: Column, k: Column, kept: Column) -> pa.Array:
    where = "xb.search_text"
    asked = (text_of(where, "index", index), one_chunk(query), constant(where, "k", k))
    return searches.search_text(session, *asked, _kept(where, kept))


def keep_filter(session: Session, ids: Column) -> pa.Array:
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


def index_rows(
    session: Session, token: Column, index: Column, encoder: Column, ids: Column, vec: Column, text: Column
) -> pa.Array:
    """Take in some rows of a build; `encoder` is '' where the index knows it."""
    name, known = constant("xb.build_index", "index", index), constant("xb.build_index", "encoder", encoder)
    where = "xb.build_index"
    if known == "":
        where = "xb.add_to_index"
        known = searches.opened(session, where, name).card.encoder
    build = constant(where, "token", token)
    rows = session.builder.take(where, build, known, one_chunk(ids), one_chunk(vec), one_chunk(text))
    return pa.array(np.ones(rows, np.int64))


def build_index(
    session: Session, token: Column, taken: Column, index: Column, encoder: Column, metric: Column,
    weights: Column, mode: Column,
) -> Rows:  # fmt: skip
    where, build = "xb.build_index", constant("xb.build_index", "token", token)
    name = text_of(where, "index", index)
    with session.calls.record("build_index", name, constant(where, "rows", taken) or 0):
        encoder_name = constant(where, "encoder", encoder)
        measure = (text_of(where, "metric", metric), encoder_name, _weights(where, weights))
        plan = Plan(*measure, text_of(where, "mode", mode))
        return [session.builder.build(build, name, plan)]


def add_to_index(session: Session, token: Column, taken: Column, index: Column) -> Rows:
    where, build = "xb.add_to_index", constant("xb.add_to_index", "token", token)
    name = text_of(where, "index", index)
    with session.calls.record("add_to_index", name, constant(where, "rows", taken) or 0):
        return [session.builder.add(build, name)]


def delete_from_index(session: Session, index: Column, ids: Column) -> Rows:
    where, whole = "xb.delete_from_index", one_chunk(ids)
    gone = pa.nulls(0) if pa.types.is_null(whole.type) or not whole[0].is_valid else whole[0].values
    return [session.builder.delete(text_of(where, "index", index), gone)]


def drop_index(session: Session, index: Column) -> Rows:
    name = text_of("xb.drop_index", "index", index)
    return [{"index": name, "rows": session.indexes.drop(name)}]


def indexes(session: Session, _: Column) -> Rows:
    return session.indexes.rows()


def similarity_join(
    session: Session, k: Column, metric: Column, queries: Column, catalog: Column
) -> pa.Array:
    where = "xb.similarity_join"
    found = searches.similarity_join(
        session, _members(queries), _members(catalog), constant(where, "k", k),
        text_of(where, "metric", metric),
    )  # fmt: skip
    return list_of(found)


def duplicates(session: Session, threshold: Column, metric: Column, vectors: Column) -> pa.Array:
    where = "xb.duplicates"
    least = float(constant(where, "threshold", threshold) or 0.0)
    return list_of(searches.duplicates(session, _members(vectors), least, text_of(where, "metric", metric)))


def match(session: Session, threshold: Column, model: Column, left: Column, right: Column) -> pa.Array:
    where = "xb.match"
    least = constant(where, "threshold", threshold)
    found = matches.match(session, _rows(left), _rows(right), least, constant(where, "model", model))
    return list_of(found)


def match_candidates(session: Session, left: Column, right: Column) -> pa.Array:
    return list_of(matches.match_candidates(session, _rows(left), _rows(right)))


def _rows(column: Column) -> pa.Table:
    """The rows, text, block and beside, that came as one list; none where the table was empty."""
    if pa.types.is_null(column.type) or not column[0].is_valid:
        return pa.table({name: pa.nulls(0) for name in ("text", "block", "beside")})
    return table_of_rows(one_chunk(column).flatten())


def _members(column: Column) -> pa.Array:
    """The values that came as one list."""
    return one_chunk(column).flatten() if not pa.types.is_null(column.type) else pa.nulls(0)


def _kept(where: str, kept: Column) -> str | list[str]:
    """What the filters are kept under: one for all rows, or one a row."""
    names = kept.unique()
    found: str | list[str] = names[0].as_py() if len(names) == 1 else one_chunk(kept).to_pylist()
    return found


def _weights(where: str, weights: Column) -> NDArray[np.float64] | None:
    value: Any = weights[0].as_py()
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, int | float | Decimal) for each in value):
        raise errors.invalid(where, f"weights are {value!r:.60}", "give a list of numbers, one a feature")
    return np.array(value, np.float64)
