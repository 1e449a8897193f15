"""Exact top-k and all pairs on a device: scan for group maxima, score the best again, prove the result.

The scan reads the corpus as bfloat16 (or as int8 codes, or as it is) and leaves one maximum for each group of
rows. The k best rows lie in the groups with the k best maxima, up to the scan's proven slack: groups are
scored again in float64 until no group left out can reach the k-th score found. What cannot be proven so is
scored exhaustively.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from xbsql.kernels import similarity
from xbsql.kernels.cpu_problem import WILD, Problem, lengths, marked, rounding
from xbsql.kernels.cpu_topk import exhaustive, first_k
from xbsql.kernels.prepared import GROUP
from xbsql.kernels.tuning import group_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xbsql.kernels.prepared import Codes, Prepared

_PEAKS = 1 << 27  # group maxima at a time: 512 MB
_ROUND = 4  # how much more groups are chosen where the first choice proved too few
_PAIRS = 1 << 20  # groups scored at a time
_SHARE = 8  # beyond one group in so many, scoring everything is cheaper
_RELATIVE = {torch.bfloat16: 1.01 * 2.0**-8, torch.float32: 2.0**-9}
"""Relative error of a product of two values rounded to the scan's dtype; float32 products may run as TF32."""


@dataclass(frozen=True)
class Scan:
    """A corpus ready for the device scan.

    Args:
        x: (n, columns) in the scan's dtype, columns a multiple of 64.
        scale, bias: float32 (n,) or None: score = (q . x) scale + bias; -inf takes a row out.
        reach: float32 (groups,): no row of the group is longer, counted as the metric does (1 for cosine).
        codes: scales and errors by group where x holds int8 codes, else None.
        size: rows of a group.
        tame: False where a length leaves the range in which the bounds hold.
    """

    x: Tensor
    scale: Tensor | None
    bias: Tensor | None
    reach: Tensor
    codes: Codes | None
    size: int
    tame: bool


