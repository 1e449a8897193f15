"""One block of an index at rest: written once, then mapped into memory and never changed.

Its files stand in the folder of a generation, all named after the block's digest:

vectors.npy    float32, (n, d)
codes.npy      int8, (n, h): what a search scans; it then scores what is left in the vectors themselves
bounds.npy     float32, (3, n / 64 rounded up): scale, rest and reach of the codes
head.npy       float64, (h - 16, d): the directions that are coded, where these are not all
length.npy     float64, (n,)
ids.arrow      int64 or string
term-*.npy     the texts' terms, where there are texts
cell-*.npy     where the rows are ordered by cell, see cells.py; else they are ordered by id
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from xbsql import kernels
from xbsql.index.cells import Cells, Space, measured, partition
from xbsql.index.shapes import Misshapen, check_arrays, check_ids
from xbsql.kernels.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.index.card import Card
    from xbsql.index.draft import IndexRows
    from xbsql.index.lexical import Inverted

PREPARED = ("length", "codes", "bounds", "head")
PARTS = (
    "vectors", *PREPARED, "cell-centre", "cell-start", "cell-rank", "cell-curve",
    "term-start", "term-text", "term-count", "term-length",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """How the vectors of an index are compared.

    Attributes:
        metric: 'cosine', 'dot' or 'l2'.
        weights: float64, shape (d,), or None: multiplies every feature, see `xbsql.kernels.topk`.
    """

    metric: str
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Segment:
    """Rows of an index, mapped from their files.

    Attributes:
        name: the digest that its files are named after.
        ids: int64 or string, shape (n,): ascending, or by cell and then ascending.
        vectors: float32, shape (n, d).
        prepared: codes and lengths for `kernels.topk`.
        inverted: the texts' terms; None where there are no texts.
        cells: for the approximate search; None where it is exact.
    """

    name: str
    ids: pa.Array
    vectors: torch.Tensor
    prepared: Prepared
    inverted: Inverted | None
    cells: Cells | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Written(NamedTuple):
    """A segment at rest.

    Args:
        name: a digest of its content: equal rows give equal names.
        recall: of 10 neighbours at the default effort; None where the search is exact.
    """

    name: str
    recall: float | None


def write(folder: Path, rows: IndexRows, measure: Measure, mode: str = "exact") -> Written:
    """Write a segment's files; nothing refers to them yet.

    Args:
        folder: for them.
        rows: sorted by id.
        measure: how they are compared.
        mode: 'exact', or 'approximate' to order them by cell.

    Raises:
        OSError: the disk is full or not writable.
    """
    sha, recall = hashlib.sha256(), None
    draft, space = folder / "draft.vectors.npy", Space(measure.metric, measure.weights)
    if mode == "approximate":
        rows, centre, start, rank = partition(rows, space)
    _write_blocks(draft, rows, sha)
    _write_ids(folder / "draft.ids.arrow", rows.ids, sha)
    corpus = np.load(draft, mmap_mode="c", allow_pickle=False)
    prepared = kernels.prepare(
        corpus, metric=measure.metric, weights=measure.weights, codes=measure.metric != "l2"
    )
    arrays: dict[str, NDArray[np.generic]] = prepared.arrays()
    if mode == "approximate":
        curve, recall = measured(corpus, prepared, space, centre, start)
        arrays |= {"cell-centre": centre, "cell-start": start, "cell-rank": rank, "cell-curve": curve}
    if rows.postings is not None:
        inverted = rows.postings.inverted()
        terms = {f"term-{field.name}": getattr(inverted, field.name) for field in fields(inverted)}
        for name, array in terms.items():
            sha.update(name.encode() + array.tobytes())
        arrays |= terms
    for part, array in arrays.items():
        with (folder / f"draft.{part}.npy").open("wb") as file:
            np.save(file, array, allow_pickle=False)
    name = sha.hexdigest()[:16]
    for path in folder.glob("draft.*"):
        path.rename(folder / f"{name}.{path.name.removeprefix('draft.')}")
    return Written(name, recall)


def open_segment(folder: Path, name: str, card: Card, measure: Measure, device: torch.device) -> Segment:
    """Map a segment's files; vectors and codes are not read before they are used, but on another device.

    Raises:
        Misshapen: an array is missing, or is not what the card says.
    """
    files = {file.name for file in folder.iterdir()}
    parts = [part for part in PARTS if f"{name}.{part}.npy" in files]
    if not _complete(parts, card):
        raise Misshapen("lacks a part of a segment")
    held = {part: _load(folder, name, part) for part in parts}
    check_arrays(held, card.dim)
    with pa.memory_map(str(folder / f"{name}.ids.arrow")) as source:
        ids = pa.ipc.open_file(source).read_all().column(0).combine_chunks()
    check_ids(ids, card.id_type, len(held["vectors"]))
    own = {part: held[part] for part in PREPARED if part in held}
    prepared = Prepared.of_arrays(measure.metric, measure.weights, own, device)
    vectors = torch.from_numpy(held["vectors"]).to(device)
    return Segment(name, ids, vectors, prepared, _inverted(held), _cells(held))


def _complete(parts: Sequence[str], card: Card) -> bool:
    """Whether a segment has the parts that its card calls for."""
    scanned = {"codes", "bounds"} if card.metric != "l2" else set()
    terms = {part for part in PARTS if part.startswith("term-")} if card.has_text else set()
    cells = {part for part in parts if part.startswith("cell-")}
    return {"vectors", "length", *scanned, *terms} <= set(parts) and len(cells) in (0, 4)


def _write_blocks(path: Path, rows: IndexRows, sha: hashlib._Hash) -> None:
    """The vectors as an .npy file. Plain writes: a full disk is an error here, in a map it is a signal."""
    shape = (len(rows), rows.dim)
    with path.open("wb") as file:
        _npy_header(file, shape, np.dtype(np.float32))
        for block in rows.blocks():
            sha.update(block.data)
            file.write(block.data)


def _npy_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(file, header)


def _write_ids(path: Path, ids: pa.Array, sha: hashlib._Hash) -> None:
    table = pa.table([ids], names=["id"])
    with path.open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with path.open("rb") as written:
        sha.update(hashlib.file_digest(written, "sha256").digest())


def _load(folder: Path, name: str, part: str) -> NDArray[Any]:
    """An array mapped copy-on-write: torch takes it as writable, and the file stays as it is."""
    array: NDArray[Any] = np.load(folder / f"{name}.{part}.npy", mmap_mode="c", allow_pickle=False)
    return array


def _inverted(held: Mapping[str, NDArray[Any]]) -> Inverted | None:
    if "term-start" not in held:
        return None
    from xbsql.index.lexical import Inverted

    return Inverted(**{field.name: held[f"term-{field.name}"] for field in fields(Inverted)})


def _cells(held: Mapping[str, NDArray[Any]]) -> Cells | None:
    if "cell-start" not in held:
        return None
    return Cells(**{field.name: held[f"cell-{field.name}"] for field in fields(Cells)})
