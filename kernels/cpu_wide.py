"""The k best of a few queries among all places at once, where k is large: one choice in place of many merges.

A gate that rises from block to block scores and sorts again what it let through; for k = 100 that costs more
than the product. Here a sample of the rows gives each query a floor that little more than k rows reach. What
reaches it is picked out of tiles of scores that stay in the cache; the k-th best of that is near enough the
truth that only what lies within twice the slack of it is scored exactly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xbsql.kernels import cpu_half
from xbsql.kernels.cpu_pairs import TilePairs
from xbsql.kernels.cpu_product import FEW
from xbsql.kernels.cpu_scan import FloatScan
from xbsql.kernels.slack import UNDERFLOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.kernels.cpu_half import HalfScan
    from xbsql.kernels.cpu_request import Block, Request
    from xbsql.kernels.prepared import Prepared

_LEAST = 32  # results from which on this is faster than a rising gate
_MOST = 1 << 18  # places up to which it is
_SCARCE = 64  # few queries take the gate while k is below this share of the places
_QUERIES = 1024  # in a tile
_RANKED = 32  # ranked at a time, a divisor of _QUERIES
_SCORES = 1 << 21  # in a tile: 4 or 8 MB
_VALUES = 1 << 20  # of the rows of a tile
_STRANGE = 16  # rows that no bound holds for and that spoil nothing
_SHARE = 12  # one row in so many is in the sample
_SOME = 64  # queries that say how many places reach the floor
_SAMPLE = 1024  # rows in it at least, or a quarter of all
_MARGIN = 1.5  # slacks below a sample's k-th best that are looked at: one proves, if that is not far off
_TOO_MANY = 8  # times as many scores as expected reach the floor: too many are alike
_LAST = 0x7FFFFFFF
_NOTHING = np.iinfo(np.int64).min
_ONE = 0x3F80  # the bits of a bfloat16 of 1
_SMALL = 1e-20  # smaller floors are left as they are
_LEAST_SCORE = np.finfo(np.float32).min  # what cannot be returned is below it


def is_wide(metric: str, m: int, k: int, count: int) -> bool:
    """Whether k of `count` places are best found at once, in float32 even where there are codes."""
    many = m > FEW or (m > 0 and k * _SCARCE > count)
    return many and k >= _LEAST and 8 * k <= count <= _MOST and metric != "l2"


class Wide(NamedTuple):
    """Scores float32 and places int64 (m, k), best first; bool (m,): the queries these are proven for.

    Of equal scores the lower place comes first; -inf and -1 where fewer than k can be returned.
    """

    scores: Tensor
    places: Tensor
    sure: Tensor


class _Aim(NamedTuple):
    """What a sample says of the scan scores.

    Args:
        floor: float32 (m, 1): a score that somewhat more than k places of each query reach.
        expected: how many do, of a query.
        room: how many do of any query, but for one in many thousand.
    """

    floor: NDArray[np.float32]
    expected: float
    room: int


def best_of_all(request: Request, prepared: Prepared | None, k: int, low: int, high: int) -> Wide | None:
    """The k best of low..high; None where no bound holds, or too many scores are alike."""
    aim = _aim(request, k, low, high)
    # Where the floor is the same for all queries, NumPy compares four times as fast: it is 1.
    unit = np.where((aim.floor > _SMALL) & (aim.floor < np.inf), aim.floor, 1).astype(np.float32)
    tops = _picked(request, prepared, aim._replace(floor=aim.floor / unit), unit, (low, high))
    if tops is None:
        return None
    keys, sure = zip(
        *(top.best(k, i) for top in tops for i in range(0, len(top.count), _RANKED)), strict=True
    )
    key = np.concatenate(keys)
    scores = np.where(key > _NOTHING, _floats((key >> 32).astype(np.int32)), np.float32(-np.inf))
    places = np.where(key > _NOTHING, _LAST - (key & 0xFFFFFFFF), -1)
    return Wide(torch.from_numpy(scores), torch.from_numpy(places), torch.from_numpy(np.concatenate(sure)))


def _scan(request: Request, prepared: Prepared | None) -> FloatScan | HalfScan:
    half = cpu_half.is_chosen(len(request.queries))
    return cpu_half.HalfScan(request, prepared) if half else FloatScan.of(request, prepared)


def _aim(request: Request, k: int, low: int, high: int) -> _Aim:
    """Score a sample.

    Of the k best the sample holds a share, give or take the root of it; three and a half such roots more are
    enough but for one query in some thousands, which is found out and searched otherwise. The floor lies
    below that by what the slack takes.
    """
    n, m = high - low, len(request.queries)
    places = torch.from_numpy(low + sampled(n))
    size = len(places)
    mask = None if request.mask is None else request.mask[places]
    scan = _scan(replace(request, rows=request.row(places), mask=mask), None)
    share = k * size / n
    rank = min(size, int(share + 3.5 * share**0.5 + 3))
    floor, count = np.full((m, 1), _LEAST_SCORE, np.float32), [rank]
    for first in range(0, m, _QUERIES):
        here = slice(first, min(first + _QUERIES, m))
        block = scan.block(here.start, here.stop, 0, size)
        if block is not None:
            some = block.score[:_SOME].float().numpy()
            least = _lower(_ranked(block.score, rank), _MARGIN, block.slack.numpy(), scan.unit)
            floor[here] = np.clip(least, _LEAST_SCORE, None)
            count.extend((some >= floor[here][:_SOME]).sum(axis=1))
    usual, many = np.quantile(count, [0.5, 0.9]) * n / size
    return _Aim(floor, usual, k + _STRANGE + int(many * (1 + 4 * rank**-0.5)))


def sampled(n: int) -> NDArray[np.int64]:
    """Some of n places, one by chance of each few in turn."""
    size = max(n // _SHARE, min(_SAMPLE, n // 4))
    return n // size * np.arange(size) + np.random.default_rng(0).integers(0, n // size, size)


def _ranked(score: Tensor, rank: int) -> NDArray[np.float32]:
    """The score of a rank in each line of (m, b), float32 (m, 1); the scores are out of order afterwards."""
    place = score.shape[1] - rank
    if score.dtype != torch.bfloat16:
        value = score.numpy()
        value.partition(place, axis=1)
        return value[:, [place]]
    bits = score.view(torch.int16).numpy()
    np.bitwise_xor(bits, (bits >> 15) & 0x7FFF, out=bits)  # ordered like what they stand for
    bits.partition(place, axis=1)
    found = bits[:, [place]]
    return _values(found ^ ((found >> 15) & 0x7FFF))


def _values(bits: NDArray[np.int16]) -> NDArray[np.float32]:
    """The values of the bits of bfloat16s."""
    found: NDArray[np.float32] = (bits.astype(np.int32) << 16).view(np.float32)
    return found


def _picked(
    request: Request, prepared: Prepared | None, aim: _Aim, unit: NDArray[np.float32], span: tuple[int, int]
) -> list[_Top] | None:
    """What reaches the floors, for each _QUERIES queries; None where no bound holds, or far too much.

    The floors are in units, float32 (m, 1), of scores.
    """
    scaled = replace(request, queries=request.queries / torch.from_numpy(unit))
    scan, pairs, m = _scan(scaled, prepared), TilePairs(request), len(unit)
    parts = [slice(first, first + _QUERIES) for first in range(0, m, _QUERIES)]
    tops = [_Top(aim.floor[part], unit[part], aim.room, scan.unit) for part in parts]
    step = max(1, min(_SCORES // min(m, _QUERIES), _VALUES // request.corpus.shape[1]))
    left = _TOO_MANY * aim.expected * m
    for start in range(*span, step):
        places = start, min(start + step, span[1])
        for top, first in zip(tops, range(0, m, _QUERIES), strict=True):
            block = scan.block(first, first + len(top.floor), *places)
            if block is None:
                return None
            reached = top.reaching(block)
            left -= int(reached.bounds[-1])
            if left < 0 or top.wild > _STRANGE:
                return None
            top.add(reached, pairs.scores(first, places, reached.bounds, reached.column), start)
    return tops


class _Reached(NamedTuple):
    """Columns, int64 (pairs,), of a tile that reach a query's floor: those of query i from bounds[i] on."""

    bounds: NDArray[np.int64]
    column: NDArray[np.int64]


