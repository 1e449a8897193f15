"""Search and joins in the indexes of a store: which index, which encoder, which filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, matrix, validity
from xbsql.index.hits import HIT, RECALL, Hits
from xbsql.session.text import embed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from xbsql.index.search import Index
    from xbsql.session.session import Session

METRICS = ("cosine", "dot", "l2")
MOST_PAIRS = 20_000_000


def search(
    session: Session, name: str, queries: pa.Array, k: int, kept: str | list[str], recall: float = RECALL
) -> pa.Array:  # fmt: skip
    """LIST of STRUCT(id, score, rank) of each query, best first.

    Args:
        session: whose store has the index.
        name: of the index.
        queries: vectors, or texts, which the index's own encoder embeds. NULL gives NULL; a vector that holds
            NaN gives an empty list.
        k: how many, 1 or more; fewer only where fewer rows match.
        kept: what `OpenIndexes.keep` returned, for all queries or one each.
        recall: above 0, up to 1: what an approximate index is to reach; an exact one does in any case.

    Raises:
        XbsqlError: no such index, another encoder, vectors of another length.
    """
    where = "xb.search"
    check_count(where, k)
    if not isinstance(recall, float | int) or not 0 < recall <= 1:
        raise errors.invalid(where, f"recall is {recall}", "give a share above 0, up to 1")
    index = opened(session, where, name)
    vectors, present = _vectors(session, where, index, queries)
    with session.calls.record("search", name, len(queries)) as call:
        call.device, call.kernel = index.device, f"topk {index.card.metric}"
        if not present.any():
            return pa.nulls(len(queries), pa.list_(HIT))
        asked = _only(vectors, present)

        def run(rows: NDArray[np.int64], mask: NDArray[np.bool_] | None) -> Hits:
            return index.search(asked[rows], k, mask, recall)

        return index.records(_filtered(session, where, index, kept, present, run), present)


def search_text(session: Session, name: str, queries: pa.Array, k: int, kept: str | list[str]) -> pa.Array:
    """LIST of STRUCT(id, score, rank) of each text, by words and vectors together; NULL gives NULL.

    Args:
        session: whose store has the index.
        name: of the index, which was built with texts.
        queries: texts.
        k: how many, 1 or more.
        kept: what `OpenIndexes.keep` returned, for all queries or one each.

    Raises:
        XbsqlError: no such index, it holds no text, or it was made by another version of its encoder.
    """
    where = "xb.search_text"
    check_count(where, k)
    index = opened(session, where, name)
    if not is_text(queries.type) and not pa.types.is_null(queries.type):
        raise errors.invalid(where, f"needs VARCHAR, got {queries.type}", "give the query as text")
    present = validity(queries)
    with session.calls.record("search_text", name, len(queries)) as call:
        call.device, call.kernel = index.device, "bm25 + topk" if index.card.encoder else "bm25"
        if not present.any():
            return pa.nulls(len(queries), pa.list_(HIT))
        vectors = None
        if index.card.encoder is not None:
            vectors = _vectors(session, where, index, queries)[0][present]
        texts = queries.filter(pa.array(present)).to_pylist()

        def run(rows: NDArray[np.int64], mask: NDArray[np.bool_] | None) -> Hits:
            chosen = [texts[row] for row in rows.tolist()]
            return index.search_text(chosen, None if vectors is None else vectors[rows], k, mask)

        return index.records(_filtered(session, where, index, kept, present, run), present)


def _filtered(
    session: Session, where: str, index: Index, kept: str | list[str], present: NDArray[np.bool_],
    run: Callable[[NDArray[np.int64], NDArray[np.bool_] | None], Hits],
) -> Hits:  # fmt: skip
    """Run the queries that are present, those of one filter together."""
    count = int(present.sum())
    if isinstance(kept, str):
        return run(np.arange(count), session.indexes.mask(where, index, kept))
    names, place = np.unique(np.array(kept)[present], return_inverse=True)
    groups = [np.flatnonzero(place == number) for number in range(len(names))]
    parts = [
        run(rows, session.indexes.mask(where, index, str(name)))
        for name, rows in zip(names, groups, strict=True)
    ]
    width = max(part.rows.shape[1] for part in parts)
    found = Hits(np.full((count, width), -np.inf, np.float32), np.full((count, width), -1, np.int64))
    for part, rows in zip(parts, groups, strict=True):
        found.scores[rows, : part.scores.shape[1]] = part.scores
        found.rows[rows, : part.rows.shape[1]] = part.rows
    return found


def opened(session: Session, where: str, name: str) -> Index:
    """An index whose encoder is the one that is installed.

    Raises:
        XbsqlError: no such index, or its encoder has changed since it was built.
    """
    index = session.indexes.open(where, name)
    card = index.card
    now = session.builder.version(card.encoder)
    if now != card.encoder_version:
        problem = f"index '{name}' was built by '{card.encoder}' {card.encoder_version}, this is {now}"
        raise errors.invalid(where, problem, "build it again")
    return index


def similarity_join(session: Session, queries: pa.Array, catalog: pa.Array, k: int, metric: str) -> pa.Table:
    """The k most similar rows of the catalog for each query, as positions in the two lists.

    Args:
        session: whose call log gets the call.
        queries: vectors; a NULL one is joined with nothing.
        catalog: vectors of the same length; a NULL one is never found.
        k: how many, 1 or more.
        metric: 'cosine', 'dot' or 'l2'.

    Returns:
        q and c, int64 positions from 1; score, float32; rank, int32 from 1.

    Raises:
        XbsqlError: an unknown metric, vectors of different lengths.
    """
    from xbsql import kernels

    where = "xb.similarity_join"
    check_count(where, k)
    left, left_rows, right, right_rows = _both(where, queries, catalog, metric)
    with session.calls.record("similarity_join", "", len(queries)) as call:
        call.kernel = f"topk {metric}"
        scores, rows = np.empty((0, 1), np.float32), np.empty((0, 1), np.int64)
        if len(left) and len(right):
            scores, rows = kernels.topk(left, right, min(k, len(right)), metric=metric)
    found = rows >= 0
    query, rank = np.nonzero(found)
    columns = [left_rows[query] + 1, right_rows[rows[found]] + 1, scores[found], (rank + 1).astype(np.int32)]
    return pa.table([pa.array(column) for column in columns], names=["q", "c", "score", "rank"])


def duplicates(session: Session, vectors: pa.Array, threshold: float, metric: str) -> pa.Table:
    """Every pair of rows at least as similar as the threshold, and the cluster that it is part of.

    Args:
        session: whose call log gets the call.
        vectors: a NULL one is in no pair.
        threshold: the least score, a finite number.
        metric: 'cosine', 'dot' or 'l2' (minus the squared distance).

    Returns:
        a < b, int64 positions from 1; score, float32; cluster, int64: the lowest position that hangs together
        with both through pairs.

    Raises:
        XbsqlError: an unknown metric, a threshold that is no number, or over 20 million pairs.
    """
    from xbsql import kernels

    where = "xb.duplicates"
    rows, places, *_ = _both(where, vectors, vectors, metric)
    with session.calls.record("duplicates", "", len(vectors)) as call:
        call.kernel = f"threshold_join {metric}"
        try:
            a, b, scores = kernels.threshold_join(rows, None, threshold, metric=metric, max_pairs=MOST_PAIRS)
        except ValueError as error:
            raise errors.invalid(where, str(error).removeprefix("threshold_join: ")) from error
    columns = [places[a] + 1, places[b] + 1, scores, places[clusters(a, b, len(rows))[a]] + 1]
    return pa.table([pa.array(column) for column in columns], names=["a", "b", "score", "cluster"])


def clusters(a: NDArray[np.int64], b: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """The lowest row that each row hangs together with through pairs (a, b), int64 of shape (rows,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(rows, rows))
    label = connected_components(links, directed=False)[1]
    first: NDArray[np.int64] = np.full(rows, rows)
    np.minimum.at(first, label, np.arange(rows))
    lowest: NDArray[np.int64] = first[label]
    return lowest


