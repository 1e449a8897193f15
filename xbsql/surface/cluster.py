"""The same models over a Ray cluster: rows stay where they are, models come to them. The only user of ray.

    import ray
    from xbsql import cluster

    shop = ray.data.read_parquet("s3://shop/items")
    cluster.classify(shop, "category_jp", "title", store="/shared/shop.xbsql").write_parquet("s3://shop/labelled")

Every function takes a Ray dataset and gives one. Workers are processes that open the store once and keep
their model; a worker that dies is started again and its batch is done again, so nothing is lost and nothing
comes twice. The store must be a folder that every node sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import matrix, one_chunk
from xbsql.recommendation.wanted import Wanted
from xbsql.session import image as looks
from xbsql.session import models
from xbsql.session import recommend as wants
from xbsql.session import search as searches
from xbsql.session import text as texts
from xbsql.session.session import Session
from xbsql.store.store import Store
from xbsql.surface.checks import as_array

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from ray.data import Dataset

    Place = str | os.PathLike[str]

_FOR_EVER = -1
"""Retries of a task whose worker or node died; a mistake of the user's is not tried again."""


__all__ = [
    "Workers", "classify", "embed", "embed_image", "predict", "recommend", "similarity_join", "translate",
]  # fmt: skip


@dataclass(frozen=True)
class Workers:
    """The processes that hold a model.

    Attributes:
        count: how many there are.
        cpus: cores of each.
        gpus: devices of each, a fraction where several share one; 0 for the CPU.
        rows: rows of a batch; what a dead worker's successor does again.
    """

    count: int = 2
    cpus: float = 1.0
    gpus: float = 0.0
    rows: int = 4096


def embed(
    data: Dataset, text: str, *, store: Place, model: str = "text", into: str = "embedding",
    workers: Workers = Workers(),
) -> Dataset:  # fmt: skip
    """Every column of a dataset and the embedding of one, see `xb.embed`.

    Args:
        data: rows.
        text: the column of texts.
        store: the folder of the models, at the same path on every node.
        model: the text encoder.
        into: the new column, FLOAT[512]; NULL for a NULL text.
        workers: that embed.

    Raises:
        XbsqlError: ray is not installed, no such column.
    """
    where = "cluster.embed"
    ray_of(where)
    check_columns(where, data, (text,))
    return _mapped(where, data, store, workers, partial(_embedded, text=text, model=model, into=into))


def embed_image(
    data: Dataset, photo: str, *, store: Place, model: str = "image", into: str = "embedding",
    workers: Workers = Workers(),
) -> Dataset:  # fmt: skip
    """Every column of a dataset and the vector of a picture, see `xb.embed_image`.

    Args:
        data: rows.
        photo: the column of pictures, BLOBs.
        store: the folder of the models, at the same path on every node.
        model: what reads pictures; files that it names lie at the same path on every node.
        into: the new column, FLOAT[]; NULL where there is no picture that can be read.
        workers: that look.

    Raises:
        XbsqlError: ray is not installed, no such column.
    """
    where = "cluster.embed_image"
    ray_of(where)
    check_columns(where, data, (photo,))
    return _mapped(where, data, store, workers, partial(_seen, photo=photo, model=model, into=into))


def classify(
    data: Dataset, model: str, text: str | None = None, *, store: Place, into: str = "classified",
    workers: Workers = Workers(),
) -> Dataset:  # fmt: skip
    """Every column of a dataset and the class of each row, see `xb.classify`.

    Args:
        data: rows.
        model: 'name' or 'name@version'; the version that the name stands for now serves the whole dataset.
        text: the column of texts for a model of texts, of pictures for one of pictures; None gives the model
            the whole row.
        store: the folder of the models, at the same path on every node.
        into: the new column, STRUCT(label, score, runner_up, margin, shift).
        workers: that hold the model.

    Raises:
        XbsqlError: ray is not installed, no such model, column or task.
    """
    return _answered("classify", data, model, text, store, into, workers)


