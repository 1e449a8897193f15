"""Torture by damage to a model's folder."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.torture_case import rows
from bench.torture_mutants import array_of, json_of, text_of
from bench.torture_stored import Stored

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    import pyarrow as pa

    from xbsql.session.session import Session


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
