"""An index at rest: each change is a new folder, written under a dotted name and renamed when it is whole.

    <store>/indexes/<name>/<generation>/manifest.json    what it is: measure, encoder, segments, files
    <store>/indexes/<name>/<generation>/<segment>.*      see segment.py; shared with older generations by link
    <store>/indexes/<name>/<generation>/alive.npy        bool, (n,): rows that have not been deleted
    <store>/indexes/<name>/<generation>/dropped          instead of all of them: the index was dropped

The newest generation is the index; to drop it is a generation too, so a number is never given twice. A reader
that has an older one open keeps it: its files live as long as they are mapped. Writers of two processes never
wait: the one that comes second finds the number taken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING

import numpy as np

from xbsql import errors
from xbsql.index.card import MANIFEST, write_card
from xbsql.store.files import plain_files, remove, unfinished
from xbsql.store.files import sweep as sweep_unfinished
from xbsql.store.names import NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.index.card import Card

ALIVE, DROPPED = "alive.npy", "dropped"
STALE_SECONDS = 24 * 3600


def numbers(home: Path) -> list[int]:
    """The generations of an index that are whole, ascending; the last may say that the index was dropped."""
    try:
        return sorted(int(entry.name) for entry in home.iterdir() if NUMBER.fullmatch(entry.name))
    except OSError:
        return []


def newest(home: Path) -> int | None:
    """The generation that is the index; None where there is none, or it was dropped."""
    last = numbers(home)[-1:]
    return last[0] if last and not os.path.lexists(home / str(last[0]) / DROPPED) else None


def publish(where: str, home: Path, base: int, change: Callable[[Path], Card | None]) -> bool:
    """Write generation `base + 1`.

    Args:
        where: the SQL function, for errors.
        home: the folder of the index.
        base: the last generation, which the change is made on; 0 for none.
        change: puts the files into the folder that it is given and says what they are; None: nothing changes.

    Returns:
        False where another process published first: make the change again, on what it made.

    Raises:
        XbsqlError: the disk is full or not writable; nothing has changed then.
    """
    try:
        with unfinished(home, "draft") as draft:
            card = change(draft)
            if card is None:
                return True
            write_card(draft, card)
            if not _renamed(draft, home, base):
                return False
    except OSError as error:
        if (home / str(base + 1)).exists():
            return False
        problem = f"cannot write {home}: {error.strerror or error}"
        raise errors.invalid(where, problem, "free some space, or pass another folder") from error
    finally:
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty: no index came of it
    sweep(home, base)
    return True


def drop(home: Path, base: int) -> bool:
    """Say that the index whose last generation is `base` was dropped; False where another process was first.

    Raises:
        OSError: the folder cannot be written.
    """
    try:
        with unfinished(home, "draft") as draft:
            (draft / DROPPED).touch()
            if not _renamed(draft, home, base):
                return False
    except OSError:
        if (home / str(base + 1)).exists():
            return False
        (home / str(base) / MANIFEST).rename(home / str(base) / DROPPED)  # takes no space on a full disk
    sweep(home, base)
    return True


def _renamed(draft: Path, home: Path, base: int) -> bool:
    """Make a draft generation `base + 1`, unless the last one is not `base` any more."""
    if numbers(home)[-1:] != ([base] if base else []):
        return False
    draft.rename(home / str(base + 1))
    return True


def link_segments(source: Path, names: Sequence[str], target: Path) -> None:
    """Put the files of segments into another generation, without a copy where the file system can."""
    for file, path in plain_files(source)[0].items():
        if file.partition(".")[0] in names:
            try:
                os.link(path, target / file)
            except (OSError, NotImplementedError):
                shutil.copyfile(path, target / file)


def write_alive(folder: Path, alive: NDArray[np.bool_]) -> None:
    """Say which rows have not been deleted, bool of shape (n,)."""
    with (folder / ALIVE).open("wb") as file:
        np.save(file, alive, allow_pickle=False)


def sweep(home: Path, last: int) -> None:
    """Empty the generations up to `last`, and remove what dead writers left.

    An emptied generation keeps its manifest for a day, so that its number stays taken: a slow writer whose
    change was made on an older one cannot slip into the gap.
    """
    sweep_unfinished(home)
    known = numbers(home)
    for folder in (home / str(number) for number in known):
        if folder.is_symlink() or int(folder.name) > last:
            continue
        with contextlib.suppress(OSError):
            for entry in folder.iterdir():
                if entry.name not in (MANIFEST, DROPPED):
                    remove(entry)
            if int(folder.name) != known[-1] and time.time() - folder.stat().st_mtime > STALE_SECONDS:
                remove(folder)
