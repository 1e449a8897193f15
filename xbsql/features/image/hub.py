"""Networks of the package timm: a folder with weights, made by timm or fetched from the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from xbsql import errors
from xbsql.features.image.magic import WEIGHTS
from xbsql.features.image.networks import Loaded, Scale
from xbsql.features.image.units import WHERE, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

CONFIG: Final = "config.json"
EXTRA: Final = "pip install 'xbsql[vision]'"
CLOSE: Final = 1e-3
"""How far a network that was cut in two may differ from the whole, of its largest number."""

_CONTAINERS: Final = ("blocks", "stages", "layer4")
"""Where timm keeps the parts of a network that follow each other; the last part is what can be fine-tuned."""

_READS_OUT: Final = (
    "global_pool", "flatten", "fc_norm", "head_drop", "head", "fc", "classifier", "pre_logits",
)  # fmt: skip
"""Children from which on `forward_head` takes over."""


def local(folder: str) -> Loaded:
    """The network of a folder as `timm.models.save_for_hf` writes it.

    Args:
        folder: with config.json and model.safetensors, which hold no code.

    Raises:
        XbsqlError: timm is not installed, a file is missing or is none, timm lacks the architecture, or the
            weights are those of another one.
    """
    path, named = Path(folder).expanduser(), errors.shown(folder)
    for name in (CONFIG, WEIGHTS):
        if "\0" in folder or not (path / name).is_file():
            problem = f"'{named}' has no {name}"
            raise errors.invalid(WHERE, problem, "write one by timm.models.save_for_hf(model, folder)")
    content, said = (path / WEIGHTS).read_bytes(), (path / CONFIG).read_bytes()
    config = _config(said, named)
    network = split(_filled(config, content, named))
    network.eval().requires_grad_(requires_grad=False)
    digest = hashlib.sha256(said + content).hexdigest()
    return Loaded(network, _scale(config.get("pretrained_cfg") or {}), digest)


def cached(name: str) -> Loaded:
    """A network of the Hugging Face hub that this machine has fetched already; nothing is fetched here.

    Args:
        name: 'owner/name'.

    Raises:
        XbsqlError: it is not in the cache, or as `local`.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        _needs_extra()
    try:
        folder = snapshot_download(name, local_files_only=True)
    except Exception as error:  # of several kinds that have no common one
        problem = f"'{errors.shown(name)}' is not among what was fetched from the hub"
        raise errors.invalid(WHERE, problem, f"hf download {errors.shown(name)}") from error
    return local(folder)


def split(model: Any) -> Network:  # noqa: ANN401 - of timm, which need not be installed
    """A model of timm in two: all but its last part, and that part with what reads it out.

    Whether both together say what the whole does is tried. Of a model that cannot be cut so the whole is the
    trunk: it can be frozen, and not be fine-tuned.
    """
    model.reset_classifier(0)
    model.eval()
    side = int(_scale(model.pretrained_cfg).side)
    shown = torch.linspace(-1, 1, 3 * side * side).reshape(1, 3, side, side)
    with torch.inference_mode():
        whole = model.forward_head(model.forward_features(shown), pre_logits=True)
        if whole.ndim != 2:
            problem = f"'{errors.shown(type(model).__name__)}' gives {tuple(whole.shape[1:])}, and no vector"
            raise errors.invalid(WHERE, problem, "save it with global_pool='avg'")
        container = next((name for name in _CONTAINERS if hasattr(model, name)), None)
        if container is not None and len(model._modules[container]) > 0:
            network = Network(*_halves(model, container), whole.shape[1])
            found = _tried(network, shown)
            if found is not None and (found - whole).abs().max() <= CLOSE * whole.abs().max():
                return network
    return Network(_Features(model), _ReadOut(model), whole.shape[1])


def _tried(network: Network, shown: Tensor) -> Tensor | None:
    """What a network that was cut in two says; None where the parts do not fit."""
    try:
        found: Tensor = network.eval()(shown)
    except Exception:  # whatever a part of timm raises that is given what it does not expect
        return None
    return found


class _Reached(Exception):
    """What comes to the part at which a trunk ends."""

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = maps


class _End(nn.Module):
    """Stands where a trunk ends."""

    def forward(self, x: Tensor, *_: object, **__: object) -> NoReturn:
        raise _Reached(x)