def _both(
    where: str, left: pa.Array, right: pa.Array, metric: str
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The vectors of both sides that are there, and their places."""
    check_metric(where, metric)
    found: list[NDArray[Any]] = []
    for side in (left, right):
        vectors, present = matrix(side, where)
        found += [_only(vectors, present), np.flatnonzero(present)]
    if len(found[0]) and len(found[2]):
        check_lengths(where, found[0], found[2])
    return found[0], found[1], found[2], found[3]


def check_metric(where: str, metric: str) -> None:
    """Raise where there is no such metric."""
    if metric not in METRICS:
        raise errors.unknown(where, "metric", metric, METRICS)


def check_lengths(where: str, left: NDArray[Any], right: NDArray[Any]) -> None:
    """Raise where the vectors of two sides have different lengths."""
    if left.shape[1] != right.shape[1]:
        problem = f"vectors of {left.shape[1]} and {right.shape[1]} numbers"
        raise errors.invalid(where, problem, "embed both sides with one model")


def _only(vectors: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The rows that are there; all of them without a copy."""
    return np.asarray(vectors if present.all() else vectors[present], np.float32)


def _vectors(
    session: Session, where: str, index: Index, queries: pa.Array
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Queries as vectors, texts through the index's own encoder."""
    if not is_text(queries.type):
        return matrix(queries, where)
    if index.card.encoder is None:
        problem = f"index '{index.name}' does not know which encoder made its vectors"
        remedy = "search with a vector, or build it with encoder := 'text'"
        raise errors.invalid(where, problem, remedy)
    return matrix(embed(session, queries, index.card.encoder), where)


def check_count(where: str, k: object) -> None:
    """Raise where k is not a whole number, 1 or more."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise errors.invalid(where, f"k is {k!r}", "give a whole number, 1 or more")
