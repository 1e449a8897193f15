"""One model at rest: the files of a folder, listed with their digests, and nothing that runs.

manifest.json        what it is, and what its files and arrays must be: see manifest.py
arrays.safetensors   every array of the model; equal ones are held once
texts/*.txt          LightGBM models and other long texts
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from xbsql import errors
from xbsql.store.files import plain_files, read_plain
from xbsql.store.manifest import FORMAT, MANIFEST, digest, read_manifest
from xbsql.store.model import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.store.manifest import Manifest

ARRAYS, TEXTS = "arrays.safetensors", "texts"
MOST_TEXT = 2**31


def write(folder: Path, state: State, card: Mapping[str, Any]) -> Manifest:
    """Write every file of a model, flushed to the disk before this returns.

    Args:
        folder: a new folder, there or not.
        state: the model.
        card: JSON values that say what the model is.

    Returns:
        What was written, as `read_manifest` gives it.

    Raises:
        OSError: the disk is full or not writable.
    """
    (folder / TEXTS).mkdir(parents=True)
    arrays = _Arrays()
    tree = _write_state(folder, state, arrays, "")
    _write_arrays(folder / ARRAYS, arrays.kept)
    files = {name: _sha256(file) for name, file in sorted(plain_files(folder)[0].items())}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = {
        "format": FORMAT,
        "created": created,
        "card": dict(card),
        "state": tree,
        "files": files,
        "arrays": {key: array_card(array) for key, array in arrays.kept.items()},
    }
    text = json.dumps({**manifest, "digest": digest(manifest)}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    mode = stat.S_IMODE((folder / MANIFEST).stat().st_mode)
    (folder / ARRAYS).chmod(mode)  # safetensors makes it for its owner alone, whatever the umask says
    for file in plain_files(folder)[0].values():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    return read_manifest(folder)


def _write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    try:
        save_file(arrays, path)
    except SafetensorError as error:  # a full disk is one of these, and only its text says so
        raise OSError(errno.EIO, _reason(error), str(path)) from error


def _reason(error: Exception) -> str:
    """What the system said, out of an error of safetensors."""
    found = re.search(r'message: "([^"]*)"', str(error))
    return found[1] if found else " ".join(str(error).split())[:200]


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
        (folder / TEXTS / f"{prefix}{name}.txt").write_text(text, encoding="utf-8", newline="\n")
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
        XbsqlError: a file is missing, changed, not in the manifest, or no plain file; an array is not of the
            dtype and shape that the manifest says, or holds what is no finite number. Nothing is executed.
    """
    manifest, shown = read_manifest(folder), _shown(folder)
    found = _checked_files(folder, manifest.files)
    arrays = _read_arrays(shown, found, manifest)
    return _read_state(shown, found, manifest.state, arrays, "")


def _read_arrays(
    shown: str, found: Mapping[str, Path], manifest: Manifest
) -> Mapping[str, NDArray[np.generic]]:
    try:
        arrays = load_file(found[ARRAYS])
    except Exception as error:  # of safetensors, of NumPy, or a dtype that neither knows
        raise errors.broken_artifact(shown, f"holds no readable {ARRAYS}") from error
    said = manifest.arrays
    for key, array in arrays.items():
        card = array_card(array) if said is None else said.get(key)
        if card is None or (card["dtype"], card["shape"]) != (array.dtype.str, list(array.shape)):
            raise errors.broken_artifact(shown, f"holds an array that is not as its manifest says: {key}")
        if card["finite"] and not _finite(array):
            raise errors.broken_artifact(shown, f"holds an array with a value that is no number: {key}")
    return arrays


def array_card(array: NDArray[np.generic]) -> dict[str, Any]:
    """What a manifest says of an array; an array of an older one is only known by itself."""
    return {"dtype": array.dtype.str, "shape": list(array.shape), "finite": _finite(array)}


def _finite(array: NDArray[np.generic]) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _read_state(
    shown: str,
    found: Mapping[str, Path],
    tree: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.generic]],
    prefix: str,
) -> State:
    keys = tree["arrays"]
    if isinstance(keys, list):  # format 1 held every array under its own name
        keys = {name: prefix + name for name in keys}
    texts = {name: f"{TEXTS}/{prefix}{name}.txt" for name in tree["texts"]}
    for missing in [*(keys.values() - arrays.keys()), *(texts.values() - found.keys())]:
        raise errors.broken_artifact(shown, f"lacks {errors.shown(missing)}")
    return State(
        kind=tree["kind"],
        config=tree["config"],
        arrays={name: arrays[key] for name, key in keys.items()},
        texts={name: _text(shown, found[file]) for name, file in texts.items()},
        parts={
            name: _read_state(shown, found, part, arrays, f"{prefix}{name}.")
            for name, part in tree["parts"].items()
        },
    )


def _text(shown: str, file: Path) -> str:
    try:
        return read_plain(file, MOST_TEXT).decode()
    except (OSError, ValueError) as error:
        raise errors.broken_artifact(shown, f"holds no readable {file.name}") from error


def written_at(folder: Path) -> int:
    """When a model was written, in nanoseconds of its file system; 0 where there is none."""
    try:
        return (folder / MANIFEST).lstat().st_mtime_ns
    except OSError:
        return 0


def _checked_files(folder: Path, listed: Mapping[str, str]) -> dict[str, Path]:
    """The files of a model by their names, each with the digest that the manifest lists."""
    shown = _shown(folder)
    try:
        found, others = plain_files(folder)
        found.pop(MANIFEST, None)
        for extra in sorted([*others, *(found.keys() - listed.keys())]):
            problem = f"holds a file that its manifest does not list: {errors.shown(extra)}"
            raise errors.broken_artifact(shown, problem)
        for name, digest in listed.items():
            if name not in found:
                raise errors.broken_artifact(shown, f"lacks {errors.shown(name)}")
            if _sha256(found[name]) != digest:
                raise errors.broken_artifact(shown, f"holds a changed or truncated {name} (sha256 differs)")
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise errors.broken_artifact(shown, problem) from error
    return found


def _shown(folder: Path) -> str:
    return f"{folder.parent.name}@{folder.name}"


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
