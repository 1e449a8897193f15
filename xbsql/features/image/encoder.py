"""The encoder of pictures: one copy a process, read-only; networks side by side, and colours."""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch

from xbsql import errors
from xbsql.features.image import colours as colour
from xbsql.features.image.altered import altered
from xbsql.features.image.decode import Unreadable, square
from xbsql.features.image.magic import IMAGE, file_of
from xbsql.features.image.networks import PACKAGES, SIDE, brought, installed
from xbsql.features.image.units import WHERE
from xbsql.features.workers import spread
from xbsql.progress import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from xbsql.features.image.networks import Loaded

BATCH: Final = 16
"""Pictures that go through a network at once."""

RUN: Final = 256
"""Pictures between two reports of how far it is."""

_CODE: Final = "2"  # raise it when the same picture would get another vector: models record it

_loaded: dict[tuple[str, int], PictureEncoder] = {}
_loading = threading.Lock()


class Embedded(NamedTuple):
    """Pictures as vectors.

    Attributes:
        vectors: float32, shape (n, dim), rows of length one, 0 throughout where there is no picture.
        problems: by row, why there is none.
    """

    vectors: NDArray[np.float32]
    problems: dict[int, str]


class PictureEncoder:
    """Pictures to vectors whose inner product is their similarity: a mean of the parts' cosines.

    Threads may share it: nothing in it changes. A picture's vector does not depend on the others.

    Attributes:
        name: what `picture_encoder` was asked for.
        width: numbers that are the networks'; they come first.
        share: of the squared length that is the colours'; 0 leaves them out.
        dim: length of a vector.
        side: pixels of a side of what is read of a picture.
        version: digest of weights and code; equal versions give equal vectors.
    """

    def __init__(self, name: str, parts: Sequence[Loaded]) -> None:
        self.name, self.parts = name, tuple(parts)
        self.width = sum(part.network.width for part in parts)
        self.share = colour.SHARE if name == IMAGE else 0.0
        self.side = max(part.scale.side for part in self.parts)
        self.dim = self.width + (colour.WIDTH if self.share else 0)
        made_of = [*(part.digest for part in parts), str(self.share), _CODE]
        self.version = hashlib.sha256("".join(made_of).encode()).hexdigest()[:16]

    def embed(self, contents: Sequence[bytes | memoryview]) -> Embedded:
        """The vectors of pictures.

        Args:
            contents: of files in one of `decode.FORMATS`; of others the problem is told.
        """
        vectors = np.zeros((len(contents), self.dim), np.float32)
        problems: dict[int, str] = {}
        for run in range(0, len(contents), RUN):
            tell(run / len(contents), f"looking at {len(contents)} pictures")
            starts = range(run, min(run + RUN, len(contents)), BATCH)
            batches = (contents[start : start + BATCH] for start in starts)
            for start, (rows, wrong) in zip(starts, spread(self._batch, batches), strict=True):
                vectors[start : start + BATCH] = rows
                problems |= {start + row: problem for row, problem in wrong.items()}
        return Embedded(vectors, problems)

    @cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of what each network's trunk gives of one picture."""
        blank = torch.zeros(1, self.side, self.side, 3, dtype=torch.uint8)
        with torch.inference_mode():
            return [tuple(part.network.trunk(given(blank, part)).shape[1:]) for part in self.parts]

    @property
    def tunable(self) -> bool:
        """Whether it has last layers that can be fine-tuned."""
        return all(any(True for _ in part.network.tail.parameters()) for part in self.parts)

    def maps(
        self, contents: Sequence[bytes | memoryview | None], *, changed: bool = False
    ) -> NDArray[np.float16]:
        """What the trunks give, which the networks' tails take, so that these can be fine-tuned.

        Args:
            contents: of files; None where there is none.
            changed: whether of each picture cut and maybe mirrored, see `altered`.

        Returns:
            float16, shape (n, sum of the sizes of `shapes`), 0 where there is no picture.
        """
        work = partial(self._maps, changed=changed)
        whole = np.zeros((len(contents), sum(map(prod, self.shapes))), np.float16)
        for run in range(0, len(contents), RUN):
            tell(run / len(contents), f"looking at {len(contents)} pictures")
            starts = range(run, min(run + RUN, len(contents)), BATCH)
            batches = (contents[start : start + BATCH] for start in starts)
            for start, found in zip(starts, spread(work, batches), strict=True):
                whole[start : start + BATCH] = found
        return whole

    def _maps(
        self, contents: Sequence[bytes | memoryview | None], *, changed: bool
    ) -> NDArray[np.float16]:  # fmt: skip
        pixels, problems = unpacked([content or b"" for content in contents], self.side)
        shown = torch.from_numpy(altered(pixels) if changed else pixels)
        found = [part.network.trunk(given(shown, part)).flatten(1) for part in self.parts]
        rows = torch.cat(found, dim=1).half().numpy()
        rows[list(problems)] = 0
        return rows

    def _batch(self, contents: Sequence[bytes | memoryview]) -> tuple[NDArray[np.float32], dict[int, str]]:
        pixels, problems = unpacked(contents, self.side)
        vectors = np.zeros((len(contents), self.dim), np.float32)
        there = [row for row in range(len(contents)) if row not in problems]
        if there:
            shown = torch.from_numpy(pixels[there])
            found = [part.network(given(shown, part)) for part in self.parts]
            vectors[there, : self.width] = (1.0 - self.share) ** 0.5 * joined(found).numpy()
            if self.share:
                vectors[there, self.width :] = self.share**0.5 * colour.colours(pixels[there])
        return vectors, problems


