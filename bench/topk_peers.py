"""Other ways to the nearest rows on the CPU, each behind the same call: the rows (m, k) it finds."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Search = Callable[[], NDArray[np.int64]]

FAISS_BLOCKS = (4096, 8192, 16384)
_BLOCK = 8192


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Every library of this module on `count` threads, and as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def torch_blocks(q: Matrix, x: Matrix, k: int) -> Search:
    """Torch: product and topk of blocks, then topk of what is left."""
    a, b = torch.from_numpy(q), torch.from_numpy(x)

    def search() -> NDArray[np.int64]:
        values, rows = [], []
        for start in range(0, len(b), 4 * _BLOCK):
            best = torch.topk(a @ b[start : start + 4 * _BLOCK].T, k, dim=1)
            values.append(best.values)
            rows.append(best.indices + start)
        order = torch.topk(torch.cat(values, 1), k, dim=1).indices
        return torch.cat(rows, 1).gather(1, order).numpy()

    return search


def numpy_blocks(q: Matrix, x: Matrix, k: int) -> Search:
    """NumPy: product and argpartition of blocks, then once more."""

    def search() -> NDArray[np.int64]:
        values, rows = [], []
        for start in range(0, len(x), _BLOCK):
            score = q @ x[start : start + _BLOCK].T
            best = np.argpartition(score, score.shape[1] - k, axis=1)[:, -k:]
            values.append(np.take_along_axis(score, best, 1))
            rows.append(best + start)
        order = np.argsort(-np.concatenate(values, 1), axis=1)[:, :k]
        return np.take_along_axis(np.concatenate(rows, 1), order, 1)

    return search


def faiss_flat(q: Matrix, x: Matrix, k: int, count: int) -> dict[str, Search]:
    """IndexFlatIP by default, and with BLAS always and several block sizes; nothing where not installed."""
    if find_spec("faiss") is None:
        return {}
    import faiss

    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    default = (faiss.cvar.distance_compute_blas_threshold, faiss.cvar.distance_compute_blas_database_bs)

    def with_blocks(threshold: int, block: int) -> Search:
        def search() -> NDArray[np.int64]:
            faiss.omp_set_num_threads(count)
            faiss.cvar.distance_compute_blas_threshold = threshold
            faiss.cvar.distance_compute_blas_database_bs = block
            found: NDArray[np.int64] = index.search(q, k)[1]
            return found

        return search

    tuned = {f"faiss blas {block}": with_blocks(1, block) for block in FAISS_BLOCKS}
    return {"faiss default": with_blocks(*default), **tuned}


def usearch_exact(q: Matrix, x: Matrix, k: int, count: int) -> dict[str, Search]:
    """Usearch's exact search over float32; nothing where it is not installed."""
    if find_spec("usearch") is None:
        return {}
    from usearch.index import search

    def found() -> NDArray[np.int64]:
        keys = search(x, q, k, "ip", exact=True, threads=count).keys
        return np.asarray(keys, dtype=np.int64)

    return {"usearch exact": found}


def duckdb_table(q: Matrix, x: Matrix, k: int, count: int) -> Search:
    """DuckDB: array_cosine_similarity of every pair and max_by per query; the vectors are tables already."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.execute(f"SET threads = {count}")
    for name, matrix in (("items", x), ("queries", q)):
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        given = pa.table({"id": pa.array(np.arange(len(matrix))), "v": vectors})
        connection.register("given", given)
        connection.execute(f"CREATE TABLE {name} AS SELECT id, v::FLOAT[{matrix.shape[1]}] AS v FROM given")
        connection.unregister("given")
    text = (
        f"SELECT max_by(i.id, array_cosine_similarity(q.v, i.v), {k}) "
        "FROM queries q, items i GROUP BY q.id ORDER BY q.id"
    )
    return lambda: np.array([row[0] for row in connection.execute(text).fetchall()])


def exact_rows(q: Matrix, x: Matrix, k: int) -> NDArray[np.int64]:
    """The definition: float64 products rounded to float32, the lower row first on ties."""
    from xbsql.kernels import reference

    wide = x.astype(np.float64)
    parts = [
        reference.topk(q[s : s + 10].astype(np.float64), wide, k, "dot")[1] for s in range(0, len(q), 10)
    ]
    return np.concatenate(parts)


def recall(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Share of the wanted rows among the found ones."""
    hits = [len(set(a) & set(b)) for a, b in zip(found.tolist(), wanted.tolist(), strict=True)]
    return float(sum(hits) / wanted.size)


def one_query_products(q: Matrix, x: Matrix) -> dict[str, Callable[[], Any]]:
    """Other routines for the product of all rows with one query: what else the scan of one query could be."""
    from scipy.linalg import blas

    one, rows = q[0], torch.from_numpy(x)
    linear = torch.ops.mkldnn._linear_pointwise
    few = torch.from_numpy(np.ascontiguousarray(np.repeat(q, 4, axis=0)))
    return {
        "product alone: numpy vecdot": lambda: np.vecdot(x, one),
        "product alone: numpy einsum": lambda: np.einsum("ij,j->i", x, one),
        "product alone: numpy matmul": lambda: x @ one,
        "product alone: scipy sgemv": lambda: blas.sgemv(1.0, x.T, one, trans=1),
        "product alone: torch mv": lambda: torch.mv(rows, few[0]),
        "product alone: torch mm, 4 queries": lambda: torch.mm(rows, few.T),
        "product alone: onednn linear": lambda: linear(few[:1], rows, None, "none", [], ""),
    }
