"""One model at rest: the files of a folder, listed with their digests, and nothing that runs.

manifest.json        what it is, and the sha256 of every other file
arrays.safetensors   every array of the model; equal ones are held once
texts/*.txt          LightGBM models and other long texts
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from xbsql import errors
from xbsql.store.model import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = 2
MANIFEST, ARRAYS, TEXTS = "manifest.json", "arrays.safetensors", "texts"


def write(folder: Path, state: State, card: Mapping[str, Any]) -> None:
    """Write every file of a model, flushed to the disk before this returns.

    Args:
        folder: a new folder.
        state: the model.
        card: JSON values that say what the model is.
    """
    (folder / TEXTS).mkdir(parents=True)
    arrays = _Arrays()
    tree = _write_state(folder, state, arrays, "")
    save_file(arrays.kept, folder / ARRAYS)
    files = {str(file.relative_to(folder)): _sha256(file) for file in _files(folder)}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = {"format": FORMAT, "created": created, "card": dict(card), "state": tree, "files": files}
    (folder / MANIFEST).write_text(
        json.dumps({**manifest, "digest": _digest(manifest)}, indent=1, ensure_ascii=False)
    )
    for file in _files(folder):
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


class _Arrays:
    """Arrays by the key they are stored under: members that hold the same home rows share one copy."""

    def __init__(self) -> None:
        self.kept: dict[str, NDArray[np.generic]] = {}
        self._keys: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def key(self, wanted: str, array: NDArray[np.generic]) -> str:
        """The key of an array that is equal to this one; `wanted`, and the array kept, if it is the first."""
        held = np.ascontiguousarray(array)
        content = (held.dtype.str, held.shape, hashlib.sha256(held.data).digest())
        key = self._keys.setdefault(content, wanted)
        self.kept.setdefault(key, held)
        return key


def _write_state(folder: Path, state: State, arrays: _Arrays, prefix: str) -> dict[str, Any]:
    keys = {name: arrays.key(prefix + name, array) for name, array in state.arrays.items()}
    for name, text in state.texts.items():
        (folder / TEXTS / f"{prefix}{name}.txt").write_text(text)
    parts = {
        name: _write_state(folder, part, arrays, f"{prefix}{name}.") for name, part in state.parts.items()
    }
    return {
        "kind": state.kind,
        "config": dict(state.config),
        "arrays": keys,
        "texts": list(state.texts),
        "parts": parts,
    }


def read(folder: Path) -> State:
    """The model, after the digest of every file has been checked.

    Raises:
        XbsqlError: a file is missing, changed, or not in the manifest; none is ever executed.
    """
    manifest = read_manifest(folder)
    _check_files(folder, manifest["files"])
    return _read_state(folder, manifest["state"], load_file(folder / ARRAYS), "")


def _read_state(
    folder: Path, tree: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]], prefix: str
) -> State:
    keys = tree["arrays"]
    if isinstance(keys, list):  # format 1 held every array under its own name
        keys = {name: prefix + name for name in keys}
    return State(
        kind=tree["kind"],
        config=tree["config"],
        arrays={name: arrays[key] for name, key in keys.items()},
        texts={name: (folder / TEXTS / f"{prefix}{name}.txt").read_text() for name in tree["texts"]},
        parts={
            name: _read_state(folder, part, arrays, f"{prefix}{name}.")
            for name, part in tree["parts"].items()
        },
    )


def written_at(folder: Path) -> int:
    """When a model was written, in nanoseconds of its file system; 0 where there is none."""
    try:
        return (folder / MANIFEST).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest without touching the arrays: 'card', 'created', 'state', 'files'.

    Raises:
        XbsqlError: unreadable, changed after it was written, or of a newer format.
    """
    shown = f"{folder.parent.name}@{folder.name}"
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        written = manifest.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise errors.broken_artifact(shown, "has no readable manifest.json") from error
    if manifest.get("format", 0) > FORMAT:
        problem = f"has format {manifest['format']}, this xbsql reads up to {FORMAT}"
        raise errors.invalid("store", f"{shown} {problem}", "upgrade xbsql")
    if written != _digest(manifest):
        raise errors.broken_artifact(shown, "has a manifest.json that was changed after it was written")
    return dict(manifest)


def _check_files(folder: Path, listed: Mapping[str, str]) -> None:
    shown = f"{folder.parent.name}@{folder.name}"
    found = {str(file.relative_to(folder)): file for file in _files(folder) if file.name != MANIFEST}
    for extra in sorted(found.keys() - listed.keys()):
        raise errors.broken_artifact(shown, f"holds a file that its manifest does not list: {extra}")
    for name, digest in listed.items():
        if name not in found:
            raise errors.broken_artifact(shown, f"lacks {name}")
        if _sha256(found[name]) != digest:
            raise errors.broken_artifact(shown, f"holds a changed or truncated {name} (sha256 differs)")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_symlink() or file.is_file())


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
