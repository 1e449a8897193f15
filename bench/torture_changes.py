"""The changes to a store that `bench.torture` kills, and all that a reader can see of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bench.torture_case import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xbsql.session.session import Session


def build(session: Session, name: str, ids: range, seed: int, *, add: bool = False) -> None:
    from xbsql.index.builder import BuildPlan

    vectors = np.random.default_rng(seed).normal(size=(len(ids), 16)).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 16)
    texts = pa.array([f"shoe {i % 7} red{i}" for i in ids])
    session.builder.take("torture", "token", None, pa.array(ids), column, texts)
    if add:
        session.builder.add("token", name)
    else:
        session.builder.build("token", name, BuildPlan())


def _fit(name: str, seed: int) -> Callable[[Path], None]:
    def work(store: Path) -> None:
        from xbsql.session import models
        from xbsql.session.session import Session

        models.fit(Session(store), name, rows(60, seed).drop_columns(["late"]), "days")

    return work


def _transfer(store: Path) -> None:
    from xbsql.session import models
    from xbsql.session.session import Session

    data = rows(40, 7).drop_columns(["late"])
    models.transfer(Session(store), "carried", data, "days", base="days@1", method="source")


def _import(store: Path) -> None:
    from xbsql.session import boosters
    from xbsql.session.session import Session

    file = next((store.parent / "booster").glob("*.txt"))
    boosters.import_booster(Session(store), "torture", "plain", str(file), "days", None, None)


def _models(verb: str, *given: str) -> Callable[[Path], None]:
    def work(store: Path) -> None:
        from xbsql.session import models
        from xbsql.session.session import Session

        getattr(models, verb)(Session(store), *given)

    return work


def _index(work: Callable[[Session], object]) -> Callable[[Path], None]:
    def run(store: Path) -> None:
        from xbsql.session.session import Session

        work(Session(store))

    return run


WORKS: dict[str, Callable[[Path], None]] = {
    "fit": _fit("new", 5),
    "fit_again": _fit("days", 6),
    "transfer": _transfer,
    "build": _index(lambda s: build(s, "fresh", range(300), 3)),
    "rebuild": _index(lambda s: build(s, "catalog", range(200), 4)),
    "upsert": _index(lambda s: build(s, "catalog", range(250, 350), 5, add=True)),
    "delete": _index(lambda s: s.builder.delete("catalog", pa.array(range(0, 300, 3)))),
    "promote": _models("promote", "days", "1"),
    "import": _import,
    "drop_model": _models("drop_model", "days"),
    "drop_version": _models("drop_model", "days@2"),
    "drop_index": _index(lambda s: s.indexes.drop("catalog")),
}  # fmt: skip


def seen(store: Path) -> dict[str, Any]:
    """All that a reader can see: each version's answers, what a bare name stands for, what indexes find."""
    from xbsql.session import models, search
    from xbsql.session.session import Session

    session = Session(store)
    asked = rows(8, 9).drop_columns(["days", "late"]).to_struct_array().combine_chunks()
    listed = models.models(session)
    notes = [row["note"] for row in [*listed, *session.indexes.rows()] if row.get("note")]
    versions: dict[str, Any] = {}
    for row in listed:
        name = f"{row['model']}@{row['version']}"
        versions[name] = models.predict_table(session, name, asked).field("value").to_pylist()
    stands = {name: session.store.resolve("torture", name)[1] for name in session.store.names()}
    queries = np.random.default_rng(1).normal(size=(2, 16)).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(queries.reshape(-1)), 16)
    found = {
        row["index"]: [
            search.search(session, row["index"], vectors, 5, "*").to_pylist(),
            search.search_text(session, row["index"], pa.array(["red12"]), 5, "*").to_pylist(),
        ]
        for row in session.indexes.rows()
    }
    whole = {"versions": versions, "bare names": stands, "indexes": found, "notes": notes}
    result: dict[str, Any] = json.loads(json.dumps(whole))
    return result


def later(store: Path) -> None:
    """What anybody may do next: drop a model, build an index."""
    from xbsql.session import models
    from xbsql.session.session import Session

    session = Session(store)
    models.drop_model(session, "spare")
    build(session, "spare", range(20), 8)
