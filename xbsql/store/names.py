"""Names and version numbers: the one check between what a caller gives and the file system."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xbsql import errors

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
NUMBER = re.compile(r"[1-9][0-9]{0,8}")
"""A version of a model or a generation of an index, as its folder is called: 1 to 999,999,999."""
MOST_NUMBER = 999_999_999

_KINDS = {
    "model": (
        "a model's name",
        "use letters, digits, '_', '-' and '.', starting with a letter; a version is not part of the name",
    ),
    "index": ("an index's name", "use letters, digits, '_', '-' and '.', starting with a letter"),
}


def check_name(where: str, name: object, kind: str = "model") -> str:
    """The name, where it can be a folder of the store.

    Args:
        where: the function, for errors.
        name: what the caller gave.
        kind: 'model' or 'index'.

    Raises:
        XbsqlError: not 1 to 100 ASCII letters, digits, '_', '-' and '.', or no letter or '_' at the start: so
            no path, no '..', no NUL, no '@'.
    """
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    called, remedy = _KINDS[kind]
    raise errors.invalid(where, f"'{errors.shown(name, 120)}' cannot be {called}", remedy)


def parted(where: str, reference: object) -> tuple[str, str | None]:
    """'name' -> ('name', None), 'name@3' -> ('name', '3'); what follows '@' may be no number.

    Raises:
        XbsqlError: as `check_name`.
    """
    if not isinstance(reference, str):
        return check_name(where, reference), None
    name, at, version = reference.partition("@")
    return check_name(where, name), version if at else None


def home_of(where: str, root: Path, name: object, kind: str = "model") -> Path:
    """The folder of a model or an index below `root`, there or not.

    Raises:
        XbsqlError: no name, or a link stands in the way: what it points to is not the store's.
    """
    home = root / check_name(where, name, kind)
    for place in (root, home):
        if place.is_symlink():
            problem = f"{place} is a link, and the store writes nothing outside its own folder"
            raise errors.invalid(where, problem, "put the folder itself there, or link the whole store")
    return home