class _Trunk(nn.Module):
    """A model up to a part that was replaced by `_End`."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - of timm
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, side, side) -> maps or tokens."""
        try:
            self.model.forward_features(x)
        except _Reached as reached:
            return reached.maps
        raise RuntimeError("the trunk went past its end")


class _Tail(nn.Module):
    """The last part of a model and what follows it."""

    def __init__(self, last: nn.Module, rest: Any, between: list[str]) -> None:  # noqa: ANN401 - of timm
        super().__init__()
        self.last, self.rest, self.between = last, rest, between

    def forward(self, x: Tensor) -> Tensor:
        """Maps or tokens -> (n, width)."""
        x = self.last(x)
        for name in self.between:
            x = getattr(self.rest, name)(x)
        found: Tensor = self.rest.forward_head(x, pre_logits=True)
        return found


class _Features(nn.Module):
    """A whole model before it is read out."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - of timm
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, side, side) -> maps or tokens."""
        found: Tensor = self.model.forward_features(x)
        return found


class _ReadOut(nn.Module):
    """What reads a whole model out; nothing of it is trained."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - of timm
        super().__init__()
        self.read_out = model.forward_head  # a method and no module: its parameters are the trunk's

    def forward(self, x: Tensor) -> Tensor:
        """Maps or tokens -> (n, width)."""
        found: Tensor = self.read_out(x, pre_logits=True)
        return found


def _halves(model: Any, container: str) -> tuple[nn.Module, nn.Module]:  # noqa: ANN401 - of timm
    """The trunk and the tail of a model, each with parts of its own."""
    from copy import deepcopy

    front, rest = deepcopy(model), deepcopy(model)
    names = [name for name, _ in rest.named_children()]
    after = names[names.index(container) + 1 :]
    steps = getattr(rest, container)
    last = steps if container == "layer4" else steps[-1]
    for name in names[: names.index(container) + 1]:
        setattr(rest, name, nn.Identity())
    for parameter in [name for name, _ in rest.named_parameters(recurse=False)]:
        delattr(rest, parameter)
    if container == "layer4":
        front.layer4 = _End()
    else:
        getattr(front, container)[-1] = _End()
    between = [name for name in after if name not in _READS_OUT]
    kept = between[: next((i for i, name in enumerate(after) if name in _READS_OUT), len(after))]
    return _Trunk(front), _Tail(last, rest, kept)


def _config(said: bytes, named: str) -> dict[str, Any]:
    try:
        config = json.loads(said)
    except ValueError:
        config = None
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        problem = f"{CONFIG} of '{named}' names no architecture of timm"
        raise errors.invalid(WHERE, problem, "write one by timm.models.save_for_hf(model, folder)")
    return config


def _filled(config: Mapping[str, Any], content: bytes, named: str) -> Any:  # noqa: ANN401 - of timm
    """The model of a configuration with its weights."""
    try:
        import timm
    except ImportError:
        _needs_extra()
    name = config["architecture"]
    given = {"num_classes": config.get("num_classes", 1000), **(config.get("model_args") or {})}
    if name not in timm.list_models():
        raise errors.unknown(WHERE, "architecture of timm", name, timm.list_models())
    try:
        tensors = load(content)
    except SafetensorError as error:
        problem = f"{WEIGHTS} of '{named}' holds no tensors"
        raise errors.invalid(WHERE, problem, "fetch or write it again") from error
    try:
        model = timm.create_model(name, pretrained=False, **given)
        model.load_state_dict(tensors)
    except (RuntimeError, TypeError, ValueError) as error:
        problem = f"'{named}' holds no weights of {name}: {errors.shown(error, 120)}"
        raise errors.invalid(WHERE, problem, "give the folder of one model") from error
    return model


def _scale(said: Mapping[str, Any]) -> Scale:
    """What a network is given, from timm's configuration of it."""
    mean, deviation = (
        tuple(255.0 * float(part) for part in said.get(name, usual))
        for name, usual in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225)))
    )
    side = int(said.get("input_size", (3, 224, 224))[-1])
    return Scale((mean[0], mean[1], mean[2]), (deviation[0], deviation[1], deviation[2]), side)


def _needs_extra() -> NoReturn:
    raise errors.invalid(WHERE, "a network of timm needs the package timm", EXTRA) from None