def unpacked(
    contents: Sequence[bytes | memoryview], side: int = SIDE
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Pictures as uint8, shape (n, side, side, 3), 0 where there is none; and by row why there is none."""
    pixels = np.zeros((len(contents), side, side, 3), np.uint8)
    problems: dict[int, str] = {}
    for row, content in enumerate(contents):
        try:
            pixels[row] = square(bytes(content), side)
        except Unreadable as error:
            problems[row] = str(error)
    return pixels, problems


def given(pixels: Tensor, part: Loaded) -> Tensor:
    """What a network takes: uint8 (n, side, side, 3) -> float32 (n, 3, side, side), channels last."""
    mean, deviation = torch.tensor(part.scale.mean), torch.tensor(part.scale.deviation)
    return ((pixels - mean) / deviation).permute(0, 3, 1, 2)


def joined(found: Sequence[Tensor]) -> Tensor:
    """The vectors of several networks side by side, each counting alike, of length one together."""
    parts = [torch.nn.functional.normalize(part, dim=1) for part in found]
    whole: Tensor = torch.cat(parts, dim=1) / len(parts) ** 0.5
    return whole


def picture_encoder(name: str = IMAGE) -> PictureEncoder:
    """The encoder of that name, loaded on the first call and shared by all later ones.

    Args:
        name: 'image' (both networks that come with the installation), 'lite0', 'lite2'; with weights of one's
            own 'vgg16:PATH' and 'resnet50:PATH' (a state dict), 'timm:FOLDER', 'hub:OWNER/NAME' (see `hub`).

    Raises:
        XbsqlError: unknown name, weights that are not installed or are other ones.
    """
    key = (name, _written_at(name))
    with _loading:
        if key not in _loaded:
            _loaded[key] = PictureEncoder(name, _parts(name))
        return _loaded[key]


def _written_at(name: str) -> int:
    """When the file that a name points at was last written, nanoseconds; 0 of what is installed."""
    file = file_of(name)
    path = Path(file).expanduser()
    return path.stat().st_mtime_ns if file and "\0" not in file and path.is_file() else 0


def _parts(name: str) -> list[Loaded]:
    kind, brings, file = name.partition(":")
    if kind in ("timm", "hub") and brings:
        from xbsql.features.image import hub  # reads networks, whose module it needs

        return [hub.local(file) if kind == "timm" else hub.cached(file)]
    if brings:
        return [brought(kind, file)]
    if name == IMAGE:
        return [installed(one) for one in PACKAGES]
    if name not in PACKAGES:
        known = [IMAGE, *PACKAGES, "vgg16:PATH", "resnet50:PATH", "timm:FOLDER", "hub:OWNER/NAME"]
        raise errors.unknown(WHERE, "picture encoder", name, known)
    return [installed(name)]
