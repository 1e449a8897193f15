"""Similarity: top-k, all pairs above a threshold, neighbours by co-occurrence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from xbsql.kernels import arrays, cpu_cooccurrence, cpu_join, cpu_topk
from xbsql.kernels.cpu_request import Request
from xbsql.kernels.dispatch import guard, on_triton

if TYPE_CHECKING:
    from xbsql.kernels.arrays import Array, ArrayT
    from xbsql.kernels.prepared import Prepared


_GATHER = 0.1
"""Share of the rows below which reading them singly costs less than an int8 scan of all."""


def topk(
    queries: ArrayT,
    corpus: ArrayT,
    k: int,
    *,
    metric: str = "dot",
    weights: Array | None = None,
    mask: Array | None = None,
    precision: str = "exact",
    prepared: Prepared | None = None,
) -> tuple[ArrayT, ArrayT]:
    """Find the k rows of the corpus most similar to each query.

    A score is computed in float64 and rounded to float32. Of equal scores the lower row comes first. The
    result is exact: faster scans only narrow down what is scored. A NaN score never wins: such a row is never
    returned.

    Args:
        queries: float32, float16, bfloat16 or int8, shape (m, d); NumPy or torch. Read-only and strided are
            fine.
        corpus: same dtype and device, shape (n, d), n below 2**31.
        k: how many, 1 <= k <= n.
        metric: "dot"; "cosine" (0 where either side is all zero); "l2", minus the squared distance.
        weights: float32 or float64, shape (d,): multiplies every feature of the product once (dot), or of
            both sides
            (cosine, l2): a transferability per feature.
        mask: bool, shape (n,): rows that are False are never returned.
        precision: "exact"; or "fast", which on a device returns the best of the most promising groups without
            the
            proof that no other row is better (their scores are exact all the same). On the CPU both are
            exact.
        prepared: what `prepare(corpus, metric=..., weights=...)` gave: the same result, sooner.

    Returns:
        Scores float32 (m, k), descending; rows int64 (m, k). Where fewer than k rows can be returned the rest
        is padded with score -inf and row -1. Of the kind and on the device of the arguments.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices, k, metric or prepared do not agree.
    """
    q = arrays.tensor("topk", "queries", queries, arrays.VECTORS, 2)
    x = arrays.tensor("topk", "corpus", corpus, arrays.VECTORS, 2)
    arrays.pair("topk", "queries", q, "corpus", x)
    arrays.some_rows("topk", "corpus", x)
    arrays.choice("topk", "metric", metric, arrays.METRICS)
    arrays.choice("topk", "precision", precision, ("exact", "fast"))
    k = arrays.whole("topk", "k", k, 1, len(x))
    w = arrays.weights("topk", weights, x.shape[1], x if prepared is None else torch.empty(0))
    keep = arrays.flags("topk", "mask", mask, len(x), x)
    if prepared is not None:
        _agrees(prepared, x, metric, w)
        w = prepared.weights
    if on_triton(q):
        from xbsql.kernels import device_search

        with guard(q):
            asked = device_search.Search(q, x, metric, w, keep)
            scores, rows = device_search.topk(asked, k, prepared, proof=precision == "exact")
    else:
        ready = None if x.is_cuda else prepared
        length = None if ready is None or metric == "l2" else ready.length
        gather = 0.5 if ready is None or ready.codes is None else _GATHER
        request = Request.of(q.cpu(), x.cpu(), metric, _cpu(w), _cpu(keep), gather, length)
        scores, rows = cpu_topk.topk(request, k, ready)
    return arrays.alike(queries, scores.to(q.device)), arrays.alike(queries, rows.to(q.device))


def _cpu(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.cpu()


def _agrees(prepared: Prepared, x: Tensor, metric: str, weights: Tensor | None) -> None:
    """Raise ValueError unless `prepared` was made of such a corpus, for this metric and these weights."""
    own = prepared.weights_at_hand
    same = (own is None) == (weights is None) and (
        weights is None or own is None or torch.equal(own, weights)
    )
    codes = prepared.codes
    width = None if codes is None else codes.code if codes.head is None else codes.head.basis
    fits = len(prepared.length) == len(x) and (width is None or width.shape[1] == x.shape[1])
    if prepared.metric != metric or not fits or not same:
        made_for = (
            f"metric '{prepared.metric}', {len(prepared.length)} rows, {'these' if same else 'other'} weights"
        )
        message = f"topk: prepared was made for {made_for}; prepare this corpus for this search"
        raise ValueError(message)
    if prepared.length.device != x.device:
        message = f"topk: prepared is on {prepared.length.device}, corpus on {x.device}; prepare it there"
        raise ValueError(message)


def threshold_join(
    left: ArrayT,
    right: ArrayT | None = None,
    threshold: float = 0.9,
    *,
    metric: str = "cosine",
    weights: Array | None = None,
    mask: Array | None = None,
    max_pairs: int | None = None,
) -> tuple[ArrayT, ArrayT, ArrayT]:
    """Find every pair of rows whose similarity is at least the threshold.

    Args:
        left: float32, float16, bfloat16 or int8, shape (m, d); NumPy or torch.
        right: same dtype and device, shape (n, d); None joins `left` with itself and gives each pair once, i
            < j.
        threshold: a finite number, compared with the float32 score; equal is in.
        metric: "cosine", "dot" or "l2" (minus the squared distance, so the threshold is 0 or less), as in
            `topk`.
        weights: float32 or float64, shape (d,), as in `topk`.
        mask: bool, one for each row of `right` (of `left` where right is None): False rows are in no pair.
        max_pairs: refuse to return more pairs than this; None for no limit.

    Returns:
        Left rows int64, right rows int64 and scores float32, each (pairs,), ordered by left row, then right
        row. A NaN score is in no pair.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, devices, metric or threshold do not fit, or there are more than max_pairs
            pairs.
    """
    a = arrays.tensor("threshold_join", "left", left, arrays.VECTORS, 2)
    b = a if right is None else arrays.tensor("threshold_join", "right", right, arrays.VECTORS, 2)
    arrays.pair("threshold_join", "left", a, "right", b)
    arrays.some_rows("threshold_join", "left", a, 0)
    arrays.some_rows("threshold_join", "right", b, 0)
    arrays.choice("threshold_join", "metric", metric, arrays.METRICS)
    if not np.isfinite(threshold):
        message = f"threshold_join: threshold is {threshold}; it must be a finite number"
        raise ValueError(message)
    most = None if max_pairs is None else arrays.whole("threshold_join", "max_pairs", max_pairs, 0, 2**62)
    w = arrays.weights("threshold_join", weights, b.shape[1], b)
    keep = arrays.flags("threshold_join", "mask", mask, len(b), b)
    if on_triton(a):
        from xbsql.kernels import device_search

        with guard(a):
            asked = device_search.Search(a, b, metric, w, keep)
            i, j, scores = device_search.threshold_join(asked, threshold, right is None, most)
    else:
        request = Request.of(a.cpu(), b.cpu(), metric, _cpu(w), _cpu(keep))
        i, j, scores = cpu_join.threshold_join(request, threshold, right is None, most, _cpu(keep))
    found = (each.to(a.device) for each in (i, j, scores))
    return arrays.alike(left, next(found)), arrays.alike(left, next(found)), arrays.alike(left, next(found))


def cooccurrence_topk(
    users: ArrayT,
    items: ArrayT,
    k: int,
    *,
    n_items: int | None = None,
    values: Array | None = None,
    user_weights: Array | None = None,
    shrink: float = 0.0,
) -> tuple[ArrayT, ArrayT]:
    """Find the k items most often seen with each item: weighted cosine between the items' users.

    sim(i, j) = sum_u w_u r_ui r_uj / sqrt((m_i + shrink) (m_j + shrink)), m_i = sum_u w_u r_ui^2: item-based
    collaborative filtering (Sarwar et al., WWW 2001), with user weights for IUF or for the user's market.
    Computed in float64 by blocks of items; of equal scores the lower item comes first.

    Args:
        users: int64 or int32, shape (p,), 0 or more: the user of each pair; NumPy or torch.
        items: same kind and shape: the item of each pair, below n_items. The values of a repeated pair add
            up.
        k: how many neighbours, 1 <= k <= n_items.
        n_items: how many items there are; None for the largest seen plus one.
        values: float32 or float64, shape (p,): r; None for ones.
        user_weights: float32 or float64, one for each user up to the largest seen at least; None for ones.
        shrink: 0 or more, damps similarities that rest on few users.

    Returns:
        Scores float32 (n_items, k), descending; items int64 (n_items, k). An item is not its own neighbour.
        Items never seen together are no neighbours: the rest is padded with score -inf and item -1.

    Raises:
        TypeError: neither NumPy nor torch.
        ValueError: shapes, dtypes, k, n_items or shrink do not fit; negative ids; weights or values not
            finite.
    """
    where = "cooccurrence_topk"
    u = arrays.tensor(where, "users", users, (torch.int64, torch.int32), 1).cpu().long()
    i = arrays.tensor(where, "items", items, (torch.int64, torch.int32), 1)
    device = i.device
    i = i.cpu().long()
    arrays.same_length(where, "items", i, len(u))
    n_users, seen = _ids(where, "users", u), _ids(where, "items", i)
    n_items = seen if n_items is None else n_items
    count = arrays.whole(where, "n_items", n_items, max(1, seen), arrays.MAX_ROWS)
    k = arrays.whole(where, "k", k, 1, count)
    if not 0 <= shrink < np.inf:
        message = f"{where}: shrink is {shrink}; it must be 0 or more"
        raise ValueError(message)
    r = arrays.vector(where, "values", values, len(u), u)
    r = torch.ones(len(u), dtype=torch.float64) if r is None else r
    w = _user_weights(where, user_weights, n_users)
    arrays.finite(where, "values", r)
    given = (r.numpy(), w.numpy(), float(shrink))
    scores, rows = cpu_cooccurrence.cooccurrence_topk(u.numpy(), i.numpy(), k, count, *given)
    return arrays.alike(users, scores.to(device)), arrays.alike(users, rows.to(device))


def _ids(where: str, name: str, ids: Tensor) -> int:
    """One more than the largest id; ValueError where an id is negative."""
    if len(ids) and int(ids.min()) < 0:
        message = f"{where}: {name} holds {int(ids.min())}; ids are 0 or more"
        raise ValueError(message)
    return int(ids.max()) + 1 if len(ids) else 0


def _user_weights(where: str, given: Array | None, n_users: int) -> Tensor:
    """Float64 weights for at least n_users users, 0 or more."""
    if given is None:
        return torch.ones(n_users, dtype=torch.float64)
    w = arrays.tensor(where, "user_weights", given, arrays.REALS, 1).cpu().double()
    if len(w) < n_users or not bool((torch.isfinite(w) & (w >= 0)).all()):
        message = f"{where}: user_weights has {len(w)} entries for {n_users} users; give each one, 0 or more"
        raise ValueError(message)
    return w
