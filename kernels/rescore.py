"""Triton kernels: exact scores of the rows of chosen groups, and the k best of them.

A scored row travels as one int64 key: the score's bits, made to order like the score, above the row's number
counted from the end. So larger keys are better, of equal scores the lower row is, and no two are alike.
"""

from __future__ import annotations

import triton
import triton.language as tl

MOST = 256  # results a query that `finish_kernel` holds in registers
WIDE = 32  # groups that `device_search` chooses by their largest bound first
_NOTHING = tl.constexpr(-(1 << 63) + 1)  # keys from here on to _NOTHING + MOST are of no row
_LAST = tl.constexpr(0x7FFFFFFF)


@triton.jit  # type: ignore[untyped-decorator]
def exact(
    q_row: tl.tensor,  # (d,) float64, folded
    w_ptr: tl.tensor,  # (d,) float64
    x_ptr: tl.tensor,  # (n, d) the corpus
    alive_ptr: tl.tensor,  # (n,) uint8
    row: tl.tensor,  # (G,) int64
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,  # of a row of x
    HAS_WEIGHTS: tl.constexpr,
    HAS_ALIVE: tl.constexpr,
    METRIC: tl.constexpr,
    G: tl.constexpr,
    BD: tl.constexpr,
) -> tl.tensor:
    """Float64 scores, as float32, of a query with G rows; -inf for NaN and rows that cannot be returned."""
    real = row < n
    total = tl.zeros((G,), tl.float64)
    square = tl.zeros((G,), tl.float64)
    for k in range(0, d, BD):
        column = k + tl.arange(0, BD)
        inside = column < d
        q = tl.load(q_row + column, mask=inside, other=0.0)[None, :]
        place = row[:, None] * stride + column[None, :]
        x = tl.load(x_ptr + place, mask=real[:, None] & inside[None, :], other=0.0).to(tl.float64)
        if HAS_WEIGHTS:
            x = x * tl.load(w_ptr + column, mask=inside, other=0.0)[None, :]
        if METRIC == 2:
            total -= tl.sum((q - x) * (q - x), axis=1)
        else:
            total += tl.sum(q * x, axis=1)
        if METRIC == 1:
            square += tl.sum(x * x, axis=1)
    if METRIC == 1:
        total = tl.where(square > 0, total / tl.sqrt(tl.where(square > 0, square, 1.0)), total)
    score = total.to(tl.float32) + 0.0
    if HAS_ALIVE:
        real = real & (tl.load(alive_ptr + row, mask=real, other=0) != 0)
    return tl.where(real & (score == score), score, float("-inf"))


@triton.jit  # type: ignore[untyped-decorator]
def keyed(score: tl.tensor, row: tl.tensor) -> tl.tensor:
    """Keys of scored rows; _NOTHING for -inf."""
    bits = (score + 0.0).to(tl.int32, bitcast=True)
    bits = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    key = bits.to(tl.int64) * 4294967296 + (_LAST - row)
    return tl.where(score > float("-inf"), key, _NOTHING)


@triton.jit  # type: ignore[untyped-decorator]
def scored(key: tl.tensor) -> tl.tensor:
    """The scores of keys, float32."""
    bits = (key >> 32).to(tl.int32)
    score = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.float32, bitcast=True)
    return tl.where(key < _NOTHING + 4096, float("-inf"), score)


@triton.jit  # type: ignore[untyped-decorator]
def rescore_kernel(
    q_ptr: tl.tensor,  # (m, d) float64
    w_ptr: tl.tensor,
    x_ptr: tl.tensor,
    alive_ptr: tl.tensor,
    query_ptr: tl.tensor,  # (pairs,) int64
    group_ptr: tl.tensor,  # (pairs,) int64
    out_ptr: tl.tensor,  # (pairs, G) float32
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,
    HAS_WEIGHTS: tl.constexpr,
    HAS_ALIVE: tl.constexpr,
    METRIC: tl.constexpr,
    G: tl.constexpr,
    BD: tl.constexpr,
) -> None:
    """Exact scores of listed pairs of a query and a group."""
    pair = tl.program_id(0).to(tl.int64)
    q_row = q_ptr + tl.load(query_ptr + pair) * d
    row = tl.load(group_ptr + pair) * G + tl.arange(0, G)
    score = exact(q_row, w_ptr, x_ptr, alive_ptr, row, n, d, stride, HAS_WEIGHTS, HAS_ALIVE, METRIC, G, BD)
    tl.store(out_ptr + pair * G + tl.arange(0, G), score)


