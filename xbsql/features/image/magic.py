"""What is known of pictures without a library: how their files begin, and who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter

IMAGE: Final = "image"
"""The encoder where nobody names one: both networks that come with the installation."""

WEIGHTS: Final = "model.safetensors"
"""The file that a folder of timm keeps its weights in."""

MOST_LOOKED_AT: Final = 32
"""Bytes that say whether a file is a picture."""


def looks_like_picture(head: bytes) -> bool:
    """Whether a file begins as those that `decode` reads; what follows may be broken all the same.

    Args:
        head: the first bytes of the file, 32 of them or all.
    """
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")):
        return True
    if head.startswith(b"BM"):
        return len(head) >= MOST_LOOKED_AT and head[6:10] == bytes(4)
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return webp or head[4:12] in (b"ftypavif", b"ftypavis")


def file_of(network: str) -> str:
    """The file of weights that a network's name stands for; '' of what is installed or in the hub's cache."""
    kind, _, path = network.partition(":")
    if kind == "hub":
        return ""
    return f"{path}/{WEIGHTS}" if kind == "timm" and path else path


def told(problems: Counter[str]) -> str:
    """'3 BLOBs are no pictures that can be read: empty (2), broken or cut off (1)'; '' of none."""
    if not problems:
        return ""
    each = ", ".join(f"{problem} ({count})" for problem, count in problems.most_common())
    count = problems.total()
    what = "1 BLOB is no picture" if count == 1 else f"{count} BLOBs are no pictures"
    return f"{what} that can be read: {each}"
