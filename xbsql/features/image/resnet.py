"""ResNet-50 (He et al., CVPR 2016; the stride in the 3 x 3 convolution), by the names of torchvision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from torch import nn
from torch.nn.functional import relu

from xbsql.features.image.units import Mean, Network, Unit, conv, rows_of

if TYPE_CHECKING:
    from torch import Tensor

    from xbsql.features.image.units import Published

STAGES: Final = ((3, 1), (4, 2), (6, 4), (3, 8))
"""Blocks of each stage, and their inner channels in those of the first convolution; four times as many come
out."""


class Bottleneck(nn.Module):
    """Channels narrowed, filtered, widened, and the input added.

    Args:
        key: of the block in the published state dict.
        inside: channels that come in.
        narrow: inner channels.
        stride: of the filter.
    """

    def __init__(self, key: str, inside: int, narrow: int, stride: int) -> None:
        super().__init__()
        wide = 4 * narrow
        self.steps = nn.Sequential(
            Unit(conv(inside, narrow, 1), f"{key}.conv1", f"{key}.bn1", "relu"),
            Unit(conv(narrow, narrow, 3, stride, padding=1), f"{key}.conv2", f"{key}.bn2", "relu"),
            Unit(conv(narrow, wide, 1), f"{key}.conv3", f"{key}.bn3"),
        )
        self.across: nn.Module = nn.Identity()
        if stride > 1 or inside != wide:
            self.across = Unit(conv(inside, wide, 1, stride), f"{key}.downsample.0", f"{key}.downsample.1")

    def forward(self, x: Tensor) -> Tensor:
        """(n, inside, h, w) -> (n, 4 narrow, h / stride, w / stride)."""
        return relu(self.steps(x) + self.across(x))


class ResNet50(Network):
    """The network up to the mean of its last map; its last stage can be fine-tuned. Of any width.

    Args:
        channels: of the first convolution; the published one has 64.
    """

    head = "fc"

    def __init__(self, channels: int = 64) -> None:
        stages: list[nn.Module] = []
        inside = channels
        for number, (blocks, times) in enumerate(STAGES, 1):
            steps = []
            for place in range(blocks):
                stride = 2 if place == 0 and number > 1 else 1
                steps.append(Bottleneck(f"layer{number}.{place}", inside, times * channels, stride))
                inside = 4 * times * channels
            stages.append(nn.Sequential(*steps))
        stem = Unit(conv(3, channels, 7, 2, padding=3), "conv1", "bn1", "relu")
        trunk = nn.Sequential(stem, nn.MaxPool2d(3, 2, 1), *stages[:-1])
        super().__init__(trunk, nn.Sequential(stages[-1], Mean()), inside)

    @classmethod
    def of(cls, published: Published) -> Self:
        """The network that a state dict is of, by the sizes of its tensors."""
        return cls(rows_of(published, "conv1.weight", 64))