def predict(
    data: Dataset, model: str, *, store: Place, into: str = "predicted", workers: Workers = Workers()
) -> Dataset:  # fmt: skip
    """Every column of a dataset and the number predicted for each row, see `xb.predict`.

    Args:
        data: rows.
        model: 'name' or 'name@version'; the version that the name stands for now serves the whole dataset.
        store: the folder of the models, at the same path on every node.
        into: the new column, STRUCT(value, lo, hi, shift, version).
        workers: that hold the model.

    Raises:
        XbsqlError: ray is not installed, no such model or task.
    """
    return _answered("predict", data, model, None, store, into, workers)


def translate(
    data: Dataset, model: str, text: str | None = None, *, store: Place, into: str = "translated",
    workers: Workers = Workers(),
) -> Dataset:  # fmt: skip
    """Every column of a dataset and the translation of each row, see `xb.translate`.

    Args:
        data: rows.
        model: 'name' or 'name@version'; the version that the name stands for now serves the whole dataset.
        text: the column of texts; None gives the model the whole row.
        store: the folder of the models, at the same path on every node.
        into: the new column, STRUCT(text, score, from, changed_terms).
        workers: that hold the model.

    Raises:
        XbsqlError: ray is not installed, no such model, column or task.
    """
    return _answered("translate", data, model, text, store, into, workers)


def recommend(
    data: Dataset, model: str, user: str, *, store: Place, k: int = 10, history: str | None = None,
    candidates: str | None = None, filter: Sequence[Any] | None = None, exclude_seen: bool = True,
    diversity: float = 0.0, into: str = "recommended", workers: Workers = Workers(),
) -> Dataset:  # fmt: skip
    """Every column of a dataset of users and the items that each wants next, see `xb.recommend`.

    Args:
        data: one row a user.
        model: 'name' or 'name@version'; the version that the name stands for now serves the whole dataset.
        user: the column of users.
        store: the folder of the models, at the same path on every node.
        k: how many items.
        history: a column of lists of items, in place of what the model knows.
        candidates: a column of lists of items, among which to choose.
        filter: the items that may come back; None: those that the model's market has bought.
        exclude_seen: leave out what a user has.
        diversity: 0 to below 1: how much an item loses by being like one before it.
        into: the new column, LIST(STRUCT(item, score, rank, because)).
        workers: that hold the model.

    Raises:
        XbsqlError: ray is not installed, no such model, column or task.
    """
    where = "cluster.recommend"
    ray_of(where)
    columns = (user, history, candidates)
    check_columns(where, data, [name for name in columns if name is not None])
    reference = _fitted(where, "recommend", model, store)
    answer = partial(
        _recommended,
        reference=reference,
        columns=columns,
        wanted=Wanted(k, exclude_seen, diversity),
        into=into,
        filter=None if filter is None else list(filter),
    )
    return _mapped(where, data, store, workers, answer)


def similarity_join(
    queries: Dataset, catalog: Dataset, qid: str, qvec: str, cid: str, cvec: str, k: int = 10,
    metric: str = "cosine", *, shards: int | None = None,
) -> Dataset:  # fmt: skip
    """qid, cid, score and rank: the k rows of the catalog that are most similar to each query.

    See `xb.similarity_join`. The catalog is split into shards, each of which stays on one node. Every block
    of queries is searched in every shard, exactly, and the k best of each are merged: by score, then by
    cid. The k best of a union are among the k best of its parts, so this is what one machine finds, row for
    row, where cid has no value twice. The work starts with the call.

    Args:
        queries: rows with qid and qvec; a NULL vector finds nothing. Its blocks are the batches.
        catalog: rows with cid, of a type that sorts, and cvec; a NULL vector is not found.
        qid: the queries' id, any type.
        qvec: the queries' vector.
        cid: the catalog's id.
        cvec: the catalog's vector.
        k: how many, 1 or more.
        metric: 'cosine', 'dot' or 'l2'.
        shards: into how many parts the catalog is split; None keeps its blocks.

    Raises:
        XbsqlError: ray is not installed, no such column or metric, k below 1; while it runs, inside Ray's own
            error, vectors of different lengths.
    """
    where = "cluster.similarity_join"
    ray = ray_of(where)
    searches.check_count(where, k)
    searches.check_metric(where, metric)
    check_columns(where, queries, (qid, qvec))
    check_columns(where, catalog, (cid, cvec))
    spread = catalog.select_columns([cid, cvec])
    parts = (spread if shards is None else spread.repartition(shards)).to_arrow_refs()
    ready, search, best = (
        ray.remote(task).options(max_retries=_FOR_EVER) for task in (_shard, _within, _merged)
    )
    offered = [ready.remote(part, cid, cvec, metric) for part in parts]
    blocks = queries.select_columns([qid, qvec]).to_arrow_refs()
    found = [
        best.remote(block, qid, k, *[search.remote(block, qvec, shard, k) for shard in offered])
        for block in blocks
    ]
    joined: Dataset = ray.data.from_arrow_refs(found)
    return joined