def topk(
    problem: Problem,
    k: int,
    prepared: Prepared | None = None,
    dtype: torch.dtype = torch.bfloat16,
    proof: bool = True,
) -> tuple[Tensor, Tensor]:
    """The k best rows of every query: scores float32 (m, k), rows int64 (m, k); see `xbsql.kernels.topk`.

    Args:
        problem: on a CUDA device (or anywhere, under Triton's interpreter), with a mask but without `rows`.
        k: how many.
        prepared: its codes are scanned where it has them.
        dtype: what a float32 corpus is scanned as.
        proof: whether to go on until the result is proven.
    """
    problem = _by_rows(problem)
    scan = scan_of(problem, group_size(len(problem), k), prepared, dtype)
    if not scan.tame or _first_choice(scan, k) * scan.size * _SHARE > len(problem):
        return exhaustive(problem, k)
    step = max(1, _PEAKS // len(scan.reach))
    parts = [_chunk(problem.at(s, s + step), scan, k, proof) for s in range(0, len(problem.queries), step)]
    if not parts:
        return exhaustive(problem, k)
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _by_rows(problem: Problem) -> Problem:
    """The problem with every row of its corpus in one piece, as the kernels read it."""
    return problem if problem.corpus.stride(1) == 1 else replace(problem, corpus=problem.corpus.contiguous())


def _first_choice(scan: Scan, k: int) -> int:
    """Groups to score at first: so many that one round proves the result where vectors are random."""
    return (6 if scan.codes is not None else 2) * k + 8


def _chunk(problem: Problem, scan: Scan, k: int, proof: bool) -> tuple[Tensor, Tensor]:
    """The k best rows of a chunk of queries."""
    upper = bounds(problem, scan)
    count = _first_choice(scan, k)
    scores, rows, sure = _best_of(problem, scan, upper, k, count)
    while proof and not bool(sure.all()):
        open_ = (~sure).nonzero()[:, 0]
        count *= _ROUND
        part = replace(problem, queries=problem.queries[open_])
        if count * scan.size * _SHARE > len(problem):
            scores[open_], rows[open_] = exhaustive(part, k)
            break
        scores[open_], rows[open_], sure[open_] = _best_of(part, scan, upper[open_], k, count)
    return scores, rows


def _best_of(
    problem: Problem, scan: Scan, upper: Tensor, k: int, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The k best of the `count` most promising groups, and whether nothing else can be among them."""
    m = len(upper)
    best = upper.topk(min(count + 1, upper.shape[1]), dim=1)
    outside = (
        best.values[:, count] if upper.shape[1] > count else torch.full_like(best.values[:, 0], -torch.inf)
    )
    group = best.indices[:, :count].sort(dim=1).values  # rows in their order, for ties
    query = torch.arange(m, device=upper.device)[:, None].expand_as(group)
    score = _scores(problem, scan, query.reshape(-1), group.reshape(-1)).view(m, -1)
    row = (group[:, :, None] * scan.size + torch.arange(scan.size, device=upper.device)).view(m, -1)
    place = first_k(score, k)
    scores = score.gather(1, place)
    rows = torch.where(scores > -torch.inf, row.gather(1, place), -1)
    return scores, rows, (outside < scores[:, -1]) | (outside == -torch.inf)


def _scores(problem: Problem, scan: Scan, query: Tensor, group: Tensor) -> Tensor:
    """Exact scores of queries with all rows of groups, float32 (pairs, size)."""
    pairs = (query.contiguous(), group.contiguous())
    return similarity.rescore(
        problem.queries, problem.weights, problem.corpus, problem.mask, problem.metric, pairs, scan.size
    )


def bounds(problem: Problem, scan: Scan) -> Tensor:
    """What no exact score of a group can exceed, float32 (m, groups); -inf for groups without a row."""
    length: Tensor = torch.linalg.vector_norm(problem.direct(), dim=1, keepdim=True).float()
    if scan.x.dtype == torch.int8:
        return _int_bounds(problem, scan, length)
    folded = problem.folded() * (2 if problem.metric == "l2" else 1)
    peak = similarity.peaks(_wide(folded.to(scan.x.dtype)), scan.x, scan.scale, scan.bias, scan.size)
    relative = _RELATIVE[scan.x.dtype] + 2 * rounding(scan.x.shape[1])
    if problem.metric == "l2":
        return peak - length.square() + 2 * relative * (length + scan.reach).square()
    return peak + relative * length * scan.reach


def _int_bounds(problem: Problem, scan: Scan, length: Tensor) -> Tensor:
    """The same from integer products; see `cpu_scan.IntScan` for the bound."""
    own = problem.direct() if scan.codes is None else scan.codes.fold(problem.direct())
    off = rounding(scan.x.shape[1]) * length
    if scan.codes is None:
        peak = similarity.peaks(_wide(own.to(torch.int8)), scan.x, None, scan.bias, scan.size)
        return peak + off * scan.reach
    largest = own.abs().amax(dim=1, keepdim=True)
    step = torch.where(largest > 0, largest / 127, 1.0)
    code = torch.nan_to_num(own / step).round().clamp(-127, 127)
    rest: Tensor = torch.linalg.vector_norm(own - code * step, dim=1, keepdim=True).float()
    peak = similarity.peaks(_wide(code.to(torch.int8)), scan.x, None, scan.bias, scan.size)
    scale, left, reach = (_by_group(each, scan, peak.shape[1]) for each in scan.codes[1:4])
    return peak * (step.float() * scale) + 1.001 * (length * left + (rest + off) * reach)


def _by_group(each: Tensor, scan: Scan, groups: int) -> Tensor:
    """A value of every GROUP rows as one of every `scan.size` rows."""
    return each.repeat_interleave(GROUP // scan.size)[:groups]


def scan_of(problem: Problem, size: int, prepared: Prepared | None, dtype: torch.dtype) -> Scan:
    """The corpus in the form the scan reads: codes where prepared, raw int8, else rows rounded to `dtype`."""
    x, metric = problem.corpus, problem.metric
    weights = None if problem.weights is None or metric == "dot" else problem.weights.float()
    if prepared is not None:
        length = marked(prepared.length, metric)
    else:
        step = max(1, (1 << 26) // x.shape[1])
        length = torch.cat(
            [lengths(x[s : s + step].float(), weights, metric) for s in range(0, len(x), step)]
        )
    dead = length.isnan() if problem.mask is None else length.isnan() | ~problem.mask
    tame = not bool((length > WILD).any())
    length = torch.where(dead, 0.0, length)
    codes = None if prepared is None else prepared.codes
    integer = codes is not None or (x.dtype == torch.int8 and metric == "dot" and weights is None)
    rows = x if codes is None else codes.code
    scale = torch.where(length > 0, 1 / length, 0.0) if metric == "cosine" and not integer else None
    bias = -length.square() if metric == "l2" else torch.zeros_like(length) if bool(dead.any()) else None
    if bias is not None:
        bias = torch.where(dead, -torch.inf, bias)
    reach = _reach(torch.ones_like(length) if metric == "cosine" else length, size)
    return Scan(_wide(rows if integer else rows.to(dtype)), scale, bias, reach, codes, size, tame)


def _reach(length: Tensor, size: int) -> Tensor:
    """The largest length of every `size` rows."""
    return torch.nn.functional.pad(length, (0, -len(length) % size)).view(-1, size).amax(dim=1)


def _wide(x: Tensor) -> Tensor:
    """The matrix with zeros up to a multiple of 64 columns, so that rows begin where TMA wants them."""
    missing = -x.shape[1] % 64
    return torch.nn.functional.pad(x, (0, missing)) if missing else x.contiguous()


def threshold_join(
    problem: Problem, threshold: float, itself: bool, most: int | None, dtype: torch.dtype = torch.bfloat16
) -> tuple[Tensor, Tensor, Tensor]:
    """Every pair whose score is at least the threshold, ordered by (i, j); see `cpu_join.threshold_join`.

    The maxima of the scan say which groups can hold a pair; only those are scored.
    """
    problem = _by_rows(problem)
    least = torch.tensor(threshold, dtype=torch.float32, device=problem.corpus.device)
    scan = scan_of(problem, 32, None, dtype)
    none = torch.empty(0, dtype=torch.int64, device=least.device)
    count, parts = 0, [(none, none, torch.empty(0, device=least.device))]
    step = max(1, _PEAKS // len(scan.reach)) if len(problem) else 1
    for first in range(0, len(problem.queries) if len(problem) else 0, step):
        part = problem.at(first, first + step)
        possible = bounds(part, scan) >= least if scan.tame else _all_groups(part, scan)
        if itself:
            possible[:, : first // scan.size] = False
        for query, row, score in _reaching(part, scan, possible, least):
            keep = row > query + first if itself else torch.ones_like(query, dtype=torch.bool)
            if itself and problem.mask is not None:
                keep &= problem.mask[query + first]
            parts.append((query[keep] + first, row[keep], score[keep]))
            count += len(parts[-1][0])
            if most is not None and count > most:
                message = f"threshold_join: more than max_pairs={most} pairs reach {threshold}; raise either"
                raise ValueError(message)
    left, right, score = (torch.cat(column) for column in zip(*parts, strict=True))
    order = (left * max(1, len(problem)) + right).argsort()
    return left[order], right[order], score[order]


def _all_groups(problem: Problem, scan: Scan) -> Tensor:
    return torch.ones(len(problem.queries), len(scan.reach), dtype=torch.bool, device=scan.x.device)


def _reaching(
    problem: Problem, scan: Scan, possible: Tensor, least: Tensor
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Queries, rows and scores of the pairs in the possible groups that reach the threshold."""
    query, group = possible.nonzero(as_tuple=True)
    for s in range(0, len(query), _PAIRS):
        part = query[s : s + _PAIRS], group[s : s + _PAIRS]
        score = _scores(problem, scan, *part)
        pair, inside = (score >= least).nonzero(as_tuple=True)
        yield part[0][pair], part[1][pair] * scan.size + inside, score[pair, inside]
