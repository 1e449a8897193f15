"""Where models rest: one folder a version, written whole or not at all, and never code.

    <store>/models/<name>/<version>/   one model at rest, see artifact.py
    <store>/models/<name>/promoted     the version that the bare name stands for
    <store>/models/<name>/dropped      every version up to this one was dropped, see versions.py

A version is built in a folder whose name starts with a dot and renamed when it is complete, so a process that
dies leaves nothing a reader can see. Two processes that write one name get two versions, or the same one when
they wrote the same fit.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.store import artifact
from xbsql.store.files import replace_text, size_of, small_draft, sweep, unfinished
from xbsql.store.manifest import read_manifest
from xbsql.store.names import NUMBER, home_of, parted
from xbsql.store.versions import DROPPED, bury, finish_drops, living, next_number, number_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from xbsql.store.manifest import Manifest
    from xbsql.store.model import State

PROMOTED = "promoted"


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
        return size_of(self.path)


class Store:
    """A folder of models. Reading takes no lock; writing needs nothing but an atomic rename.

    Args:
        path: the folder, there or not.

    Raises:
        XbsqlError: it is a file.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            remedy = "give a folder; a DuckDB file is the first argument of xbsql.connect"
            raise errors.invalid("store", f"the store {errors.shown(path)} is a file", remedy)
        self.path = path
        self._models = path / "models"
        self._swept = False

    def names(self) -> list[str]:
        """The names of all models, sorted; folders that cannot be models are among them, to be seen."""
        try:
            entries = [entry for entry in self._models.iterdir() if not entry.name.startswith(".")]
        except OSError:
            return []
        return sorted(entry.name for entry in entries if living(entry))

    def versions(self, name: str) -> list[int]:
        """The versions of one model, ascending; empty where there is none.

        Raises:
            XbsqlError: no name, or the folder is a link.
        """
        return living(home_of("store", self._models, name))

    def folder(self, name: str, version: int) -> Path:
        """Where a version rests."""
        return home_of("store", self._models, name) / str(version)

    def resolve(self, where: str, reference: str) -> tuple[str, int]:
        """'name' -> its promoted version, or the newest where none is; 'name@3' -> that one.

        Raises:
            XbsqlError: no name, no such model or version; says which exist.
        """
        name, wanted = parted(where, reference)
        home = home_of(where, self._models, name)
        known = living(home)
        if not known:
            raise errors.unknown(where, "model", name, self.names(), place="the store has")
        if wanted is None:
            promoted = number_in(home / PROMOTED)
            return name, promoted if promoted in known else known[-1]
        if not NUMBER.fullmatch(wanted) or int(wanted) not in known:
            shown = [f"{name}@{version}" for version in known]
            raise errors.unknown(where, "version", reference, shown, place="the store has")
        return name, int(wanted)

    def artifact(self, where: str, reference: str) -> Artifact:
        """What the store knows of a model, without loading its arrays.

        Raises:
            XbsqlError: no such model or version, or its manifest is broken.
        """
        name, version = self.resolve(where, reference)
        path = self.folder(name, version)
        try:
            manifest = read_manifest(path)
        except errors.XbsqlError:
            self.resolve(where, f"{name}@{version}")  # it may have been dropped meanwhile
            raise
        return _artifact(name, version, path, manifest, promoted=self.resolve(where, name)[1] == version)

    def read(self, where: str, reference: str) -> State:
        """The model itself.

        Raises:
            XbsqlError: no such model or version, or it is broken.
        """
        name, version = self.resolve(where, reference)
        try:
            return artifact.read(self.folder(name, version))
        except errors.XbsqlError:
            self.resolve(where, f"{name}@{version}")
            raise

    def save(self, name: str, state: State, card: Mapping[str, Any]) -> Artifact:
        """Write a new version and promote it; a version with the same `card['key']` is reused.

        Raises:
            XbsqlError: the name is not an identifier, or the folder cannot be written; nothing is left then.
        """
        home = home_of("store", self._models, name)
        remedy = "free some space, or pass another folder as `store`"
        with self._writing("store", "write", remedy), unfinished(home, "draft") as draft:
            self._sweep(home)
            return self._publish(home, draft, artifact.write(draft, state, card))

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

    def reuse(self, where: str, name: str, key: str) -> Artifact | None:
        """`find`, and let the bare name stand for what was found; None also where it is dropped just now."""
        found = self.find(name, key)
        if found is None:
            return None
        try:
            return self.promote(f"{name}@{found.version}", where)
        except errors.XbsqlError:
            if found.version in self.versions(name):
                raise
            return None

    def promote(self, reference: str, where: str = "xb.promote") -> Artifact:
        """Let the bare name stand for this version.

        Raises:
            XbsqlError: no such version, or the folder cannot be written.
        """
        name, version = self.resolve(where, reference)
        with self._writing(where, "write", "make the store writable"):
            replace_text(home_of(where, self._models, name) / PROMOTED, str(version))
        return self.artifact(where, f"{name}@{version}")

    def drop(self, reference: str) -> list[int]:
        """Remove a model ('name': every version, at one moment) or one version ('name@3'); says which went.

        Raises:
            XbsqlError: no such model or version, or its folder cannot be written.
        """
        where = "xb.drop_model"
        name, version = self.resolve(where, reference)
        home = home_of(where, self._models, name)
        gone = [version] if "@" in reference else self.versions(name)
        with self._writing(where, "remove from", "make the store writable"):
            if "@" not in reference and gone:
                with suppress(OSError):  # on a full disk they go one by one: that takes no space
                    replace_text(home / DROPPED, str(max(gone[-1], number_in(home / DROPPED))))
            for number in gone:
                bury(home / str(number))
            self._sweep(home)
        return gone

    def _publish(self, home: Path, draft: Path, manifest: Manifest) -> Artifact:
        """Rename the draft to the next free version, unless another process has published the same fit."""
        name = home.name
        while True:
            twin = self.reuse("store", name, str(manifest.card["key"]))
            if twin is not None:
                return twin
            version = next_number(home)
            path = home / str(version)
            with small_draft(home, str(version)) as pointer:  # before the version: a full disk leaves neither
                try:
                    draft.rename(path)
                except OSError:
                    if version == next_number(home):
                        raise
                    continue
                pointer.replace(home / PROMOTED)
            return _artifact(name, version, path, manifest, promoted=True)

    def _sweep(self, home: Path) -> None:
        """Remove what dead writers and half done drops left: here, and once in every model's folder."""
        homes = [home]
        if not self._swept:
            self._swept = True
            with suppress(OSError):
                homes = [each for each in self._models.iterdir() if each.is_dir() and not each.is_symlink()]
        for each in homes:
            sweep(each)
            finish_drops(each)

    @contextmanager
    def _writing(self, where: str, verb: str, remedy: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"cannot {verb} {self.path}: {error.strerror or error}"
            raise errors.invalid(where, problem, remedy) from error


def _artifact(name: str, version: int, path: Path, manifest: Manifest, *, promoted: bool) -> Artifact:
    return Artifact(name, version, path, manifest.card, manifest.created, promoted)