class _Worker:
    """A process with the store open; Ray makes one of each and hands it batch after batch."""

    def __init__(self, store: str, device: str, answer: Callable[[Session, pa.Table], pa.Table]) -> None:
        self._session = Session(Path(store), device=device)
        self._answer = answer

    def __call__(self, batch: pa.Table) -> pa.Table:
        return self._answer(self._session, batch)


def _answered(
    task: str, data: Dataset, model: str, text: str | None, store: Place, into: str, workers: Workers
) -> Dataset:  # fmt: skip
    where = f"cluster.{task}"
    ray_of(where)
    check_columns(where, data, () if text is None else (text,))
    reference = _fitted(where, task, model, store)
    answer = partial(_predicted, task=task, reference=reference, text=text, into=into)
    return _mapped(where, data, store, workers, answer)


def _fitted(where: str, task: str, model: str, store: Place) -> str:
    """The version that a model's name stands for.

    Raises:
        XbsqlError: no such model, or one of another task.
    """
    known = Store(Path(store).absolute())
    name, version = known.resolve(where, model)
    reference = f"{name}@{version}"
    fitted = known.artifact(where, reference).card["task"]
    if fitted != task:
        raise errors.invalid(where, f"'{model}' was fitted for {fitted}", f"use cluster.{fitted}")
    return reference


def _mapped(
    where: str, data: Dataset, store: Place, workers: Workers, answer: Callable[[Session, pa.Table], pa.Table]
) -> Dataset:  # fmt: skip
    ray = ray_of(where)
    device = "auto" if workers.gpus else "cpu"
    return data.map_batches(
        _Worker,
        fn_constructor_args=(str(Path(store).absolute()), device, answer),
        batch_format="pyarrow",
        batch_size=workers.rows,
        zero_copy_batch=True,
        compute=ray.data.ActorPoolStrategy(size=workers.count),
        num_cpus=workers.cpus,
        num_gpus=workers.gpus,
        udf_modifying_row_count=False,
    )


def _embedded(session: Session, batch: pa.Table, text: str, model: str, into: str) -> pa.Table:
    return _with(batch, into, texts.embed(session, one_chunk(column_of(batch, text)), model))


def _seen(session: Session, batch: pa.Table, photo: str, model: str, into: str) -> pa.Table:
    return _with(batch, into, looks.embed_image(session, one_chunk(column_of(batch, photo)), model))


def _predicted(
    session: Session, batch: pa.Table, task: str, reference: str, text: str | None, into: str
) -> pa.Table:  # fmt: skip
    inputs = one_chunk(batch.to_struct_array() if text is None else column_of(batch, text))
    if task == "predict":
        return _with(batch, into, models.predict(session, reference, inputs))
    return _with(batch, into, models.ask(session, task, reference, inputs))


