"""An open index: its segments mapped, searched and merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from xbsql import errors, kernels
from xbsql.arrow import is_text
from xbsql.index import generation
from xbsql.index.card import broken, check_digests, read_card, stamp
from xbsql.index.hits import HIT, RECALL, Hits, by_rank, merged
from xbsql.index.segment import Measure, Segment, open_segment
from xbsql.index.shapes import Misshapen
from xbsql.index.visit import visit
from xbsql.index.words import Asked, both, by_words, shares

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.index.card import Card, Stamp

DEPTH = 100
"""Rows of each kind, by words and by meaning, that `search_text` looks at, at least."""


@dataclass(frozen=True)
class Index:
    """One generation of an index, read-only; a row number counts through all segments.

    Attributes:
        name: the index's name.
        number: its generation.
        card: what it is.
        created: when it was written.
        segments: its blocks.
        alive: bool, shape (n,), or None where no row was deleted.
        stamp: of its files, see `card.stamp`.
    """

    name: str
    number: int
    card: Card
    created: str
    segments: tuple[Segment, ...]
    alive: NDArray[np.bool_] | None
    stamp: Stamp

    @classmethod
    def open(cls, folder: Path, device: torch.device) -> Index:
        """Map a generation.

        Raises:
            OSError: it has gone, a newer one took its place.
            XbsqlError: it is broken, or was emptied because a newer one took its place.
        """
        seen, name = stamp(folder), folder.parent.name
        card, created = read_card(folder)
        check_digests(folder)
        measure = measure_of(card)
        try:
            segments = tuple(open_segment(folder, each, card, measure, device) for each in card.segments)
            alive = _alive(folder, card, sum(len(segment) for segment in segments))
        except OSError:
            raise
        except Misshapen as error:
            raise broken(name, str(error)) from error
        except Exception as error:  # of NumPy or Arrow, over a file that neither has written
            raise broken(name, f"holds a file that cannot be read ({type(error).__name__})") from error
        return cls(name, int(folder.name), card, created, segments, alive, seen)

    @property
    def size(self) -> int:
        """Rows at rest, deleted ones too."""
        return sum(len(segment) for segment in self.segments)

    @property
    def device(self) -> str:
        """Where the vectors are: 'cpu' or 'cuda'."""
        return self.segments[0].vectors.device.type

    @property
    def ids(self) -> pa.ChunkedArray:
        """int64 or string, shape (n,), one chunk a segment."""
        return pa.chunked_array([segment.ids for segment in self.segments])

    def find(self, ids: pa.Array) -> NDArray[np.bool_]:
        """Which rows have one of these ids and are alive, bool of shape (n,); unknown ids match nothing."""
        if pa.types.is_null(ids.type) or not len(ids):
            return np.zeros(self.size, dtype=bool)
        kind = pa.string() if self.card.id_type == "string" else pa.int64()
        try:
            wanted = ids.cast(kind) if not is_text(ids.type) or kind == pa.string() else _whole(ids)
        except pa.ArrowException as error:
            said = errors.shown(" ".join(str(error).split()))
            problem = f"index '{self.name}' has {self.card.id_type} ids, got {ids.type}: {said}"
            raise errors.invalid("xb.search", problem, "filter by its ids") from error
        found = np.concatenate([_among(segment.ids, wanted) for segment in self.segments])
        return found if self.alive is None else found & self.alive

    def search(
        self, queries: NDArray[np.floating], k: int, mask: NDArray[np.bool_] | None = None,
        recall: float = RECALL,
    ) -> Hits:  # fmt: skip
        """The k best rows of each query; of equal scores the lower row, or the smaller id, comes first.

        Exact, but for a segment that has cells: there it looks into as many as the recall takes (on the
        CPU; a device scans all rows sooner). With a mask, and for a query whose cells hold fewer than k
        rows, all rows are searched.

        Args:
            queries: shape (m, d).
            k: how many, 1 or more.
            mask: bool, shape (n,): only rows that are True; as many as match are found.
            recall: above 0, up to 1: what share of the true k an approximate index is to find; 1 is exact.

        Raises:
            XbsqlError: the queries have another length than the index.
        """
        if queries.shape[1] != self.card.dim:
            problem = f"index '{self.name}' has vectors of {self.card.dim} numbers, got {queries.shape[1]}"
            raise errors.invalid("xb.search", problem, "embed the query with the model of the index")
        asked = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32)).to(self.device)
        keep = mask if self.alive is None or mask is not None else self.alive
        parts, start = [], 0
        for segment in self.segments:
            stop = start + len(segment)
            here = None if keep is None else keep[start:stop]
            effort = 1.0 if mask is not None else recall
            part = self._within(segment, asked, min(k, len(segment)), here, effort)
            parts.append(Hits(part.scores, np.where(part.rows >= 0, part.rows + start, -1)))
            start = stop
        return merged(parts, k)

    def _within(
        self, segment: Segment, asked: torch.Tensor, k: int, keep: NDArray[np.bool_] | None, recall: float
    ) -> Hits:  # fmt: skip
        """The k best rows of one segment."""
        cells = segment.cells
        visits = None if cells is None or recall >= 1 else cells.visits(recall)
        if cells is None or visits is None or 2 * visits > len(cells.centre) or asked.is_cuda:
            return self._all_of(segment, asked, k, keep)
        hits = visit(segment.vectors, segment.prepared, cells, asked, k, visits, keep)
        short = np.flatnonzero(hits.rows[:, -1] < 0)
        if len(short):
            rest = self._all_of(segment, asked[torch.from_numpy(short).to(asked.device)], k, keep)
            hits.scores[short], hits.rows[short] = rest.scores, rest.rows
        return hits

    def _all_of(
        self, segment: Segment, asked: torch.Tensor, k: int, keep: NDArray[np.bool_] | None
    ) -> Hits:  # fmt: skip
        prepared, mask = segment.prepared, None
        if keep is not None:
            mask = torch.from_numpy(np.ascontiguousarray(keep)).to(self.device)
        scores, rows = kernels.topk(
            asked, segment.vectors, k, metric=prepared.metric, weights=prepared.weights,
            mask=mask, prepared=prepared,
        )  # fmt: skip
        hits = Hits(scores.cpu().numpy(), rows.cpu().numpy())
        return hits if segment.cells is None else by_rank(hits, segment.cells.rank)

    def search_text(
        self,
        texts: Sequence[str],
        vectors: NDArray[np.float32] | None,
        k: int,
        mask: NDArray[np.bool_] | None = None,
    ) -> Hits:
        """The k best rows of each text, by words and by meaning together, see `both`.

        Args:
            texts: m queries.
            vectors: float32, shape (m, d): their embeddings; None leaves words alone.
            k: how many, 1 or more.
            mask: as for `search`.

        Raises:
            XbsqlError: the index holds no text.
        """
        depth = max(DEPTH, 5 * k)
        asked = None
        if vectors is not None:
            asked = Asked(vectors, self.search(vectors, depth, mask).rows, measure_of(self.card).weights)
        return both(self.segments, self._shares(texts, mask), asked, k, depth)

    def search_words(self, texts: Sequence[str], k: int, mask: NDArray[np.bool_] | None = None) -> Hits:
        """The k rows with the largest share of each text's words; a row that shares none is not found.

        Raises:
            XbsqlError: the index holds no text.
        """
        return by_words(self._shares(texts, mask), k)

    def _shares(self, texts: Sequence[str], mask: NDArray[np.bool_] | None) -> Iterator[NDArray[np.float32]]:
        """See `shares`.

        Raises:
            XbsqlError: the index holds no text.
        """
        if any(segment.inverted is None for segment in self.segments):
            raise errors.invalid(
                "xb.search_text", f"index '{self.name}' holds no text", "build it with text := the column"
            )
        return shares(self.segments, texts, self.alive if mask is None else mask)

    def records(self, hits: Hits, present: NDArray[np.bool_]) -> pa.Array:
        """Hits as LIST of STRUCT(id, score, rank), one list a query; NULL for queries that are not present.

        Args:
            hits: of the queries that are present.
            present: bool, shape (m,).
        """
        there = np.zeros((len(present), hits.rows.shape[1]), dtype=bool)
        there[present] = hits.rows >= 0
        counts = there.sum(axis=1)
        ranks = np.broadcast_to(np.arange(1, there.shape[1] + 1, dtype=np.int32), there.shape)[there]
        ids = self.ids.take(pa.array(hits.rows[hits.rows >= 0])).cast(pa.string())
        joined = ids.combine_chunks() if ids.num_chunks != 1 else ids.chunk(0)
        fields = [joined, pa.array(hits.scores[hits.rows >= 0]), pa.array(ranks)]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        values = pa.StructArray.from_arrays(fields, fields=list(HIT))
        mask = None if present.all() else pa.array(~present)
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def _alive(folder: Path, card: Card, rows: int) -> NDArray[np.bool_] | None:
    """Which rows have not been deleted, bool of shape (rows,); None for all."""
    file = folder / generation.ALIVE
    alive = np.load(file, allow_pickle=False) if file.exists() else None
    if alive is not None and (alive.dtype != bool or alive.shape != (rows,)):
        raise Misshapen("holds other deletions than rows")
    if card.rows != (rows if alive is None else int(alive.sum())):
        raise Misshapen(f"holds other rows than its {card.rows}")
    return alive


def measure_of(card: Card) -> Measure:
    """How the vectors of an index are compared."""
    return Measure(card.metric, None if card.weights is None else np.array(card.weights, np.float64))


def _among(ids: pa.Array, wanted: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.is_in(ids, value_set=wanted).to_numpy(zero_copy_only=False)
    return found


def _whole(texts: pa.Array) -> pa.Array:
    """Texts as whole numbers; what is no number can be no id of such an index."""
    plain = texts.cast(pa.string())
    return plain.filter(pc.match_substring_regex(plain, r"^-?[0-9]{1,18}$")).cast(pa.int64())
