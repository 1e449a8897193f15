"""Files of a store: only plain ones are read, and what a writer has not finished is told from what died.

A writer holds a lock on its unfinished folder for as long as it lives; the system lets go of it when the
process ends, however it ends. So who can take the lock of such a folder knows that nobody writes it any more.

Modes follow the umask of the process that writes, for every file alike: who may read the folder can use the
store.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNFINISHED = re.compile(r"\.(draft|rows|promoted|dropped)-[0-9a-f-]+")
"""What is not whole: a version or an index, the rows of a build, a small file, what is being removed."""
GRACE_SECONDS = 600
"""Between the making of a folder and its lock, a writer is given so long."""
STALE_SECONDS = 24 * 3600
"""Where the file system has no locks, what nobody has written to for so long is dead."""
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def read_plain(path: Path, most: int) -> bytes:
    """The content of a plain file; a link, a pipe or a device is never opened for reading.

    Raises:
        OSError: there is none, it is no plain file, or it has more than `most` bytes.
    """
    if not stat.S_ISREG(path.lstat().st_mode):  # opening some devices does something
        raise OSError(errno.EINVAL, "is no plain file", str(path))
    handle = os.open(path, os.O_RDONLY | _PLAIN | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"has more than {most} bytes", str(path))
        return file.read()


def plain_files(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The plain files below a folder, and the names of what is neither such a file nor a folder."""
    found: dict[str, Path] = {}
    others: list[str] = []
    places = [folder]
    while places:
        for entry in os.scandir(places.pop()):
            path = Path(entry)
            name = path.relative_to(folder).as_posix()
            if entry.is_dir(follow_symlinks=False):
                places.append(path)
            elif entry.is_file(follow_symlinks=False):
                found[name] = path
            else:
                others.append(name)
    return found, others


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder; 0 where it has gone."""
    total = 0
    with suppress(OSError):
        for path in plain_files(folder)[0].values():
            with suppress(OSError):
                total += path.lstat().st_size
    return total


def remove(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder; as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def unfinished(home: Path, kind: str) -> Iterator[Path]:
    """A new folder below `home` that is this writer's alone; it goes at the end unless it was renamed.

    Args:
        home: made where it is missing.
        kind: 'draft' or 'rows', see `UNFINISHED`.
    """
    home.mkdir(parents=True, exist_ok=True)
    folder = home / dotted(kind)
    folder.mkdir()
    lock = locked(folder)
    try:
        yield folder
    finally:
        remove(folder)
        unlock(lock)


def dotted(kind: str) -> str:
    """A new name for what is not finished; readers pass over what starts with a dot."""
    return f".{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def locked(path: Path) -> int | None:
    """Take the lock of a folder or file, for `unlock`; None where the system has none.

    Raises:
        OSError: somebody else holds it, or the path has gone.
    """
    if os.name == "nt":  # has no such locks
        return None
    from fcntl import LOCK_EX, LOCK_NB, flock

    handle = os.open(path, os.O_RDONLY | _PLAIN)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return handle


def unlock(lock: int | None) -> None:
    """Let go of a lock."""
    if lock is not None:
        os.close(lock)


def replace_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new one, never a part.

    Raises:
        OSError: the disk is full or not writable; the old text is still there then.
    """
    with small_draft(path.parent, text) as draft:
        draft.replace(path)


@contextmanager
def small_draft(home: Path, text: str) -> Iterator[Path]:
    """A small file below `home` that is not finished; it goes at the end unless it was renamed."""
    path = home / dotted("promoted")
    lock = None
    try:
        with path.open("x") as file:
            lock = locked(path)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        remove(path)
        unlock(lock)


def sweep(home: Path) -> None:
    """Remove what dead writers left in a folder: never anything that a living one still holds."""
    with suppress(OSError):
        for path in home.iterdir():
            if UNFINISHED.fullmatch(path.name) and (path.name.startswith(".dropped-") or _dead(path)):
                remove(path)


def _dead(path: Path) -> bool:
    """Whether nobody writes this any more: it is not brand-new, and its lock is free."""
    try:
        found = path.lstat()
        age = time.time() - found.st_mtime
        if age < GRACE_SECONDS:
            return False
        lock = locked(path) if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) else None
    except OSError:  # held, or gone
        return False
    unlock(lock)
    return lock is not None or age > STALE_SECONDS