def _recommended(
    session: Session, batch: pa.Table, reference: str, columns: tuple[str, str | None, str | None],
    wanted: Wanted, into: str, filter: Sequence[Any] | None = None,
) -> pa.Table:  # fmt: skip
    allowed = wants.EVERYTHING if filter is None else as_array("cluster.recommend", "filter", filter)
    who, past, among = (None if name is None else one_chunk(column_of(batch, name)) for name in columns)
    found = wants.recommended_lists(session, reference, wants.Asked(who, past, among, allowed, wanted))
    return _with(batch, into, found)


def _with(batch: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """A table with one more column, in the place of one of the same name."""
    kept = batch.drop_columns([name]) if name in batch.column_names else batch
    return kept.append_column(name, column)


def _shard(part: pa.Table, cid: str, cvec: str, metric: str) -> dict[str, Any]:
    """The vectors of a part of the catalog, sorted by id, and what every search of them needs.

    All of it is NumPy and Arrow, which a task on the same node maps without a copy.
    """
    from xbsql import kernels

    rows = part.sort_by(cid)
    vectors, present = matrix(one_chunk(rows[cvec]), "cluster.similarity_join")
    kept = np.ascontiguousarray(vectors[present], np.float32)
    ready = None
    if len(kept):
        ready = kernels.prepare(kept, metric=metric, codes=metric != "l2").arrays()
    return {
        "ids": one_chunk(rows[cid]).filter(pa.array(present)),
        "vectors": kept,
        "ready": ready,
        "metric": metric,
    }


def _within(block: pa.Table, qvec: str, shard: dict[str, Any], k: int) -> pa.Table:
    """The k best rows of one shard for each query of a block: q (its position), id, score."""
    from xbsql import kernels
    from xbsql.kernels.prepared import Prepared

    asked, present = matrix(one_chunk(block[qvec]), "cluster.similarity_join")
    places, offered = np.flatnonzero(present), shard["vectors"]
    scores, rows = np.empty((0, 1), np.float32), np.empty((0, 1), np.int64)
    if len(places) and len(offered):
        searches.check_lengths("cluster.similarity_join", asked, offered)
        ready = Prepared.of_arrays(shard["metric"], None, shard["ready"])
        chosen = np.ascontiguousarray(asked[present], np.float32)
        scores, rows = kernels.topk(
            chosen, offered, min(k, len(offered)), metric=ready.metric, prepared=ready
        )
    query, _ = np.nonzero(rows >= 0)
    ids = shard["ids"].take(pa.array(rows[rows >= 0]))
    return pa.table([pa.array(places[query]), ids, pa.array(scores[rows >= 0])], names=["q", "id", "score"])


def _merged(block: pa.Table, qid: str, k: int, *parts: pa.Table) -> pa.Table:
    """The k best of all shards for each query of a block: by score, then by id, then by shard."""
    found = pa.concat_tables(parts)
    found = found.sort_by([("q", "ascending"), ("score", "descending"), ("id", "ascending")])
    query = found["q"].to_numpy()
    first = np.searchsorted(query, query, side="left")
    rank = np.arange(len(query)) - first + 1
    best = found.filter(pa.array(rank <= k))
    columns = [block[qid].take(best["q"]), best["id"], best["score"], pa.array(rank[rank <= k], pa.int32())]
    return pa.table(columns, names=["qid", "cid", "score", "rank"])


def ray_of(where: str) -> ModuleType:
    """The module ray, with its data library.

    Raises:
        XbsqlError: it is not installed.
    """
    if find_spec("ray") is None:
        raise errors.invalid(where, "ray is not installed", "pip install 'xbsql[cluster]'")
    import ray
    import ray.data

    return ray


def check_columns(where: str, data: Dataset, names: Sequence[str]) -> None:
    """Raise where a dataset is known to lack a column; nothing runs to find out."""
    schema = data.schema(fetch_if_missing=False)
    for name in names if schema is not None else ():
        if name not in schema.names:
            raise errors.unknown(where, "column", name, schema.names, place="the dataset has")


def column_of(batch: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in batch.column_names:
        raise errors.unknown("cluster", "column", name, batch.column_names, place="the dataset has")
    return batch[name]
