"""What is done to xbsql in a child process of `bench.torture`: one case by seed, and what came of it.

    python -m bench.torture_cases CASE FOLDER     reads seeds, one a line; writes one JSON object a seed

An outcome is 'refused' (one line that says so), 'same' (the answers are those of the whole thing), 'other'
(what was changed is what answers now, which no digest can tell), or what must not be: 'internal: ...',
'silent: ...', 'outside: ...'.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.torture_mutants import array_of, bytes_of, json_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.session.session import Session


class Case(ABC):
    """Something that is attacked again and again.

    Args:
        folder: this child's own; what `prepare` made stands in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    @abstractmethod
    def prepare(folder: Path) -> None:
        """Make what is attacked, once for all children."""

    @abstractmethod
    def attack(self, seed: int) -> str:
        """Do the damage of one seed, ask for an answer and say what came of it."""


def rows(n: int, seed: int) -> pa.Table:
    """Parcels with a number to predict and a class."""
    random = np.random.default_rng(seed)
    weight, mode = random.lognormal(1, 0.6, n), random.choice(["air", "sea", "road"], n)
    days = 2 + np.where(mode == "sea", 1.6, 0.4) * weight + 0.3 * random.normal(size=n)
    late = np.where(days > 6, "very", np.where(days > 4, "late", "fine"))
    return pa.table(
        {"weight": weight, "size": random.normal(size=n), "mode": mode, "days": days, "late": late}
    )


class Text(Case):
    """LightGBM text by both roads: a file from elsewhere, and a model of the store."""

    @staticmethod
    def prepare(folder: Path) -> None:
        """Plain models of every objective that is carried on from."""
        import lightgbm as lgb

        table = rows(400, 0)
        codes = np.unique(table["mode"].to_pylist(), return_inverse=True)[1].astype(float)
        x = np.stack([np.asarray(table["weight"]), np.asarray(table["size"]), codes], axis=1)
        days = np.asarray(table["days"])
        classes = np.digitize(days, [4, 6]).astype(float)
        goals: dict[str, tuple[dict[str, Any], Any]] = {
            "values": ({"objective": "regression", "monotone_constraints": [1, 0, 0]}, days),
            "quantile": ({"objective": "quantile", "alpha": 0.9}, days),
            "two": ({"objective": "binary"}, (days > 4).astype(float)),
            "many": ({"objective": "multiclass", "num_class": 3}, classes),
        }
        for name, (settings, y) in goals.items():
            data = lgb.Dataset(x, y, categorical_feature=[2])
            made = lgb.train({**settings, "verbosity": -1, "num_threads": 1, "num_leaves": 7}, data, 6)
            head, _, _ = made.model_to_string().rpartition("pandas_categorical")
            (folder / f"{name}.txt").write_text(f'{head}pandas_categorical:[["air", "road", "sea"]]\n')

    def attack(self, seed: int) -> str:
        """One mutant by one of the two roads."""
        from xbsql.engine.booster_text import BrokenText, read_plain
        from xbsql.engine.candidates.boosted import BoostedPredictor
        from xbsql.engine.design import Layout
        from xbsql.features.views import Features
        from xbsql.store.model import State

        random = Random(seed)
        files = sorted(self.folder.glob("*.txt"))
        text = text_of(random.choice(files).read_text(), random)
        classes, width, levels = None, 3, (2,)
        if seed % 2:
            plain = read_plain("torture", "file.txt", text)
            width = plain.booster.num_feature()
            found = BoostedPredictor(Layout(("table",), levels), plain.classes, plain.text, width)
        else:
            classes = random.choice((None, 2, 3))
            config = {"views": ["table"], "categorical": [2], "classes": classes, "width": 3}
            try:
                found = BoostedPredictor.from_state(State("boosted", config, texts={"model": text}))
            except BrokenText:
                return "refused"
        answer = found.predict(Features({"table": np.full((5, width), 1.0)}))
        shape = (5,) if found.classes is None else (5, found.classes)
        if answer.shape != shape or not np.isfinite(answer).all():
            return f"silent: {answer.shape} {answer.ravel()[:3]}"
        return "other"


