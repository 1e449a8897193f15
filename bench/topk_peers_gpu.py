"""Other ways to the nearest rows on a CUDA device, each only where it is installed and works there."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

_SCORES = 8 << 30  # bytes of scores at a time in the plain way
_FAISS_TILE = 512 << 20  # bytes of scores at a time in FAISS's brute force


def plain(q: Tensor, x: Tensor, k: int, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Torch: product and topk, in tiles of the queries where the scores would not fit."""
    step = max(1, _SCORES // (4 * len(x)))
    parts = [_part(q[s : s + step], x, mask).topk(k, dim=1) for s in range(0, len(q), step)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def faiss_algorithm(q: Tensor, x: Tensor, k: int, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """FAISS's brute force rebuilt on torch: tiles of 512 MB of scores, top k of each, then of all."""
    width = max(k, _FAISS_TILE // (4 * max(1, min(len(q), 1024))))
    values, places = [], []
    for s in range(0, len(q), 1024):
        tiles, rows = [], []
        for t in range(0, len(x), width):
            score = _part(q[s : s + 1024], x[t : t + width], None if mask is None else mask[t : t + width])
            best = score.topk(min(k, score.shape[1]), dim=1)
            tiles.append(best.values)
            rows.append(best.indices + t)
        best = torch.cat(tiles, dim=1).topk(k, dim=1)
        values.append(best.values)
        places.append(torch.cat(rows, dim=1).gather(1, best.indices))
    return torch.cat(values), torch.cat(places)


def _part(q: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
    """Scores of some queries with all rows; cuBLAS wants more than 16 rows of an integer product."""
    if x.dtype == torch.int8:
        missing = max(0, 17 - len(q))
        score = torch._int_mm(torch.nn.functional.pad(q, (0, 0, 0, missing)), x.T)[: len(q)].float()
    else:
        score = q @ x.T
    return score if mask is None else score.masked_fill(~mask, -torch.inf)


PROVIDERS = {
    "torch": "torch",  # plain, compiled, in a CUDA graph
    "faiss": "faiss",
    "jax": "jax",
    "cupy": "cupy",
    "cuvs": "cuvs",
    "keops": "pykeops",
    "geomloss": "geomloss",
    "flash-kmeans": "flash_kmeans",
}
"""What may be left out or asked for, and the package it needs."""


def missing() -> dict[str, str]:
    """The providers that are not installed, and the package each needs."""
    return {name: package for name, package in PROVIDERS.items() if find_spec(package) is None}


def ways(q: Tensor, x: Tensor, k: int, mask: Tensor | None) -> dict[str, Callable[[], Any]]:
    """Every peer that is installed, by name; each returns scores and rows."""
    found: dict[str, Callable[[], Any]] = {
        "torch": lambda: plain(q, x, k, mask),
        "faiss algorithm on torch": lambda: faiss_algorithm(q, x, k, mask),
    }
    if not q.is_cuda or mask is not None or x.dtype == torch.int8:
        return found
    found |= {"torch.compile": lambda: _compiled(q, x, k), "torch graph": _graph(q, x, k)}
    if find_spec("faiss") is not None:
        found["faiss gpu"] = lambda: _faiss(q, x, k)
    if find_spec("cuvs") is not None:
        found["cuvs"] = lambda: _cuvs(q, x, k)
    if find_spec("jax") is not None:
        found |= {"jax top_k": _jax(q, x, k, exact=True), "jax approx_max_k": _jax(q, x, k, exact=False)}
    if find_spec("cupy") is not None and x.dtype != torch.bfloat16:
        found["cupy"] = lambda: _cupy(q, x, k)
    if find_spec("flash_kmeans") is not None and k == 1:
        found["flash-kmeans"] = lambda: _flash_kmeans(q, x)
    return found


def _graph(q: Tensor, x: Tensor, k: int) -> Callable[[], Any]:
    """Torch's product and topk, captured in a CUDA graph at the first call."""
    held: dict[str, Any] = {}

    def found() -> Any:  # noqa: ANN401
        if 4 * len(q) * len(x) > _SCORES:
            message = "the scores do not fit"
            raise ValueError(message)
        if not held:
            plain(q, x, k, None)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                held["out"] = plain(q, x, k, None)
            held["graph"] = graph
        held["graph"].replay()
        return held["out"]

    return found


def _jax(q: Tensor, x: Tensor, k: int, *, exact: bool) -> Callable[[], Any]:
    """jax.lax.top_k, or approx_max_k at its default recall, of the product, compiled."""
    held: dict[str, Any] = {}

    def found() -> Any:  # noqa: ANN401
        import jax  # type: ignore[import-not-found]

        if not held:
            take = jax.lax.top_k if exact else jax.lax.approx_max_k
            held["call"] = jax.jit(lambda a, b: take(a @ b.T, k))
            held["given"] = [jax.dlpack.from_dlpack(each) for each in (q, x)]
        scores, rows = jax.block_until_ready(held["call"](*held["given"]))
        return torch.utils.dlpack.from_dlpack(scores), torch.utils.dlpack.from_dlpack(rows)

    return found


def _cupy(q: Tensor, x: Tensor, k: int) -> Any:  # noqa: ANN401
    import cupy  # type: ignore[import-not-found]

    score = cupy.from_dlpack(q) @ cupy.from_dlpack(x).T
    rows = cupy.argpartition(-score, k - 1, axis=1)[:, :k]
    return torch.utils.dlpack.from_dlpack(
        cupy.take_along_axis(score, rows, 1)
    ), torch.utils.dlpack.from_dlpack(rows)


def _compiled(q: Tensor, x: Tensor, k: int) -> Any:  # noqa: ANN401
    if 4 * len(q) * len(x) > _SCORES:
        message = "the scores do not fit"
        raise ValueError(message)
    return _product_topk()(q, x, k)


@cache
def _product_topk() -> Callable[..., Any]:
    """Compiled when it is first asked for: torch's compiler imports triton."""
    return torch.compile(lambda q, x, k: (q @ x.T).topk(k, dim=1))


def _faiss(q: Tensor, x: Tensor, k: int) -> Any:  # noqa: ANN401
    import faiss
    import faiss.contrib.torch_utils

    if not hasattr(faiss, "StandardGpuResources"):
        message = "this faiss is for the CPU"
        raise ValueError(message)
    metric = faiss.METRIC_INNER_PRODUCT
    return faiss.knn_gpu(faiss.StandardGpuResources(), q.float(), x.float(), k, metric=metric)


def _cuvs(q: Tensor, x: Tensor, k: int) -> Any:  # noqa: ANN401
    from cuvs.neighbors import brute_force  # type: ignore[import-not-found]

    return brute_force.search(brute_force.build(x.float(), metric="inner_product"), q.float(), k)


def _flash_kmeans(q: Tensor, x: Tensor) -> tuple[None, Tensor]:
    """The nearest centre of each query, the rows being the centres: of unit rows the best under dot, too."""
    from flash_kmeans.assign_euclid_triton import euclid_assign_triton  # type: ignore[import-not-found]

    squares = q.float().square().sum(dim=1)[None]
    return None, euclid_assign_triton(q[None], x[None], squares)[0][:, None]
