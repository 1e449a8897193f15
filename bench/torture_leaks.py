"""Torture by repetition: what a process has grown by after thousands of the same calls."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.torture_case import Case, rows

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = {"predict": 200, "filters": 200, "sql": 80, "connect": 6, "fit": 4, "mistakes": 120}
"""How often each is called before the first look at memory, and as often again before the second."""
LONGER = 8
"""From the second round of seeds on each is called so many times as often."""


class Leaks(Case):
    """Calls that are repeated: one kind a seed; the outcome is 'grown KiB'."""

    @classmethod
    def patience(cls, seed: int) -> float:
        """Seconds that a seed may take."""
        return 300.0

    @staticmethod
    def prepare(folder: Path) -> None:
        """A model and an index."""
        import numpy as np
        import pyarrow as pa

        import xbsql

        with xbsql.connect(store=folder / "store") as con:
            xbsql.fit(con, "days", rows(60, 0).drop_columns(["late"]), "days")
            vectors = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
            table = pa.table({"id": range(500), "v": list(vectors)})
            xbsql.build_index(con, "idx", table, "id", "v")

    def attack(self, seed: int) -> str:
        """Repeat one kind of call."""
        name = list(ROUNDS)[seed % len(ROUNDS)]
        call, rounds = self._calls()[name], ROUNDS[name] * (LONGER if seed >= len(ROUNDS) else 1)
        for i in range(rounds):
            call(i)
        before = resident()
        for i in range(rounds, 2 * rounds):
            call(i)
        return f"grown {resident() - before} {name}"

    def _calls(self) -> dict[str, Callable[[int], object]]:
        import duckdb
        import numpy as np

        import xbsql

        con = xbsql.connect(store=self.folder / "store")
        con.register("t", rows(20, 1))
        table, vector = rows(20, 1), [float(x) for x in np.random.default_rng(1).normal(size=16)]

        def connected(i: int) -> None:
            with xbsql.connect(store=self.folder / "store") as other:
                xbsql.models(other)

        def fitted(i: int) -> None:
            xbsql.fit(con, "passing", rows(40, i).select(["weight", "days"]), "days")
            xbsql.drop_model(con, "passing")

        def mistaken(i: int) -> None:
            try:
                con.sql(f"SELECT xb.predict('none{i}', t) FROM t").fetchall()
            except duckdb.Error:
                return

        def asked(i: int) -> None:
            con.sql("SELECT xb.predict('days', t).value FROM t").fetchall()

        return {
            "predict": lambda i: xbsql.predict(con, "days", table),
            "filters": lambda i: xbsql.search(con, "idx", vector, 3, list(range(i, i + 40))),
            "sql": asked,
            "connect": connected,
            "fit": fitted,
            "mistakes": mistaken,
        }


def resident() -> int:
    """KiB of this process in memory, after what is garbage has gone."""
    import ctypes

    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
