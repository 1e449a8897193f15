"""An index at rest: each change is a new folder, written under a dotted name and renamed when it is whole.

    <store>/indexes/<name>/<generation>/manifest.json    what it is: measure, encoder, segments, file sizes
    <store>/indexes/<name>/<generation>/<segment>.*      see segment.py; shared with older generations by link
    <store>/indexes/<name>/<generation>/alive.npy        bool, (n,): rows that have not been deleted

The newest generation is the index. A reader that has an older one open keeps it: its files live as long as
they are mapped. Writers of two processes never wait: the one that comes second finds the number taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = 2
MANIFEST, ALIVE = "manifest.json", "alive.npy"
STALE_SECONDS = 24 * 3600


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


def numbers(home: Path) -> list[int]:
    """The generations of an index that are whole, ascending."""
    try:
        return sorted(int(entry.name) for entry in home.iterdir() if entry.name.isdigit())
    except OSError:
        return []


def read_card(folder: Path) -> tuple[Card, str]:
    """What the generation in a folder is, and when it was made.

    Raises:
        OSError: there is no manifest.
        XbsqlError: it was changed after it was written, truncated, or made by a newer xbsql.
    """
    shown = folder.parent.name
    text = (folder / MANIFEST).read_text()
    try:
        manifest = json.loads(text)
        written = manifest.pop("digest")
        changed = written != _digest(manifest)
    except (ValueError, KeyError, AttributeError, TypeError):
        changed, manifest = True, {}
    if manifest.get("format", 0) > FORMAT:
        problem = f"index '{shown}' has format {manifest['format']}, this xbsql reads {FORMAT}"
        raise errors.invalid("store", problem, "upgrade xbsql")
    if changed:
        raise _broken(shown, "has a manifest.json that was changed after it was written")
    if manifest["format"] < FORMAT:
        raise _broken(shown, f"has format {manifest['format']}, this xbsql reads {FORMAT}")
    for name, size in manifest["files"].items():
        file = folder / name
        if not file.exists() or file.stat().st_size != size:
            raise _broken(shown, f"lacks {name}, or holds it truncated")
    return Card(**manifest["card"]), str(manifest["created"])


def publish(where: str, home: Path, base: int, change: Callable[[Path], Card | None]) -> bool:
    """Write generation `base + 1`.

    Args:
        where: the SQL function, for errors.
        home: the folder of the index.
        base: the newest generation, which the change is made on; 0 for none.
        change: puts the files into the folder that it is given and says what they are; None: nothing changes.

    Returns:
        False where another process published first: make the change again, on what it made.

    Raises:
        XbsqlError: the disk is full or not writable; nothing has changed then.
    """
    draft = home / f".draft-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        card = change(draft)
        if card is None:
            return True
        _write_manifest(draft, card)
        if numbers(home)[-1:] != ([base] if base else []):
            return False
        draft.rename(home / str(base + 1))
    except OSError as error:
        if (home / str(base + 1)).exists():
            return False
        problem = f"cannot write {home}: {error.strerror or error}"
        raise errors.invalid(where, problem, "free some space, or pass another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty: no index came of it
    sweep(home, base)
    return True


def link_segments(source: Path, names: Sequence[str], target: Path) -> None:
    """Put the files of segments into another generation, without a copy where the file system can."""
    for name in names:
        for file in source.glob(f"{name}.*"):
            try:
                os.link(file, target / file.name)
            except (OSError, NotImplementedError):
                shutil.copyfile(file, target / file.name)


def write_alive(folder: Path, alive: NDArray[np.bool_]) -> None:
    """Say which rows have not been deleted, bool of shape (n,)."""
    with (folder / ALIVE).open("wb") as file:
        np.save(file, alive, allow_pickle=False)


def bury(folder: Path) -> None:
    """Remove a folder so that no reader sees it half gone."""
    grave = folder.with_name(f".dropped-{secrets.token_hex(4)}")
    folder.rename(grave)
    shutil.rmtree(grave, ignore_errors=True)


def sweep(home: Path, last: int) -> None:
    """Empty the generations up to `last`, and remove what dead writers left a day ago or earlier.

    An emptied generation keeps its manifest, so that its number stays taken: a slow writer whose change was
    made on an older one cannot slip into the gap.
    """
    for number in numbers(home):
        for file in (home / str(number)).iterdir() if number <= last else ():
            if file.name != MANIFEST:
                with contextlib.suppress(OSError):
                    file.unlink()
    for entry in [*home.glob(".*"), *(home / str(number) for number in numbers(home)[:-1])]:
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


def _write_manifest(folder: Path, card: Card) -> None:
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "card": asdict(card),
        "files": {file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    }
    text = json.dumps({**manifest, "digest": _digest(manifest)}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text)
    for file in folder.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _digest(manifest: dict[str, Any]) -> str:
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _broken(name: str, problem: str) -> errors.XbsqlError:
    return errors.invalid("store", f"index '{name}' {problem}", "build it again or drop it")
