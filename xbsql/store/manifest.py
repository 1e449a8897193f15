"""What a manifest.json may say: read, sealed by its own digest, and checked once, here.

Whoever holds a `Manifest` need not look at the type of anything in it but the values of `state` configs,
which belong to the classes that they restore.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from xbsql import errors
from xbsql.store.files import read_plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
MOST_BYTES: Final = 2**28
MOST_DEPTH: Final = 60

Kinds: TypeAlias = tuple[type, ...]
TEXT: Final[Kinds] = (str,)
MAYBE_TEXT: Final[Kinds] = (str, type(None))
NUMBER: Final[Kinds] = (int, float)
MAYBE_NUMBER: Final[Kinds] = (int, float, type(None))
SCALAR: Final[Kinds] = (str, bool, int, float, type(None))

_TOP: Final[dict[str, Kinds]] = {
    "format": (int,), "created": TEXT, "card": (dict,), "state": (dict,), "files": (dict,),
}  # fmt: skip
_CARD: Final[dict[str, Kinds]] = {
    "key": TEXT, "task": TEXT, "label": TEXT, "market": MAYBE_TEXT, "base": MAYBE_TEXT, "rows": (int,),
    "seconds": NUMBER, "data": TEXT, "report": (list,), "verdict": (dict,),
    "weights": (dict,), "adapted": (dict,),
}  # fmt: skip
"""Fields of a card that xbsql reads, where they are there; others may hold anything."""
_STATE: Final[dict[str, Kinds]] = {
    "kind": TEXT, "config": (dict,), "arrays": (dict, list), "texts": (list,), "parts": (dict,),
}  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """A manifest whose digest and types are right.

    Attributes:
        created: when it was written, ISO 8601, UTC.
        card: what the model is, see `store.Artifact`.
        state: kind, config, arrays (key by name; format 1: a list of names), texts and parts, of every part.
        files: sha256 by path below the version's folder.
        arrays: dtype and shape by key, 'finite' beside them; None where an older xbsql wrote it.
    """

    created: str
    card: Mapping[str, Any]
    state: Mapping[str, Any]
    files: Mapping[str, str]
    arrays: Mapping[str, Mapping[str, Any]] | None


def read_manifest(folder: Path) -> Manifest:
    """What a version says of itself, without touching its arrays.

    Raises:
        XbsqlError: unreadable, changed after it was written, of a newer format, or not of the form that xbsql
            writes.
    """
    shown = f"{folder.parent.name}@{folder.name}"
    found = _object(folder, shown)
    newest = found.get("format")
    if isinstance(newest, int) and newest > FORMAT:
        problem = f"has format {errors.shown(newest, 20)}, this xbsql reads up to {FORMAT}"
        raise errors.invalid("store", f"{shown} {problem}", "upgrade xbsql")
    written = found.pop("digest", None)
    if written is None:
        raise errors.broken_artifact(shown, f"has no readable {MANIFEST}")
    if written != digest(found):
        raise errors.broken_artifact(shown, f"has a {MANIFEST} that was changed after it was written")
    problem = _problem(found)
    if problem:
        raise errors.broken_artifact(shown, f"has a {MANIFEST} with {problem}")
    return Manifest(found["created"], found["card"], found["state"], found["files"], found.get("arrays"))


def digest(manifest: Mapping[str, Any]) -> str:
    """sha256 of a manifest without its own."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _object(folder: Path, shown: str) -> dict[str, Any]:
    try:
        found = json.loads(read_plain(folder / MANIFEST, MOST_BYTES))
        if isinstance(found, dict) and not _too_deep(found):
            digest(found)  # a text that is no Unicode has none
            return found
    except (OSError, ValueError, RecursionError) as error:
        raise errors.broken_artifact(shown, f"has no readable {MANIFEST}") from error
    raise errors.broken_artifact(shown, f"has no readable {MANIFEST}")


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _problem(found: Mapping[str, Any]) -> str:
    """What is wrong with the types of a manifest; '' for nothing."""
    for name, kinds in _TOP.items():
        if not _is(found.get(name), kinds):
            return f"no {name}"
    files = found["files"].values()
    if not all(_is(each, TEXT) and len(each) == 64 for each in files):
        return "files without a sha256"
    wrong = _wrong_card(found["card"]) or _wrong_state(found["state"])
    return wrong or _wrong_arrays(found.get("arrays", {}))


def _is(value: object, kinds: Kinds) -> bool:
    """isinstance, but a bool is no number."""
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)


def _wrong_card(card: Mapping[str, Any]) -> str:
    for name, kinds in _CARD.items():
        if name in card and not _is(card[name], kinds):
            return f"a card whose {name} is {errors.shown(card[name], 40)}"
    if not 0 <= card.get("rows", 0) < 2**63:
        return "a card whose rows are no number of rows"
    if not all(_is(weight, NUMBER) for weight in card.get("weights", {}).values()):
        return "a card whose weights are none"
    if not all(_flat(each) for each in card.get("report", [])):
        return "a card whose report is none"
    if not _flat(card.get("adapted", {})):
        return "a card whose line is none"
    return _wrong_verdict(card["verdict"]) if "verdict" in card else ""


def _wrong_verdict(verdict: Mapping[str, Any]) -> str:
    arms, notes = verdict.get("arms"), verdict.get("notes")
    rest = {name: value for name, value in verdict.items() if name not in ("arms", "notes")}
    right = (
        _is(verdict.get("verdict"), TEXT)
        and isinstance(notes, list)
        and all(_is(note, TEXT) for note in notes)
        and isinstance(arms, list)
        and all(_flat(arm) and _is_arm(arm) for arm in arms)
        and _flat(rest)
    )
    return "" if right else "a card whose verdict is none"


def _is_arm(arm: Mapping[str, Any]) -> bool:
    return _is(arm.get("name"), TEXT) and all(
        side in arm and _is(arm[side], MAYBE_NUMBER) for side in ("value", "lo", "hi")
    )


def _flat(value: object) -> bool:
    """Whether this is an object of plain values that a row of SQL can hold."""
    return isinstance(value, dict) and all(
        _is(each, SCALAR) and not (isinstance(each, int) and abs(each) >= 2**63) for each in value.values()
    )


def _wrong_state(state: object) -> str:
    """What is wrong with a state or a part of it; '' for nothing. Depth is bounded by the manifest's."""
    if not isinstance(state, dict):
        return "a state that is none"
    for name, kinds in _STATE.items():
        if not _is(state.get(name), kinds):
            return f"a state without {name}"
    arrays = state["arrays"]
    keys = [*arrays, *arrays.values()] if isinstance(arrays, dict) else arrays
    if not all(_is(each, TEXT) for each in [*keys, *state["texts"]]):
        return "a state whose arrays or texts have no names"
    return next(filter(None, map(_wrong_state, state["parts"].values())), "")


def _wrong_arrays(arrays: object) -> str:
    if not isinstance(arrays, dict) or not all(_is_array(each) for each in arrays.values()):
        return "arrays without dtype and shape"
    return ""


def _is_array(card: object) -> bool:
    if not isinstance(card, dict):
        return False
    shape, right = card.get("shape"), _is(card.get("dtype"), TEXT) and _is(card.get("finite"), (bool,))
    return right and isinstance(shape, list) and all(_is(side, (int,)) and side >= 0 for side in shape)
