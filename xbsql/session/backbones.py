"""Which network reads a market's pictures best, told before anything is fitted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.engine.candidates.process import share_of_each
from xbsql.engine.design import unit
from xbsql.engine.logme import logme
from xbsql.features.image.column import pictures
from xbsql.features.image.encoder import picture_encoder
from xbsql.features.image.magic import IMAGE
from xbsql.tasks.bursts import bursts
from xbsql.tasks.classify.labels import coded, labels_of
from xbsql.tasks.reader import read_roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.session.session import Session

WHERE: Final = "xb.rank_networks"
INSTALLED: Final = (IMAGE, "lite2", "lite0")
MOST_ROWS: Final = 2_000
"""Labelled pictures that are looked at: a share of each class."""


def rank_networks(
    session: Session, rows: pa.Table, label: str, networks: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Networks by the evidence that labels can be told from what they see, best first.

    Args:
        session: whose call log gets the call.
        rows: with one column of pictures or more, of which the first is read, and labels.
        label: the column of labels; rows without one are not looked at.
        networks: names, see `picture_encoder`; None for those that are installed.

    Returns:
        Of each network: network, logme (see `engine.logme`), accuracy (of the nearest mean of a class, each
        row's scene left out of it), numbers (of a vector), ms (milliseconds a picture, here and now; next to
        nothing where they are known already).

    Raises:
        XbsqlError: no such column or network, no pictures, or one class, or one picture of each.
    """
    found = labels_of(WHERE, rows, label)
    labelled = rows.filter(pa.array(found.present))
    columns = [name for name, role in read_roles(labelled, label, {}).items() if role == "picture"]
    if not columns:
        raise errors.invalid(WHERE, "the labelled rows have no column of pictures", "give BLOBs of files")
    y = coded(found, found.classes)
    chosen = share_of_each(y, MOST_ROWS)
    some, y = labelled[columns[0]].take(chosen), y[chosen]
    names = list(dict.fromkeys(networks or INSTALLED))
    with session.calls.record("rank_networks", ", ".join(names), len(some)) as call:
        call.kernel = "network"
        lines = [_judged(name, some, y) for name in names]
    return sorted(lines, key=lambda line: -float(line["logme"]))


def _judged(name: str, column: pa.ChunkedArray, y: NDArray[np.int64]) -> dict[str, Any]:
    """What is known of a network."""
    encoder = picture_encoder(name)
    start = time.perf_counter()
    looked = pictures(column, encoder, WHERE)
    each = 1000.0 * (time.perf_counter() - start) / max(len(column), 1)
    rows, own = looked.vectors[looked.there], y[looked.there]
    if len(np.unique(own)) < 2 or np.bincount(own).max() < 2:
        problem = "the labelled pictures that can be read are of one class, or one of each"
        raise errors.invalid(WHERE, problem, "label more rows")
    centred = unit(rows - rows.mean(axis=0))
    return {
        "network": name,
        "logme": logme(centred, own),
        "accuracy": nearest_mean(centred, own),
        "numbers": encoder.dim,
        "ms": each,
    }


def nearest_mean(rows: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """The share of rows whose class has the nearest mean, the row's own scene left out of it.

    Args:
        rows: float32, shape (n, d), of length one.
        y: class codes, shape (n,).
    """
    classes, code = np.unique(y, return_inverse=True)
    sums = np.zeros((len(classes), rows.shape[1]), np.float32)
    np.add.at(sums, code, rows)
    scene = np.unique(bursts(rows, y), return_inverse=True)[1]
    own = np.zeros((scene.max() + 1, rows.shape[1]), np.float32)
    np.add.at(own, scene, rows)
    near = rows @ unit(sums).T
    near[np.arange(len(y)), code] = (rows * unit(sums[code] - own[scene])).sum(axis=1)
    return float((near.argmax(axis=1) == code).mean())
