"""Where models rest: one folder a version, written whole or not at all, and never code.

    <store>/models/<name>/<version>/   one model at rest, see artifact.py
    <store>/models/<name>/promoted     the version that the bare name stands for

A version is built in a folder whose name starts with a dot and renamed when it is complete, so a process that
dies leaves nothing a reader can see. Two processes that write one name get two versions, or the same one when
they wrote the same fit.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.store import artifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xbsql.store.model import State

PROMOTED = "promoted"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Artifact:
    """One model at rest.

    Attributes:
        name: the model's name.
        version: counts from 1.
        path: its folder.
        card: what the manifest says of it: task, label, key of the fit, rows, report, verdict, notes.
        created: when it was written, ISO 8601, UTC.
        promoted: whether the bare name stands for this version.
    """

    name: str
    version: int
    path: Path
    card: Mapping[str, Any]
    created: str
    promoted: bool

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


class Store:
    """A folder of models. Reading takes no lock; writing needs nothing but an atomic rename."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """The names of all models, sorted."""
        folder = self.path / "models"
        return sorted(entry.name for entry in folder.iterdir() if _versions(entry)) if folder.is_dir() else []

    def versions(self, name: str) -> list[int]:
        """The versions of one model, ascending; empty where there is none."""
        return _versions(self.path / "models" / name)

    def resolve(self, where: str, reference: str) -> tuple[str, int]:
        """'name' -> its promoted version, or the newest where none is; 'name@3' -> that one.

        Raises:
            XbsqlError: no such model or version; says which exist.
        """
        name, _, wanted = reference.partition("@")
        if not wanted and (promoted := self._pointer(name)):
            return name, promoted
        known = self.versions(name)
        if not known:
            raise errors.unknown(where, "model", name, self.names(), place="the store has")
        if not wanted:
            return name, known[-1]
        if not wanted.isdigit() or int(wanted) not in known:
            shown = [f"{name}@{version}" for version in known]
            raise errors.unknown(where, "version", reference, shown, place="the store has")
        return name, int(wanted)

    def artifact(self, where: str, reference: str) -> Artifact:
        """What the store knows of a model, without loading its arrays."""
        name, version = self.resolve(where, reference)
        path = self.path / "models" / name / str(version)
        manifest = artifact.read_manifest(path)
        promoted = self.resolve(where, name)[1] == version
        return Artifact(name, version, path, manifest["card"], manifest["created"], promoted)

    def save(self, name: str, state: State, card: Mapping[str, Any]) -> Artifact:
        """Write a new version and promote it; a version with the same `card['key']` is reused.

        Raises:
            XbsqlError: the name is not an identifier, or the folder cannot be written.
        """
        check_name("store", name)
        home = self.path / "models" / name
        try:
            home.mkdir(parents=True, exist_ok=True)
            _sweep(home)
            draft = home / f".draft-{os.getpid()}-{secrets.token_hex(4)}"
            artifact.write(draft, state, card)
            version = self._publish(home, draft, str(card["key"]))
            _replace_text(home / PROMOTED, str(version))
        except OSError as error:
            problem = f"cannot write {self.path}: {error.strerror or error}"
            raise errors.invalid("store", problem, "pass another folder as `store`") from error
        return self.artifact("store", f"{name}@{version}")

    def find(self, name: str, key: str) -> Artifact | None:
        """The newest version of a model that came out of the fit with this key, if there is one."""
        for version in reversed(self.versions(name)):
            try:
                found = self.artifact("store", f"{name}@{version}")
            except errors.XbsqlError:  # a broken version is no reason not to write a whole one
                continue
            if found.card.get("key") == key:
                return found
        return None

    def promote(self, reference: str) -> Artifact:
        """Let the bare name stand for this version."""
        name, version = self.resolve("xb.promote", reference)
        try:
            _replace_text(self.path / "models" / name / PROMOTED, str(version))
        except OSError as error:
            problem = f"cannot write {self.path}: {error.strerror or error}"
            raise errors.invalid("xb.promote", problem, "make the store writable") from error
        return self.artifact("xb.promote", f"{name}@{version}")

    def drop(self, reference: str) -> list[int]:
        """Remove a model ('name': every version) or one version ('name@3'); says which went."""
        name, version = self.resolve("xb.drop_model", reference)
        gone = [version] if "@" in reference else self.versions(name)
        home = self.path / "models" / name
        for number in gone:
            grave = home / f".dropped-{secrets.token_hex(4)}"
            try:
                (home / str(number)).rename(grave)
            except OSError as error:
                problem = f"cannot remove {name}@{number}: {error.strerror or error}"
                raise errors.invalid("xb.drop_model", problem, "make the store writable") from error
            shutil.rmtree(grave, ignore_errors=True)
        if not _versions(home):
            shutil.rmtree(home, ignore_errors=True)
        return gone

    def _pointer(self, name: str) -> int | None:
        """The promoted version; None where the pointer is missing or names a dropped one."""
        home = self.path / "models" / name
        try:
            version = int((home / PROMOTED).read_text())
        except (OSError, ValueError):
            return None
        return version if (home / str(version)).is_dir() else None

    def _publish(self, home: Path, draft: Path, key: str) -> int:
        """Rename the draft to the next free version, unless another process has published the same fit."""
        while True:
            twin = self.find(home.name, key)
            if twin is not None:
                shutil.rmtree(draft)
                return twin.version
            version = max(_versions(home), default=0) + 1
            try:
                draft.rename(home / str(version))
            except OSError:
                if not (home / str(version)).exists():
                    raise
                continue
            return version


def check_name(where: str, name: str) -> None:
    """Raise where a name cannot be a model's: it becomes a folder and is followed by '@version'."""
    if not NAME.fullmatch(name):
        remedy = (
            "use letters, digits, '_', '-' and '.', starting with a letter; a version is not part of the name"
        )
        raise errors.invalid(where, f"'{name[:120]}' cannot be a model's name", remedy)


def _versions(home: Path) -> list[int]:
    if not home.is_dir() or home.name.startswith("."):
        return []
    return sorted(int(entry.name) for entry in home.iterdir() if entry.name.isdigit())


def _replace_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    draft.write_text(text)
    draft.replace(path)


def _sweep(home: Path) -> None:
    """Remove what dead writers left behind a day ago or earlier."""
    for entry in home.glob(".*"):
        with suppress(FileNotFoundError):  # its writer was not dead and has just renamed it
            if time.time() - entry.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink()
