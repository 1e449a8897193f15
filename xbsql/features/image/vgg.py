"""VGG16 (Simonyan and Zisserman, ICLR 2015), by the names of torchvision's state dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from torch import nn

from xbsql.features.image.units import Network, Unit, conv, dense, rows_of

if TYPE_CHECKING:
    from xbsql.features.image.units import Published

LAYERS: Final = (1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0)
"""Channels of each convolution, in those of the first one; 0 is a pooling."""

GRID: Final = 7


class VGG16(Network):
    """The network up to its second dense layer, which can be fine-tuned; of any width.

    Args:
        channels: of the first convolution; the published one has 64.
        width: of the dense layers; the published one has 4,096.
    """

    head = "classifier.6"

    def __init__(self, channels: int = 64, width: int = 4096) -> None:
        steps: list[nn.Module] = []
        place, inside = 0, 3
        for times in LAYERS:
            if times:
                layer = conv(inside, times * channels, 3, padding=1)
                steps.append(Unit(layer, f"features.{place}", activation="relu"))
                place, inside = place + 2, times * channels
            else:
                steps.append(nn.MaxPool2d(2))
                place += 1
        first = Unit(dense(inside * GRID * GRID, width), "classifier.0", activation="relu")
        second = Unit(dense(width, width), "classifier.3", activation="relu")
        trunk = nn.Sequential(*steps, nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), first)
        super().__init__(trunk, nn.Sequential(second), width)

    @classmethod
    def of(cls, published: Published) -> Self:
        """The network that a state dict is of, by the sizes of its tensors."""
        return cls(
            rows_of(published, "features.0.weight", 64), rows_of(published, "classifier.0.weight", 4096)
        )