@triton.jit  # type: ignore[untyped-decorator]
def keys_kernel(
    q_ptr: tl.tensor,  # (m, d) float64
    w_ptr: tl.tensor,
    x_ptr: tl.tensor,
    alive_ptr: tl.tensor,
    pick_ptr: tl.tensor,  # (m, width) int64: groups, or places among those of the chosen WIDEs
    wide_ptr: tl.tensor,  # (m, width) int64: the chosen WIDEs, each of `WIDE` groups
    out_ptr: tl.tensor,  # (m, count, G) int64 keys
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,
    count: tl.tensor,
    width: tl.tensor,
    HAS_WEIGHTS: tl.constexpr,
    HAS_ALIVE: tl.constexpr,
    HAS_WIDE: tl.constexpr,
    METRIC: tl.constexpr,
    G: tl.constexpr,
    BD: tl.constexpr,
    WIDE: tl.constexpr,
) -> None:
    """Keys of the rows of each query's first `count` picked groups."""
    pair = tl.program_id(0).to(tl.int64)
    query = pair // count
    group = tl.load(pick_ptr + query * width + pair % count)
    if HAS_WIDE:
        group = tl.load(wide_ptr + query * width + group // WIDE) * WIDE + group % WIDE
    row = group * G + tl.arange(0, G)
    q_row = q_ptr + query * d
    score = exact(q_row, w_ptr, x_ptr, alive_ptr, row, n, d, stride, HAS_WEIGHTS, HAS_ALIVE, METRIC, G, BD)
    tl.store(out_ptr + pair * G + tl.arange(0, G), keyed(score, row))


@triton.jit  # type: ignore[untyped-decorator]
def finish_kernel(
    q_ptr: tl.tensor,  # (m, d) float64
    w_ptr: tl.tensor,
    x_ptr: tl.tensor,
    alive_ptr: tl.tensor,
    key_ptr: tl.tensor,  # (m, k) int64, best first
    upper_ptr: tl.tensor,  # (m, groups) int16: the bits of bfloat16 bounds
    outside_ptr: tl.tensor,  # (m, width) int16: the picked groups' bounds, best first
    score_ptr: tl.tensor,  # (m, k) float32
    row_ptr: tl.tensor,  # (m, k) int64
    n: tl.tensor,
    d: tl.tensor,
    stride: tl.tensor,
    k: tl.tensor,
    groups: tl.tensor,
    count: tl.tensor,
    width: tl.tensor,
    HAS_WEIGHTS: tl.constexpr,
    HAS_ALIVE: tl.constexpr,
    PROOF: tl.constexpr,
    METRIC: tl.constexpr,
    K: tl.constexpr,
    G: tl.constexpr,
    BD: tl.constexpr,
) -> None:
    """The k best of a query; where a group left out could hold one, found anew among all groups."""
    query = tl.program_id(0).to(tl.int64)
    slot = tl.arange(0, K)
    best = tl.load(key_ptr + query * k + slot, mask=slot < k, other=_NOTHING)
    floor = tl.min(tl.where(slot < k, scored(best), float("inf")), axis=0)
    if PROOF:
        outside = tl.load(outside_ptr + query * width + count, mask=count < width, other=-128)
        outside = (outside.to(tl.int32) << 16).to(tl.float32, bitcast=True)
        if (outside >= floor) & (outside > float("-inf")):
            # Slots beyond k never give way; what is held in the others gives way to any row.
            best = tl.where(slot < k, slot.to(tl.int64) + _NOTHING, 9223372036854775807)
            for g in range(groups):
                bound = tl.load(upper_ptr + query * groups + g).to(tl.int32) << 16
                if bound.to(tl.float32, bitcast=True) >= floor:
                    row = (query * 0 + g) * G + tl.arange(0, G)
                    q_row = q_ptr + query * d
                    score = exact(
                        q_row, w_ptr, x_ptr, alive_ptr, row, n, d, stride,
                        HAS_WEIGHTS, HAS_ALIVE, METRIC, G, BD,
                    )  # fmt: skip
                    key = keyed(score, row)
                    low, high = tl.min(best, axis=0), tl.max(key, axis=0)
                    while high > low:
                        best = tl.where(best == low, high, best)
                        key = tl.where(key == high, _NOTHING, key)
                        low, high = tl.min(best, axis=0), tl.max(key, axis=0)
                    floor = tl.maximum(floor, scored(low))
            best = tl.sort(tl.where(slot < k, best, _NOTHING), descending=True)
    score = scored(best)
    row = tl.where(score > float("-inf"), _LAST - (best & 0xFFFFFFFF), -1)
    tl.store(score_ptr + query * k + slot, score, mask=slot < k)
    tl.store(row_ptr + query * k + slot, row, mask=slot < k)
