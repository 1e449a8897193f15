"""The numbers of a model's versions: each is given once, also where its version was dropped.

A dropped version leaves its folder, empty but for a file `dropped`, so that its number stays taken: a pinned
'name@3' is that version or an error, and never another model.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.store.files import read_plain, remove, replace_text
from xbsql.store.manifest import MANIFEST
from xbsql.store.names import MOST_NUMBER, NUMBER

if TYPE_CHECKING:
    from pathlib import Path

DROPPED = "dropped"
"""In a version's folder: it is dropped. Beside them: the number up to which all are."""


def taken(home: Path) -> list[int]:
    """Every number that a version had or has, ascending."""
    try:
        return sorted(int(entry.name) for entry in home.iterdir() if NUMBER.fullmatch(entry.name))
    except OSError:
        return []


def living(home: Path) -> list[int]:
    """The numbers that are not dropped."""
    given = taken(home)
    floor = number_in(home / DROPPED) if given else 0
    return [n for n in given if n > floor and _lives(home / str(n))]


def _lives(folder: Path) -> bool:
    return folder.is_dir() and not (folder / DROPPED).is_symlink() and not (folder / DROPPED).exists()


def next_number(home: Path) -> int:
    """The number of the next version: above every one that was ever given."""
    found = max([*taken(home), number_in(home / DROPPED)]) + 1
    if found > MOST_NUMBER:
        raise errors.invalid("store", f"'{home.name}' has no version number left", "use another name")
    return found


def number_in(path: Path) -> int:
    """The number in a small file; 0 where there is none."""
    try:
        text = read_plain(path, 16).decode("ascii")
    except (OSError, ValueError):
        return 0
    return int(text) if NUMBER.fullmatch(text) else 0


def bury(folder: Path) -> None:
    """Drop a version: at one moment no reader sees it any more, then its files go; its number stays taken.

    The moment is a rename within the folder, which even a full disk allows.
    """
    mark = folder / DROPPED
    if folder.is_symlink():  # what it points to is not the store's
        folder.unlink()
        folder.mkdir()
    if not mark.exists():
        try:
            (folder / MANIFEST).rename(mark)
        except FileNotFoundError:
            mark.touch()
    for entry in folder.iterdir():
        if entry.name != DROPPED:
            remove(entry)
    with suppress(OSError):
        replace_text(mark, "")


def finish_drops(home: Path) -> None:
    """Go on with drops whose process died: remove the files of versions that no reader sees."""
    for number in set(taken(home)).difference(living(home)):
        folder = home / str(number)
        with suppress(OSError):
            if folder.is_dir() and [entry.name for entry in folder.iterdir()] != [DROPPED]:
                bury(folder)
