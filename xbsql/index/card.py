"""What a generation of an index says of itself: its card, and the size and digest of every file.

Sizes are looked at whenever the card is read, digests when the index is opened; a file that this process has
looked at before is not read again, as a later generation links the files of an earlier one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from xbsql import errors
from xbsql.index.kept import Kept
from xbsql.store.files import plain_files, read_plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
METRICS: Final = ("cosine", "dot", "l2")
MODES: Final = ("exact", "approximate")
MOST_BYTES: Final = 2**28
Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Card:
    """What an index is.

    Attributes:
        key: digest of all that it was made of.
        metric: 'cosine', 'dot' or 'l2'.
        weights: one a feature, or None.
        encoder: the name of the text encoder that made the vectors, or None.
        encoder_version: its version then, or None.
        dim: numbers a vector.
        id_type: 'int64' or 'string'.
        has_text: whether `xb.search_text` finds words in it.
        segments: names of its blocks, in the order of their rows.
        rows: rows that are alive.
        skipped: rows of the build that had no id or no vector.
        seconds: of the build or the change.
        change: digest of the last change, so that the same one again is none.
        mode: 'exact' or 'approximate'.
        recall: of 10 neighbours at the default effort, measured when the rows were last written anew; None
            where the search is exact.
    """

    key: str
    metric: str
    weights: list[float] | None
    encoder: str | None
    encoder_version: str | None
    dim: int
    id_type: str
    has_text: bool
    segments: list[str]
    rows: int
    skipped: int
    seconds: float
    change: str
    mode: str = "exact"
    recall: float | None = None


class Digest(str):
    """A sha256 that knows its size, for `Kept`."""

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """Bytes it holds, its key included."""
        return 300


_looked_at: Final[Kept[tuple[int, int, int, int], Digest]] = Kept(2**22)


def read_card(folder: Path) -> tuple[Card, str]:
    """What the generation in a folder is, and when it was made.

    Raises:
        OSError: there is no manifest.
        XbsqlError: it was changed after it was written, truncated, or made by a newer xbsql.
    """
    shown = folder.parent.name
    manifest = _manifest(folder, shown)
    sizes = {name: path.lstat().st_size for name, path in plain_files(folder)[0].items()}
    for name, size in manifest["files"].items():
        if sizes.get(name) != size:
            raise broken(shown, f"lacks {errors.shown(name)}, or holds it truncated")
    return Card(**manifest["card"]), str(manifest["created"])


def check_digests(folder: Path) -> None:
    """Raise where a file of a generation is not the one that was written.

    What an xbsql before digests wrote has none, and is taken by its sizes, shapes and ranges.

    Raises:
        OSError: there is no such file.
        XbsqlError: its digest differs.
    """
    shown = folder.parent.name
    for name, digest in _manifest(folder, shown).get("digests", {}).items():
        if digest_of(folder / name) != digest:
            raise broken(shown, f"holds a changed {errors.shown(name)} (sha256 differs)")


def digest_of(path: Path) -> str:
    """sha256 of a plain file."""
    found = path.lstat()
    key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    known = _looked_at.get(key)
    if known is None:
        with path.open("rb") as file:
            known = Digest(hashlib.file_digest(file, "sha256").hexdigest())
        _looked_at.put(key, known)
    return known


def stamp(folder: Path) -> Stamp:
    """What tells a generation from another one, or from itself after somebody changed a file."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    return tuple(sorted((name, each.st_size, each.st_mtime_ns, each.st_ino) for name, each in found))


def write_card(folder: Path, card: Card) -> None:
    """Write the manifest of a generation whose other files are there, and flush them all to the disk."""
    files = {file.name: file for file in sorted(folder.iterdir())}
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "card": asdict(card),
        "files": {name: file.stat().st_size for name, file in files.items()},
        "digests": {name: str(digest_of(file)) for name, file in files.items()},
    }
    text = json.dumps({**manifest, "digest": sealed(manifest)}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    for file in folder.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def sealed(manifest: Mapping[str, Any]) -> str:
    """sha256 of a manifest without its own."""
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def broken(name: str, problem: str) -> errors.XbsqlError:
    """An index that must not be searched, and how to be rid of it."""
    return errors.invalid("store", f"index '{name}' {problem}", "build it again or drop it")


def _manifest(folder: Path, shown: str) -> dict[str, Any]:
    text = read_plain(folder / MANIFEST, MOST_BYTES)
    try:
        manifest = json.loads(text)
        changed = manifest.pop("digest") != sealed(manifest)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        changed, manifest = True, {}
    made = manifest.get("format", 0)
    if isinstance(made, int) and made > FORMAT:
        problem = f"index '{shown}' has format {errors.shown(made, 20)}, this xbsql reads {FORMAT}"
        raise errors.invalid("store", problem, "upgrade xbsql")
    if changed:
        raise broken(shown, f"has a {MANIFEST} that was changed after it was written")
    if made != FORMAT:
        raise broken(shown, f"has format {errors.shown(made, 20)}, this xbsql reads {FORMAT}")
    if not _is_manifest(manifest):
        raise broken(shown, f"has a {MANIFEST} that xbsql has not written")
    return dict(manifest)


def _is_manifest(manifest: Mapping[str, Any]) -> bool:
    files, digests, card = (manifest.get(name, {}) for name in ("files", "digests", "card"))
    return (
        isinstance(manifest.get("created"), str)
        and isinstance(files, dict)
        and all(type(size) is int for size in files.values())
        and isinstance(digests, dict)
        and digests.keys() <= files.keys()
        and all(isinstance(digest, str) for digest in digests.values())
        and isinstance(card, dict)
        and _is_card(card)
        and all(f"{name}.vectors.npy" in files for name in card["segments"])
    )


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "key": (str,), "metric": (str,), "weights": (list, type(None)), "encoder": (str, type(None)),
    "encoder_version": (str, type(None)), "dim": (int,), "id_type": (str,), "has_text": (bool,),
    "segments": (list,), "rows": (int,), "skipped": (int,), "seconds": (int, float), "change": (str,),
    "mode": (str,), "recall": (int, float, type(None)),
}  # fmt: skip


def _is_card(card: Mapping[str, Any]) -> bool:
    """Whether the fields of a card are all there, each of its type and in its range."""
    if card.keys() != {field.name for field in fields(Card)} - ({"mode", "recall"} - card.keys()):
        return False
    if not all(type(value) in _TYPES[name] for name, value in card.items()):
        return False
    return _in_range(card) and _are_segments(card["segments"]) and _are_weights(card["weights"], card["dim"])


def _in_range(card: Mapping[str, Any]) -> bool:
    counts = all(0 <= card[name] < 2**53 for name in ("rows", "skipped", "dim"))
    known = card["metric"] in METRICS and card.get("mode", "exact") in MODES
    return counts and known and card["dim"] > 0 and card["id_type"] in ("int64", "string")


def _are_segments(names: list[Any]) -> bool:
    right = all(isinstance(name, str) and re.fullmatch(r"[0-9a-f]{16}", name) for name in names)
    return right and 0 < len(names) == len(set(names))


def _are_weights(weights: list[Any] | None, dim: int) -> bool:
    if weights is None:
        return True
    return len(weights) == dim and all(type(w) in (int, float) and math.isfinite(w) for w in weights)
