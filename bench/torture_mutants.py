"""Damage, by seed: bytes, LightGBM text, JSON and arrays, as disks, editors and attackers do it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "5",
    "255",
    "65536",
    "2000000000",
    "99999999999",
    "1e9",
    "1e400",
    "nan",
    "inf",
    "",
)
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**63, 10**30, float("nan"), "", "x", "../../etc", "\x00", "²", [], {}, [[]],
    ["x"], {"x": 1}, "9" * 5000,
)  # fmt: skip
HEADER = (
    "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "feature_infos", "tree_sizes", "version", "average_output", "monotone_constraints",
)  # fmt: skip


def bytes_of(content: bytes, random: Random) -> bytes:
    """The content with a bit flipped, a piece lost, doubled or zeroed, or its end missing."""
    if not content:
        return b"\x00"
    at = random.randrange(len(content))
    width = random.choice((1, 1, 4, 64))
    return random.choice((
        content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :],
        content[:at] + content[at + width :],
        content[:at] + content[at : at + width] + content[at:],
        content[:at] + bytes(width) + content[at + width :],
        content[:at],
    ))  # fmt: skip


def text_of(text: str, random: Random) -> str:
    """A LightGBM text with one to three things changed; every other time its tree_sizes are right again."""
    for _ in range(random.choice((1, 1, 2, 3))):
        text = random.choice((_header, _header, _number, _number, _line, _bytes))(text, random)
    return sized(text) if random.random() < 0.5 else text


def sized(text: str) -> str:
    """The text with the tree_sizes that its trees have."""
    head, marker, rest = text.partition("\nTree=")
    body, end, _ = rest.partition("\nend of trees")
    if not marker or not end:
        return text
    trees = [f"Tree={tree}" for tree in f"{body}\n".split("Tree=")]
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    return re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", head) + text[len(head) :]


def _header(text: str, random: Random) -> str:
    key, value = (
        random.choice(HEADER),
        random.choice((*NUMBERS, "multiclass num_class:3", "binary sigmoid:1")),
    )
    line = f"{key}={value}"
    found = re.search(rf"(?m)^{key}(=.*)?$", text)
    if found is None or random.random() < 0.3:
        return text.replace("\n", f"\n{line}\n", 1)
    return text[: found.start()] + random.choice((line, "", key)) + text[found.end() :]


def _number(text: str, random: Random) -> str:
    places = [each.span() for each in re.finditer(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text)]
    start, stop = random.choice(places)
    return text[:start] + random.choice(NUMBERS) + text[stop:]


def _line(text: str, random: Random) -> str:
    lines = text.split("\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    choice = random.randrange(4)
    if choice == 0:
        del lines[at]
    elif choice == 1:
        lines.insert(at, lines[other])
    elif choice == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at] + random.choice((" 1", " ", "=", "\r", "\x00", " x"))
    return "\n".join(lines)


def _bytes(text: str, random: Random) -> str:
    return bytes_of(text.encode(), random).decode(errors="replace")


def json_of(value: Any, random: Random) -> Any:  # noqa: ANN401 - JSON
    """A JSON value with something in it replaced, lost, doubled or nested deeply."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return _nested(random) if random.random() < 0.1 else random.choice(HOSTILE)
    copy: Any = value.copy()
    key = random.choice(list(copy)) if isinstance(copy, dict) else random.randrange(len(copy))
    if random.random() < 0.1:
        del copy[key]
    elif isinstance(copy, dict) and random.random() < 0.1:
        copy[random.choice(("x", "../x", "", f"{key}2"))] = copy[key]
    else:
        copy[key] = json_of(copy[key], random)
    return copy


def _nested(random: Random) -> Any:  # noqa: ANN401 - JSON
    value: Any = []
    for _ in range(random.choice((70, 500))):
        value = [value]
    return value


def array_of(array: NDArray[Any], random: Random) -> NDArray[Any]:
    """An array with a hostile value, or of another shape, length or type."""
    kind = random.randrange(6)
    if kind == 0 or not array.size:
        return array.astype(random.choice((np.float64, np.float32, np.int64, np.int8, np.uint8)))
    if kind == 1:
        return array[: random.randrange(len(array) + 1)] if array.ndim else array.reshape(1)
    if kind == 2:
        return array.reshape(-1) if array.ndim > 1 else array[:, None] if array.ndim else array
    if kind == 3:
        return np.concatenate([array, array]) if array.ndim else array
    copy = array.copy()
    place = np.unravel_index(random.randrange(array.size), array.shape)
    if array.dtype.kind == "f":
        copy[place] = random.choice((np.nan, np.inf, -1.0, 0.0, 1e30))
    elif array.dtype.kind in "iu":
        info = np.iinfo(array.dtype)
        copy[place] = random.choice((info.min, info.max, 0, 1))
    return copy
