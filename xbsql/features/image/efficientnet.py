"""EfficientNet-Lite (Tan and Le, ICML 2019; the 'lite' family has ReLU6 and no squeeze-and-excitation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from torch import nn

from xbsql.features.image.units import Middle, Network, Unit, conv

if TYPE_CHECKING:
    from torch import Tensor

WIDTH: Final = 1280
"""Channels of the last map, whatever the depth."""

EPSILON: Final = 1e-3


class Stage(NamedTuple):
    """Blocks of one kind: how many, the first one's stride, kernel size, expansion, channels."""

    blocks: int
    stride: int
    kernel: int
    expansion: int
    channels: int


LITE0: Final = (
    Stage(1, 1, 3, 1, 16), Stage(2, 2, 3, 6, 24), Stage(2, 2, 5, 6, 40), Stage(3, 2, 3, 6, 80),
    Stage(3, 1, 5, 6, 112), Stage(4, 2, 5, 6, 192), Stage(1, 1, 3, 6, 320),
)  # fmt: skip
LITE2: Final = (
    Stage(1, 1, 3, 1, 16), Stage(3, 2, 3, 6, 24), Stage(3, 2, 5, 6, 48), Stage(4, 2, 3, 6, 88),
    Stage(4, 1, 5, 6, 120), Stage(5, 2, 5, 6, 208), Stage(1, 1, 3, 6, 352),
)  # fmt: skip


def unit(layer: nn.Conv2d, key: str, norm: str, *, linear: bool = False) -> Unit:
    """A convolution of this family."""
    return Unit(layer, key, norm, "none" if linear else "relu6", EPSILON, same=True)


class Block(nn.Module):
    """Channels widened, filtered one by one, narrowed; the input added where the shape allows.

    Args:
        key: of the block in the published state dict.
        inside: channels that come in.
        stage: what kind of block it is.
        stride: of the filter.
    """

    def __init__(self, key: str, inside: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inside * stage.expansion
        steps = [
            unit(
                conv(wide, wide, stage.kernel, stride, groups=wide), f"{key}._depthwise_conv", f"{key}._bn1"
            ),
            unit(conv(wide, stage.channels, 1), f"{key}._project_conv", f"{key}._bn2", linear=True),
        ]
        if stage.expansion > 1:
            steps.insert(0, unit(conv(inside, wide, 1), f"{key}._expand_conv", f"{key}._bn0"))
        self.steps = nn.Sequential(*steps)
        self.added = stride == 1 and inside == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, inside, h, w) -> (n, channels, h / stride, w / stride)."""
        found: Tensor = self.steps(x)
        return found + x if self.added else found


class EfficientNetLite(Network):
    """The network of these stages; its last convolution can be fine-tuned."""

    head = "_fc"

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        blocks: list[nn.Module] = []
        inside = 32
        for stage in stages:
            for place in range(stage.blocks):
                stride = stage.stride if place == 0 else 1
                blocks.append(Block(f"_blocks.{len(blocks)}", inside, stage, stride))
                inside = stage.channels
        stem = unit(conv(3, 32, 3, 2), "_conv_stem", "_bn0")
        last = unit(conv(inside, WIDTH, 1), "_conv_head", "_bn1")
        super().__init__(nn.Sequential(stem, *blocks), nn.Sequential(last, Middle()), WIDTH)
