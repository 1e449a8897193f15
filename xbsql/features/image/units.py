"""What the networks are built of: convolutions that have their normalisation in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as f

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    Published = Mapping[str, Tensor]

    Activation = Literal["none", "relu", "relu6"]

WHERE = "xb.embed_image"
COUNTERS = ".num_batches_tracked"
RINGS = 3
"""Squares of a map whose means count: the whole, and without one and two cells on each side."""

SMALLEST = 3
"""Cells of a side of the smallest of them."""


class Network(nn.Module):
    """A network up to the vector that its own classifier reads.

    Attributes:
        trunk: (n, 3, side, side) -> maps; it stays as it was published.
        tail: maps -> (n, width); what can be fine-tuned.
        width: numbers of a vector.
        head: key of its own classifier in the published state dict, which is not read.
    """

    head: str = ""

    def __init__(self, trunk: nn.Module, tail: nn.Module, width: int) -> None:
        super().__init__()
        self.trunk, self.tail, self.width = trunk, tail, width

    def forward(self, x: Tensor) -> Tensor:
        """float32 (n, 3, side, side) -> (n, width)."""
        found: Tensor = self.tail(self.trunk(x))
        return found


class Mean(nn.Module):
    """The mean of each map."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c)."""
        return x.mean((2, 3))


class Middle(nn.Module):
    """The mean of each map, in which the middle counts more: that of the whole, and of squares within it.

    What a picture is of stands in its middle. It costs nothing, and tells photos of shops apart better than
    the plain mean: 81 classes by all labels .74 for .70, by five .626 for .605 (validation split).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c)."""
        rings = [r for r in range(RINGS) if r == 0 or min(x.shape[2:]) - 2 * r >= SMALLEST]
        parts = [x[:, :, r : x.shape[2] - r, r : x.shape[3] - r].mean((2, 3)) for r in rings]
        return torch.stack(parts).mean(dim=0)


class Unit(nn.Module):
    """A convolution or a dense layer, its batch normalisation folded into it, and an activation.

    Args:
        layer: what is computed; it has a bias. Stride and padding are its own; 'same' of a stride above 1
            pads as TensorFlow does, what is odd comes last.
        key: of the layer's weights in the published state dict.
        norm: of its batch normalisation there; None where it has none.
        activation: what follows.
        epsilon: of the normalisation.
    """

    def __init__(
        self, layer: nn.Conv2d | nn.Linear, key: str, norm: str | None = None,
        activation: Activation = "none", epsilon: float = 1e-5, *, same: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layer, self.key, self.norm, self.activation = layer, key, norm, activation
        self.epsilon, self.same = epsilon, same

    def forward(self, x: Tensor) -> Tensor:
        """The layer and its activation."""
        found: Tensor = self.layer(_padded(x, self.layer) if self.same else x)
        if self.activation == "relu6":
            return f.relu6(found, inplace=not found.requires_grad)
        return f.relu(found) if self.activation == "relu" else found

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The published tensors that it is made of, with their shapes."""
        weight = tuple(self.layer.weight.shape)
        found = {f"{self.key}.weight": weight}
        if self.norm is None:
            return {**found, f"{self.key}.bias": weight[:1]}
        parts = ("weight", "bias", "running_mean", "running_var")
        return found | {f"{self.norm}.{part}": weight[:1] for part in parts}

    def fill(self, published: Published) -> None:
        """Take the published weights, the normalisation folded in."""
        weight = published[f"{self.key}.weight"].double()
        if self.norm is None:
            bias = published[f"{self.key}.bias"].double()
        else:
            part = {n: published[f"{self.norm}.{n}"].double() for n in ("weight", "bias")}
            mean, var = (published[f"{self.norm}.running_{n}"].double() for n in ("mean", "var"))
            scale = part["weight"] / (var + self.epsilon).sqrt()
            weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
            bias = part["bias"] - mean * scale
        with torch.no_grad():
            self.layer.weight.copy_(weight)
            self.layer.bias.copy_(bias)  # type: ignore[union-attr] # every layer here has one


def conv(
    inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1, padding: int = 0
) -> nn.Conv2d:
    """A convolution with a bias, not yet filled."""
    layer: nn.Conv2d = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Conv2d, inside, outside, kernel, stride=stride, groups=groups, padding=padding
    )
    return layer


def dense(inside: int, outside: int) -> nn.Linear:
    """A dense layer, not yet filled."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inside, outside)  # type: ignore[no-untyped-call]
    return layer


def rows_of(published: Published, name: str, usual: int) -> int:
    """How many rows a published tensor has, `usual` where it is not there."""
    return int(published[name].shape[0]) if name in published and published[name].ndim else usual


def fill(network: Network, published: Published, what: str) -> None:
    """Fill every unit of a network.

    Args:
        network: not yet filled.
        published: tensors by name; counters of the normalisation and the network's own classifier are passed
            over.
        what: the network's name, for errors.

    Raises:
        XbsqlError: a tensor is missing, is not used, or has another shape: the weights of another network.
    """
    units = [unit for unit in network.modules() if isinstance(unit, Unit)]
    wanted = {name: shape for unit in units for name, shape in unit.tensors().items()}
    unread = (f"{network.head}.weight", f"{network.head}.bias")
    given = {n: tuple(t.shape) for n, t in published.items() if not n.endswith(COUNTERS) and n not in unread}
    for name, shape in wanted.items():
        if given.get(name) != shape:
            has = f"has shape {given[name]}" if name in given else "is missing"
            raise _other(what, f"'{name}' {has}, and it needs {shape}")
    if extra := sorted(given.keys() - wanted.keys()):
        raise _other(what, f"it has no '{errors.shown(extra[0])}'")
    for unit in units:
        unit.fill(published)


def _other(what: str, found: str) -> errors.XbsqlError:
    return errors.invalid(
        WHERE, f"these are no weights of {what}: {found}", f"give the state dict of a {what}"
    )


def _padded(x: Tensor, layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The maps padded as 'SAME' does."""
    if not isinstance(layer, nn.Conv2d):
        return x
    step, size = layer.stride[0], layer.kernel_size[0]
    high, wide = (max((-(-side // step) - 1) * step + size - side, 0) for side in x.shape[2:])
    return f.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
