"""Fine-tuning the encoder's dense head: the fit starts at the network's own weights and is drawn to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xbsql.engine.design import dense
from xbsql.features.backbone import head_forward
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

BATCH = 128
SCALE = 12.0
"""What the cosine with a class's direction is multiplied by before the softmax."""


@restorable("tuned_head")
@dataclass(frozen=True)
class TunedHead:
    """A dense head of the encoder and a direction for each class.

    Attributes:
        head: float32 weights by the names that `head_forward` takes.
        directions: float32, shape (512, classes).
        offset: float32, shape (classes,).
    """

    head: Mapping[str, NDArray[np.float32]]
    directions: NDArray[np.float32]
    offset: NDArray[np.float32]

    def predict(self, x: Features) -> Floats:
        """Class probabilities from the view 'pooled', shape (n, classes)."""
        weights = {name: torch.from_numpy(np.array(array)) for name, array in self.head.items()}
        with torch.no_grad():
            embedded = head_forward(weights, _pooled(x))
            directions, offset = (torch.from_numpy(np.array(a)) for a in (self.directions, self.offset))
            logits = SCALE * embedded @ directions + offset
            return np.asarray(logits.double().softmax(dim=1).numpy())

    def state(self) -> State:
        """The head as data."""
        arrays: dict[str, NDArray[Any]] = {f"head.{name}": array for name, array in self.head.items()}
        return State("tuned_head", {}, {**arrays, "directions": self.directions, "offset": self.offset})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The head again."""
        a = state.arrays
        head = {name.removeprefix("head."): a[name] for name in a if name.startswith("head.")}
        return cls(head, a["directions"], a["offset"])  # type: ignore[arg-type]


@dataclass(frozen=True)
class HeadTuner:
    """Fits a `TunedHead` by Adam on the log loss.

    The squared distance of every weight to the encoder's own is added to it (L2-SP: Li et al., ICML 2018).
    Class directions start at the mean embedding of their rows.

    Attributes:
        head: the encoder's weights, see `Encoder.head`.
        classes: how many there are.
        pull: weight of the squared distance, relative to the mean square of each matrix.
        rate: of Adam for the head; directions learn three times as fast. Both fall to 0 over the steps.
        passes: over the rows.
    """

    head: Mapping[str, Tensor]
    classes: int
    pull: float = 1.0
    rate: float = 3e-4
    passes: int = 12

    def fit(self, sample: Sample) -> TunedHead:
        """Fit on the rows of one sample, whose weights count; the same rows give the same head."""
        pooled, y = _pooled(sample.x), torch.from_numpy(np.asarray(sample.y, np.int64))
        weight = np.ones(len(sample)) if sample.weight is None else sample.weight
        start = {name: tensor.detach().cpu() for name, tensor in self.head.items()}
        head = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
        directions = self._means(start, pooled, y).requires_grad_()
        offset = torch.zeros(self.classes, requires_grad=True)
        groups = [
            {"params": list(head.values()), "lr": self.rate},
            {"params": [directions, offset], "lr": 3 * self.rate},
        ]
        batches = self._batches(len(y))
        optimizer = torch.optim.Adam(groups)
        falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=len(batches))
        counted = torch.from_numpy(np.asarray(weight / weight.mean(), np.float32))
        for rows in batches:
            logits = SCALE * head_forward(head, pooled[rows]) @ directions + offset
            each = cross_entropy(logits, y[rows], reduction="none", label_smoothing=0.1)
            loss = (each * counted[rows]).mean() + self.pull * _distance(head, start)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            falling.step()
        arrays = {name: tensor.detach().numpy() for name, tensor in head.items()}
        return TunedHead(arrays, directions.detach().numpy(), offset.detach().numpy())

    def _means(self, head: Mapping[str, Tensor], pooled: Tensor, y: Tensor) -> Tensor:
        """The mean embedding of each class, of length one; 0 for a class without rows."""
        with torch.no_grad():
            embedded = head_forward(head, pooled)
            sums = torch.zeros(self.classes, embedded.shape[1]).index_add_(0, y, embedded)
            return torch.nn.functional.normalize(sums, dim=1).T.contiguous()

    def _batches(self, n: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        shuffled = [torch.randperm(n, generator=generator) for _ in range(self.passes)]
        return [batch for order in shuffled for batch in torch.split(order, BATCH)]


def _distance(head: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> Tensor:
    """Sum over the matrices of their mean squared distance, relative to their mean square."""
    parts = [(head[n] - start[n]).square().mean() / start[n].square().mean() for n in sorted(start)]
    return torch.stack(parts).sum()


def _pooled(x: Features) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(dense(x["pooled"]), np.float32))
