"""Simulated shifts between two markets that share a concept in part: the traps' concepts, dosed.

Eight numbers, a shop and the label 'y' ('k0' / 'k1', or a value for the kinds named so).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bench.trap_tables import concept, draw, rows

if TYPE_CHECKING:
    from bench.trap_tables import Rows

SOURCE_ROWS = 3000
TARGET_ROWS = 5000

SHIFTS = {
    "covariate": (1.0, 0.0, 0.7),
    "covariate value": (1.0, 0.0, 0.7),
    "partial": (1.0, 0.6, 0.4),
    "partial value": (1.0, 0.6, 0.4),
    "adverse": (-1.0, 0.5, 0.4),
    "unrelated": (0.0, 1.0, 0.4),
    "unrelated value": (0.0, 1.0, 0.4),
}
"""Kind -> how much of the source's concept holds, how much of another comes to it, how far inputs move."""


def shifted(kind: str, seed: int) -> tuple[pa.Table, pa.Table]:
    """Source and target of one kind of shift; the same seed gives the same rows."""
    g = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    home, other = concept(g), concept(g)
    kept, added, shift = SHIFTS[kind]
    source, target = rows(g, SOURCE_ROWS), rows(g, TARGET_ROWS, shift)
    there = kept * home.log_odds(target.x, target.shop) + added * other.log_odds(target.x, target.shop)
    here = home.log_odds(source.x, source.shop)
    return _labelled(kind, g, source, here), _labelled(kind, g, target, there)


def _labelled(
    kind: str, g: np.random.Generator, found: Rows, odds: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pa.Table:
    if not kind.endswith("value"):
        return found.table(draw(g, odds))
    table = found.table(np.zeros(len(odds), np.int64)).drop_columns(["y"])
    return table.append_column("y", pa.array(odds + g.normal(size=len(odds))))