class Stored(Case):
    """A folder of a store, damaged as it stands, or damaged and sealed again with right digests."""

    def attack(self, seed: int) -> str:
        """Damage a copy, and ask a new session."""
        random, store = Random(seed), self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.folder / "whole", store)
        outside = self._outside()
        sealed = bool(seed % 3)
        self.damage(store, random, sealed=sealed)
        try:
            found = self.ask(store)
        finally:
            if self._outside() != outside:
                return "outside: a file beside the store was touched"  # noqa: B012 - it weighs more than an error
        if found is None:
            return "silent: an answer that is no number"
        same = found == json.loads((self.folder / "answer.json").read_text())
        return "same" if same else "other" if sealed else "silent: another answer, and every digest old"

    @abstractmethod
    def damage(self, store: Path, random: Random, *, sealed: bool) -> None:
        """Damage something below the store."""

    @abstractmethod
    def ask(self, store: Path) -> Any:  # noqa: ANN401 - JSON
        """The answer of what may be broken, None where it is none; as JSON."""

    def _outside(self) -> str:
        beside = self.folder / "outside"
        return repr([(p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(beside.iterdir())])

    @classmethod
    def finish(cls, folder: Path) -> None:
        """After the store was made: a file beside it, and the answer."""
        (folder / "outside").mkdir()
        (folder / "outside" / "mine.txt").write_text("mine")
        (folder / "answer.json").write_text(json.dumps(cls(folder).ask(folder / "whole")))

    def replaced(self, path: Path, random: Random) -> None:
        """Put a link, a pipe or a folder in the place of a file, or damage its bytes."""
        choice = random.randrange(12)
        if choice > 3:
            path.write_bytes(bytes_of(path.read_bytes(), random))
            return
        path.unlink()
        if choice == 0:
            path.symlink_to(self.folder / "outside" / "mine.txt")
        elif choice == 1:
            os.mkfifo(path)
        elif choice == 2:
            path.mkdir()


class Artifact(Stored):
    """A model's folder: manifest, arrays and texts."""

    @staticmethod
    def prepare(folder: Path) -> None:
        """A store of three models: fitted, carried and of classes."""
        import xbsql

        with xbsql.connect(store=folder / "whole") as con:
            home = rows(400, 0)
            xbsql.fit(con, "whole", home.select(["weight", "days"]), "days")
            xbsql.fit(con, "home", home.drop_columns(["late"]), "days")
            target = rows(60, 1).drop_columns(["late"])
            xbsql.transfer(con, "carried", target, "days", base="home", source=home.drop_columns(["late"]))
            xbsql.fit(con, "classes", home.drop_columns(["days"]), "late")
        Artifact.finish(folder)

    def damage(self, store: Path, random: Random, *, sealed: bool) -> None:
        """One file of one of the models; the model 'whole' stays so."""
        model = store / "models" / random.choice(("home", "carried", "classes")) / "1"
        files = sorted(path for path in model.rglob("*") if path.is_file())
        if not sealed:
            self.replaced(random.choice(files), random)
            return
        choice = random.randrange(4)
        manifest = json.loads((model / "manifest.json").read_text())
        if choice == 0:
            part = random.choice(("card", "state", "state", "files", "arrays", "format", "created"))
            manifest[part] = json_of(manifest[part], random)
        elif choice == 1:
            texts = sorted((model / "texts").iterdir())
            path = random.choice(texts) if texts else None
            if path is not None:
                path.write_text(text_of(path.read_text(), random))
        else:
            _reshape(model / "arrays.safetensors", manifest, random)
        _seal(model, manifest)

    def ask(self, store: Path) -> Any:  # noqa: ANN401 - JSON
        """What is listed of the model that is whole, and what all of them say of the same rows."""
        from xbsql.session import models
        from xbsql.session.session import Session

        session = Session(store)
        listed = models.models(session)
        if [row.get("note") for row in listed if row["model"] == "whole"] != [None]:
            return None
        asked = rows(20, 3).drop_columns(["days", "late"]).to_struct_array().combine_chunks()
        answers = [self._answer(session, name, asked) for name in ("home", "carried", "classes")]
        return None if None in answers else answers

    def _answer(self, session: Session, name: str, asked: pa.Array) -> list[Any] | None:
        from xbsql.session import models

        found = models.predict_table(session, name, asked)
        values = found.field("value").to_pylist()
        right = len(values) == 20 and all(value is not None and np.isfinite(value) for value in values)
        return [found.field("predicted").to_pylist(), values] if right else None


def _reshape(path: Path, manifest: dict[str, Any], random: Random) -> None:
    """Damage an array; every other time the manifest says what it is now."""
    from safetensors.numpy import load_file, save_file

    arrays = load_file(path)
    if not arrays:
        return
    key = random.choice(sorted(arrays))
    arrays[key] = np.ascontiguousarray(array_of(arrays[key], random))
    save_file(arrays, path)
    if random.random() < 0.7:
        array = arrays[key]
        manifest["arrays"][key] = {"dtype": array.dtype.str, "shape": list(array.shape), "finite": True}


def _seal(model: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with the digests of what is there now."""
    files = manifest.get("files")
    if isinstance(files, dict):
        for path in model.rglob("*"):
            name = path.relative_to(model).as_posix()
            if path.is_file() and name in files:
                files[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.pop("digest", None)
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    (model / "manifest.json").write_text(json.dumps({**manifest, "digest": digest}, ensure_ascii=False))


class Index(Stored):
    """A generation of an index: manifest, arrays, ids."""

    @staticmethod
    def prepare(folder: Path) -> None:
        """A store of an exact index with texts and deletions, one of many columns, and an approximate one."""
        import xbsql

        random = np.random.default_rng(0)
        with xbsql.connect(store=folder / "whole") as con:
            for name, shape, more in (
                ("exact", (300, 24), ("title", "exact")),
                ("wide", (400, 256), (None, "exact")),
                ("cells", (900, 16), (None, "approximate")),
            ):
                vectors = random.normal(size=shape) * np.linspace(1, 0.01, shape[1]) ** 2
                flat = pa.array(vectors.astype(np.float32).reshape(-1))
                table = pa.table({
                    "id": np.arange(shape[0]),
                    "v": pa.FixedSizeListArray.from_arrays(flat, shape[1]),
                    "title": [f"shoe {i % 7} red{i}" for i in range(shape[0])],
                })  # fmt: skip
                xbsql.build_index(con, name, table, "id", "v", text=more[0], mode=more[1])
            xbsql.delete_from_index(con, "exact", [5, 6, 7])
        Index.finish(folder)

    def damage(self, store: Path, random: Random, *, sealed: bool) -> None:
        """One file of the newest generation of one index."""
        home = store / "indexes" / random.choice(("exact", "wide", "cells"))
        folder = home / max(path.name for path in home.iterdir())
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if not sealed:
            self.replaced(random.choice(files), random)
            return
        manifest = json.loads((folder / "manifest.json").read_text())
        if random.random() < 0.3:
            part = random.choice(("card", "card", "files", "digests", "format", "created"))
            manifest[part] = json_of(manifest[part], random)
        else:
            path = random.choice([path for path in files if path.suffix != ".json"])
            self._rewritten(path, random)
            manifest["files"][path.name] = path.stat().st_size
            manifest["digests"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest.pop("digest", None)
        digest = hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps({**manifest, "digest": digest}, ensure_ascii=False))

    def _rewritten(self, path: Path, random: Random) -> None:
        if path.suffix != ".npy" or random.random() < 0.3:
            content = bytes_of(path.read_bytes(), random)
        else:
            array = array_of(np.load(path), random)
            path.unlink()
            with path.open("wb") as file:
                np.save(file, array)
            return
        path.unlink()  # links stay as they are
        path.write_bytes(content)

    def ask(self, store: Path) -> Any:  # noqa: ANN401 - JSON
        """What each index finds for the same queries."""
        from xbsql.session import search
        from xbsql.session.session import Session

        session, found = Session(store), []
        session.indexes.rows()
        for name, dim in (("exact", 24), ("wide", 256), ("cells", 16)):
            queries = np.random.default_rng(1).normal(size=(4, dim)).astype(np.float32)
            asked = pa.FixedSizeListArray.from_arrays(pa.array(queries.reshape(-1)), dim)
            found.append(search.search(session, name, asked, 5, "*").to_pylist())
        found.append(
            search.search_text(session, "exact", pa.array(["red shoe", "red12"]), 5, "*").to_pylist()
        )
        return json.loads(json.dumps(found))


CASES: dict[str, type[Case]] = {"text": Text, "artifact": Artifact, "index": Index}


def outcome(attack: Callable[[int], str], seed: int) -> str:
    """What came of one seed, errors included."""
    from xbsql.errors import XbsqlError

    try:
        return attack(seed)
    except XbsqlError as error:
        text = str(error)
        fine = "\n" not in text and len(text) < 1500 and "fault of xbsql" not in text
        return "refused" if fine else f"internal: {text[:300]}"
    except Exception as error:
        return f"internal: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def main(name: str, folder: str) -> None:
    """Answer seeds until there is none."""
    case = CASES[name](Path(folder))
    for line in sys.stdin:
        seed = int(line)
        print(json.dumps({"seed": seed, "outcome": outcome(case.attack, seed)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
