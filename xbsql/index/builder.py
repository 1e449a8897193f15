"""What changes an index: build, add, delete. Each is one step on disk, and none when it was made before."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, matrix, one_chunk
from xbsql.index import generation
from xbsql.index.addition import added, check_fits, digest
from xbsql.index.card import METRICS, MODES, Card, check_digests, read_card
from xbsql.index.draft import Draft, IndexRows
from xbsql.index.shelf import index_row
from xbsql.progress import tell
from xbsql.store.files import dotted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.features.encoder import Encoder
    from xbsql.index.shelf import OpenIndexes

_IDLE_SECONDS = 3600.0
_TRIES = 20


@dataclass(frozen=True)
class BuildPlan:
    """What a build is asked for.

    Attributes:
        metric: 'cosine', 'dot' or 'l2'.
        encoder: the name of the encoder that made the vectors, or None.
        weights: float64, one a feature, or None.
        mode: 'exact' or 'approximate'.
    """

    metric: str = "cosine"
    encoder: str | None = None
    weights: NDArray[np.float64] | None = None
    mode: str = "exact"


class Builder:
    """Collects the rows that DuckDB streams, and publishes what they make. Threads may share it.

    Args:
        shelf: the indexes.
        encoder: name -> the text encoder.
    """

    def __init__(self, shelf: OpenIndexes, encoder: Callable[[str], Encoder]) -> None:
        self._shelf = shelf
        self._encoder = encoder
        self._drafts: dict[str, Draft] = {}
        self._lock = threading.Lock()

    def take(self, where: str, token: str, encoder: str | None, ids: pa.Array, vectors: pa.Array,
             texts: pa.Array) -> int:  # fmt: skip
        """Take in some rows of the build that is known by a token; says how many rows came.

        Args:
            where: the SQL function, for errors.
            token: of the build.
            encoder: the encoder for texts that come without vectors.
            ids: integers or texts, shape (n,).
            vectors: shape (n,); all NULL where the texts are to be embedded.
            texts: shape (n,); all NULL where there are none.

        Raises:
            XbsqlError: the rows cannot be indexed; the build ends and leaves nothing.
        """
        if not len(ids):
            return 0
        try:
            draft = self._draft(where, token)
            postings = None
            if not pa.types.is_null(texts.type):
                postings = _postings(where, texts)
            if pa.types.is_null(vectors.type):
                draft.encoder = encoder or "text"
                vectors = self._embedded(where, draft.encoder, texts)
            found, present = matrix(vectors, where)
            draft.add(ids, found, present, postings)
            tell(0.0, f"{draft.rows} rows taken in")
        except BaseException:
            self.forget(token)
            raise
        return len(ids)

    def forget(self, token: str) -> None:
        """End a build and remove its rows."""
        with self._lock:
            draft = self._drafts.pop(token, None)
        if draft is not None:
            draft.close()

    def build(self, token: str, name: str, plan: BuildPlan) -> dict[str, Any]:
        """Make the rows of a token the index of this name, in place of what it was.

        Raises:
            XbsqlError: an unknown metric, mode or encoder, no rows, an id twice, weights of another length,
                or a full disk.
        """
        where, start = "xb.build_index", time.perf_counter()
        try:
            if plan.metric not in METRICS:
                raise errors.unknown(where, "metric", plan.metric, METRICS)
            if plan.mode not in MODES:
                raise errors.unknown(where, "mode", plan.mode, MODES)
            home, draft = self._shelf.home(where, name), self._draft(where, token)
            tell(0.5, "ordering rows")
            rows = draft.finish()
            tell(0.7, f"indexing {len(rows)} rows")
            if plan.weights is not None and len(plan.weights) != rows.dim:
                problem = f"{len(plan.weights)} weights for vectors of {rows.dim} numbers"
                raise errors.invalid(where, problem, "give one weight a feature")

            def change(folder: Path) -> Card | None:
                known = replace(plan, encoder=plan.encoder or draft.encoder)
                card = self._card(folder, rows, known, draft.skipped, start)
                return None if self._is(home, card.key) else card

            self._publish(where, home, change)
        finally:
            self.forget(token)
        return index_row(name, self._shelf.open(where, name).card)

    def add(self, token: str, name: str) -> dict[str, Any]:
        """Add the rows of a token to an index; a row whose id is there already takes its place.

        Raises:
            XbsqlError: no such index; vectors of another length, ids of another type, or texts on one side
                only.
        """
        where, start = "xb.add_to_index", time.perf_counter()
        try:
            home, draft = self._shelf.home(where, name), self._draft(where, token)
            rows = draft.finish()

            def change(folder: Path) -> Card | None:
                index = self._shelf.open(where, name)
                check_fits(where, index, rows)
                return added(where, folder, home, index, rows, draft.skipped, start)

            self._publish(where, home, change)
        finally:
            self.forget(token)
        return index_row(name, self._shelf.open(where, name).card)

    def delete(self, name: str, ids: pa.Array) -> dict[str, Any]:
        """Delete the rows with these ids; ids that are not there are passed over.

        Raises:
            XbsqlError: no such index, or ids of another type.
        """
        where, start = "xb.delete_from_index", time.perf_counter()
        home = self._shelf.home(where, name)

        def change(folder: Path) -> Card | None:
            index = self._shelf.open(where, name)
            gone = index.find(ids)
            if not gone.any():
                return None
            alive = ~gone if index.alive is None else index.alive & ~gone
            generation.link_segments(home / str(index.number), index.card.segments, folder)
            generation.write_alive(folder, alive)
            key = digest(index.card.key, "delete", np.packbits(alive).tobytes().hex())
            seconds = round(time.perf_counter() - start, 3)
            return replace(index.card, key=key, change=key, rows=int(alive.sum()), seconds=seconds)

        self._publish(where, home, change)
        return index_row(name, self._shelf.open(where, name).card)

    def version(self, encoder: str | None) -> str | None:
        """The version of an encoder as it is now."""
        return None if encoder is None else self._encoder(encoder).version

    def _draft(self, where: str, token: str) -> Draft:
        with self._lock:
            now = time.monotonic()
            for old in [t for t, draft in self._drafts.items() if now - draft.touched > _IDLE_SECONDS]:
                self._drafts.pop(old).close()
            if token not in self._drafts:
                self._shelf.tidy()
                self._drafts[token] = Draft(where, self._shelf.path / dotted("rows"))
            return self._drafts[token]

    def _embedded(self, where: str, encoder: str, texts: pa.Array) -> pa.Array:
        if pa.types.is_null(texts.type):
            remedy = "name a column: vec := a vector, or text := a text to embed"
            raise errors.invalid(where, "every row is without vec and text", remedy)
        from xbsql.features.text import embed_array

        return embed_array(texts, self._encoder(encoder))

    def _card(self, folder: Path, rows: IndexRows, plan: BuildPlan, skipped: int, start: float) -> Card:
        from xbsql.index import segment

        written = segment.write(folder, rows, segment.Measure(plan.metric, plan.weights), plan.mode)
        weights = None if plan.weights is None else plan.weights.tolist()
        version = self.version(plan.encoder)
        key = digest("build", plan.metric, weights, plan.encoder, version, plan.mode, written.name)
        return Card(
            key=key,
            metric=plan.metric,
            weights=weights,
            encoder=plan.encoder,
            encoder_version=version,
            dim=rows.dim,
            id_type=str(rows.ids.type),
            has_text=rows.postings is not None,
            segments=[written.name],
            rows=len(rows),
            skipped=skipped,
            seconds=round(time.perf_counter() - start, 3),
            change=key,
            mode=plan.mode,
            recall=written.recall,
        )

    def _is(self, home: Path, key: str) -> bool:
        """Whether the newest generation has this key and is whole."""
        number = generation.newest(home)
        if number is None:
            return False
        try:
            check_digests(home / str(number))
            return read_card(home / str(number))[0].key == key
        except (OSError, errors.XbsqlError):
            return False

    def _publish(self, where: str, home: Path, change: Callable[[Path], Card | None]) -> None:
        for _ in range(_TRIES):
            base = generation.numbers(home)[-1:]
            if generation.publish(where, home, base[0] if base else 0, change):
                return
        _busy(where, home.name)


def _busy(where: str, name: str) -> NoReturn:
    problem = f"index '{name}' was changed by others {_TRIES} times meanwhile"
    raise errors.invalid(where, problem, "try again")


def _postings(where: str, texts: pa.Array) -> Any:  # noqa: ANN401 - Postings, which is not imported until needed
    from xbsql.index.lexical import Postings

    whole = one_chunk(texts)
    if not is_text(whole.type):
        raise errors.invalid(where, f"text is {whole.type}", "cast it: text := col::VARCHAR")
    return Postings.of(whole.to_pylist())
