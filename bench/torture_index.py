"""Torture by damage to an index's folder."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.torture_mutants import array_of, bytes_of, json_of
from bench.torture_stored import Stored

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


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