class _Top:
    """What reached the floors of some queries: exact scores, float32 (m, room), -inf beyond those found.

    Args:
        floor: float32 (m, 1), of scan scores, in units.
        value: float32 (m, 1), what a unit is.
        room: how many a query has room for; of one that needs more, nothing is proven.
        rounds: share by which the scan's scores may be rounded.
    """

    def __init__(
        self, floor: NDArray[np.float32], value: NDArray[np.float32], room: int, rounds: float
    ) -> None:
        self.floor, self.value, self.same, self.rounds = floor, value, bool((floor == 1).all()), rounds
        self.slack: NDArray[np.float32] = np.zeros((len(floor), 1), np.float32)
        self.count, self.wild = np.zeros(len(floor), np.int64), 0
        self.reached = np.empty(_SCORES, np.bool_)
        self.score = np.full((len(floor), room), -np.inf, np.float32)
        self.place = np.empty((len(floor), room), np.int32)

    def reaching(self, block: Block) -> _Reached:
        """Which of the scores (m, b) reach the floor, as many as there is room for."""
        (m, b), room = block.score.shape, self.score.shape[1]
        found = self._found(block.score)
        bounds = np.searchsorted(found, np.arange(0, (m + 1) * b, b))
        count = np.diff(bounds)
        if int((self.count + count).max()) > room:
            fits = np.minimum(count, room - self.count)
            found = found[np.arange(len(found)) < np.repeat(bounds[:-1] + fits, count)]
            count, bounds = fits, np.concatenate([[0], np.cumsum(fits)])
        self.wild += int((block.score[0] == torch.inf).sum()) if block.wild else 0
        self.slack = np.maximum(self.slack, block.slack.numpy())
        return _Reached(bounds, found - np.repeat(np.arange(m) * b, count))

    def _found(self, score: Tensor) -> NDArray[np.int64]:
        """Where scores (m, b), row after row, reach the floor."""
        reached = self.reached[: score.numel()].reshape(score.shape)
        if self.same and score.dtype == torch.bfloat16:
            bits = score.view(torch.int16).numpy()  # ordered like what they stand for, where that is above 0
            return np.flatnonzero(np.greater_equal(bits, _ONE, out=reached))
        # Of one dimension NumPy finds what is true in a third of the time of two.
        floor = 1 if self.same else self.floor
        return np.flatnonzero(np.greater_equal(score.float().numpy(), floor, out=reached))

    def add(self, reached: _Reached, score: NDArray[np.float32], start: int) -> None:
        """Take what reached the floor in the tile from the place `start` on, and its exact scores."""
        count, room = np.diff(reached.bounds), self.score.shape[1]
        line = np.arange(len(count)) * room + self.count - reached.bounds[:-1]
        at = np.arange(len(score)) + np.repeat(line, count)
        self.score.reshape(-1)[at] = score
        self.place.reshape(-1)[at] = reached.column + start
        self.count += count

    def best(self, k: int, first: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Keys, int64 (r, k), of the k best of some queries from `first` on, best first; where proven, (r,).

        A key is the score's bits, made to order like the score, above the place counted from the end.
        """
        here = slice(first, first + _RANKED)
        width = max(k, int(self.count[here].max()))
        keys = np.full((len(self.count[here]), width), _NOTHING)
        score = self.score[here, :width] + np.float32(0)  # minus zero equals zero
        key = _floats_bits(score).astype(np.int64)
        key <<= 32
        key |= _LAST - self.place[here, :width]
        key[~(score > -np.inf)] = _NOTHING
        keys[:, : key.shape[1]] = key
        keys.sort(axis=1)
        kept = keys[:, : -k - 1 : -1]
        # What did not reach the floor is below it by scan, so below this by its exact score.
        floor = self.floor[here].astype(np.float64)
        bound = floor + self.slack[here] + 1.01 * self.rounds * np.abs(floor)
        bound *= self.value[here]
        least = np.where(kept[:, -1:] > _NOTHING, _floats((kept[:, -1:] >> 32).astype(np.int32)), -np.inf)
        sure = least >= bound + 1e-6 * np.abs(bound) + UNDERFLOW
        return kept, sure[:, 0] & (self.count[here] < self.score.shape[1])


def _lower(
    score: NDArray[np.float32], count: float, slack: NDArray[np.float32], unit: float
) -> NDArray[np.float32]:
    """A scan score less so many slacks and roundings to the `unit`."""
    lower = score - np.float32(count) * slack
    return lower - np.float32(count * unit) * np.abs(score) if unit else lower


def _floats_bits(score: NDArray[np.float32]) -> NDArray[np.int32]:
    bits = score.view(np.int32)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _floats(bits: NDArray[np.int32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).view(np.float32)
    return found
