"""LightGBM models that come and go as plain LightGBM text."""

from __future__ import annotations

import hashlib
import json
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.session.fits import key_of
from xbsql.store.artifact import MOST_TEXT
from xbsql.store.files import read_plain, replace_text
from xbsql.store.names import check_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xbsql.engine.candidates.boosted import BoostedPredictor
    from xbsql.session.session import Session
    from xbsql.store.model import State

COLUMNS = "columns.json"


def export_booster(session: Session, where: str, reference: str, path: str) -> list[dict[str, Any]]:
    """Write the LightGBM parts of a model as plain text, and what their columns are beside it.

    Args:
        session: whose store has the model.
        where: the function, for errors.
        reference: 'name' or 'name@3'.
        path: a folder, made where it is missing; files of the same names are replaced.

    Returns:
        One row a file: file, member, weight (None inside another part), trees, columns.

    Raises:
        XbsqlError: no such model, none of its parts is a booster, or the folder cannot be written.
    """
    from xbsql.tasks.booster import column_cards, plain_text

    if not isinstance(path, str | PathLike):
        raise errors.invalid(where, f"path is {errors.shown(repr(path))}", "give a folder in quotes")
    model: Any = session.model(where, reference)
    found = list(_boosted(model.state().parts.get("predictor"), "", 1.0))
    if not found:
        problem = f"no part of model '{reference}' is a LightGBM model"
        raise errors.invalid(where, problem, "its blend gives trees no weight: nothing to write")
    folder, encoder = Path(path), model.reader.table
    rows, cards = [], []
    for name, weight, part in found:
        file = re.sub(r"[^\w.-]+", ".", name) + ".txt"
        booster = part.booster
        size = {"trees": booster.num_trees(), "columns": booster.num_feature()}
        rows.append({"file": file, "member": name, "weight": weight, **size})
        cards.append({**rows[-1], "classes": part.classes, "matrix": column_cards(part, encoder)})
        _write(where, folder, file, plain_text(part, encoder))
    task = {"model": reference, "task": model.signature.task, "label": model.signature.label}
    about = {**task, "classes": list(getattr(model, "classes", ())), "files": cards}
    _write(where, folder, COLUMNS, json.dumps(about, indent=1, ensure_ascii=False))
    return rows


def import_booster(
    session: Session,
    where: str,
    name: str,
    path: str,
    label: str,
    classes: Sequence[str] | None,
    market: str | None,
) -> list[dict[str, Any]]:
    """Store a plain LightGBM model as a model of one market.

    Args:
        session: whose store gets it.
        where: the function, for errors.
        name: to store it under; the same file gives the version that is already there.
        path: a file of LightGBM text.
        label: the column that it predicts.
        classes: names of its classes by code; None names them '0', '1' ...
        market: for the record.

    Returns:
        One row: model, version, task, columns, trees.

    Raises:
        XbsqlError: no such file, no LightGBM text, or a model of another kind than those that serve here.
    """
    from xbsql.tasks.booster import model_of

    check_name(where, name)
    text = _text_of(where, path)
    model, trees = model_of(where, path, text, label, classes, market)
    sha = hashlib.sha256(text.encode()).hexdigest()
    key = key_of(where, [sha, label, list(classes or ()), market])
    facts = {"task": model.signature.task, "label": label, "rows": 0, "seconds": 0.0, "key": key}
    found = session.store.reuse(where, name, key)
    if found is None:
        found = session.store.save(name, model.state(), {**facts, "market": market, "report": []})
    columns = len(model.signature.inputs)
    done = {"model": name, "version": found.version, "task": facts["task"]}
    return [{**done, "columns": columns, "trees": trees}]


def _boosted(
    state: State | None, name: str, weight: float | None
) -> Iterator[tuple[str, float | None, BoostedPredictor]]:
    """The boosters of a model: what they are called, the weight of those that the blend weighs, and they."""
    from xbsql.store.model import restore

    if state is None:
        return
    if state.kind == "boosted":
        yield name or "booster", weight, restore(state)
    for key, part in state.parts.items():
        if state.kind == "blend" and key.startswith("member"):
            place = int(key.removeprefix("member"))
            own = str(state.config["names"][place])
            share = None if weight is None else weight * float(state.arrays["weights"][place])
            yield from _boosted(part, f"{name}.{own}" if name else own, share)
        elif state.kind in ("in_market",):  # the same numbers, asked as the target's
            yield from _boosted(part, name, weight)
        else:
            yield from _boosted(part, f"{name}.{key}" if name else key, None)


def _text_of(where: str, path: str) -> str:
    """The text of a user's file; a pipe or a device is not opened."""
    try:
        text = read_plain(Path(path).resolve(strict=True), MOST_TEXT).decode()
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        problem = f"cannot read {errors.shown(path)} as text: {getattr(error, 'strerror', None) or 'no text'}"
        raise errors.invalid(where, problem, "give a file that Booster.save_model wrote") from error
    return text.replace("\r\n", "\n")


def _write(where: str, folder: Path, file: str, text: str) -> None:
    """Write a user's file as a whole; a link of its name is replaced, not followed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / file, text)
    except (OSError, ValueError) as error:
        problem = f"cannot write {errors.shown(folder / file)}: {getattr(error, 'strerror', None) or error}"
        raise errors.invalid(where, problem, "give a folder that can be written") from error
