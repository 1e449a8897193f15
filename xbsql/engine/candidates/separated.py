"""Mean pictures moved until labelled rows are told right and unlabelled ones are torn between few classes.

The log loss of the labelled rows plus the confusion of the unlabelled ones: how often two classes are likely
for one picture, sure pictures counting more, each class alike (minimum class confusion: Jin et al., ECCV
2020). A class may have several means, whose probabilities add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import normalize, one_hot

from xbsql.features.drawn import drawn

if TYPE_CHECKING:
    from torch import Tensor

    from xbsql.engine.candidates.prototypes import Known, Prototypes, Rows

SHARPNESS, SURE = 12.0, 20.0
"""What cosines are multiplied by before the softmax: while means move, and where they answer with labels.

With 5 labels a class the log loss on other photos was 1.47 by 12, 1.26 by 15, 1.13 by 20; with all .95 by 20,
.92 by 25. Without a label of the market it was least by 12.
"""

STEPS = 60
RATE = 0.02
"""Of Adam; it falls to 0 over the steps."""

DIRECTIONS = 384
"""Along which means move: those in which pictures vary most."""

MOST_ROWS = 1024
"""Rows that the directions are found from."""

MOST_A_STEP = 2048
"""Labelled rows, and unlabelled ones, that a step looks at."""

MOST_CELLS = 2**18
"""Unlabelled rows times means that a step looks at."""

EACH = 5.0
"""Unlabelled rows a class, on average, from which on their confusion counts in full."""

BESIDE_LABELS = 0.3
"""What it counts where the market has labels. Classes that a market does not sell are then not pulled in."""

_TINY = 1e-9


@dataclass(frozen=True)
class Given:
    """What means are moved by.

    Attributes:
        known: labelled rows of both markets, in their spaces.
        pool: float32, shape (m, d): unlabelled rows of the market in its space.
        directions: float32, shape (r, d), of length one and at right angles, see `directions_of`.
        labels: whether labelled rows of the market itself are among them.
    """

    known: Known
    pool: Rows
    directions: Rows
    labels: bool = False


def directions_of(*parts: Rows) -> Rows:
    """The leading directions of rows of length one, float32, shape (r, d)."""
    rows = np.concatenate([part[drawn(len(part), MOST_ROWS)] for part in parts]).astype(np.float64)
    rows = rows[drawn(len(rows), MOST_ROWS)]
    curve, ends = np.linalg.eigh(rows @ rows.T)
    kept = np.flatnonzero(curve > 1e-6)[-DIRECTIONS:]
    return np.asarray(ends[:, kept].T @ rows / np.sqrt(curve[kept])[:, None], np.float32)


def separated(start: Prototypes, given: Given) -> Prototypes:
    """The means moved; the same rows give the same means. A class without a mean stays without.

    Args:
        start: where they begin.
        given: what they are moved by.
    """
    there = start.means.any(axis=1)
    classes = np.unique(start.owner[there])
    used = given.known.rows.any(axis=1) & np.isin(given.known.y, classes)
    if not used.any() or not len(given.directions):
        return start
    own = torch.from_numpy(np.searchsorted(classes, start.owner[there]))
    owned = one_hot(own, len(classes)).float()
    y = torch.from_numpy(np.searchsorted(classes, given.known.y[used]))
    rows, pool = (
        torch.from_numpy(part @ given.directions.T) for part in (given.known.rows[used], given.pool)
    )
    means = torch.from_numpy(start.means[there] @ given.directions.T).requires_grad_()
    optimizer = torch.optim.Adam([means], lr=RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=STEPS)
    generator = np.random.default_rng(0)
    worth = (BESIDE_LABELS if given.labels else 1.0) * min(1.0, len(pool) / (EACH * len(classes)))
    most = min(MOST_A_STEP, MOST_CELLS // len(means) + 1)
    for _ in range(STEPS):
        some, others = _some(len(rows), MOST_A_STEP, generator), _some(len(pool), most, generator)
        told = _told(rows[some], means, owned)
        loss = -torch.log(told[torch.arange(len(some)), y[some]] + _TINY).mean()
        if worth:
            loss = loss + worth * _confusion(_told(pool[others], means, owned))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()
    moved = np.zeros_like(start.means)
    moved[there] = normalize(means.detach(), dim=1).numpy() @ given.directions
    return replace(start, means=moved, sharpness=SURE if given.labels else SHARPNESS)


def _some(count: int, most: int, generator: np.random.Generator) -> Tensor:
    """Rows of a step: all, or so many drawn."""
    return torch.from_numpy(np.arange(count) if count <= most else generator.permutation(count)[:most])


def _told(rows: Tensor, means: Tensor, owned: Tensor) -> Tensor:
    """Class probabilities, shape (n, classes): those of a class's means together."""
    found: Tensor = (SHARPNESS * rows @ normalize(means, dim=1).T).softmax(dim=1) @ owned
    return found


def _confusion(told: Tensor) -> Tensor:
    """The share of each class's probability that stands beside others' in the same rows; the mean of all."""
    sure = 1 + torch.exp((told * torch.log(told + _TINY)).sum(dim=1))
    table = (told * (sure / sure.mean())[:, None]).T @ told
    table = table / table.sum(dim=1, keepdim=True).clamp_min(_TINY)
    return 1 - table.diagonal().mean()
