"""More rows in an index: a segment beside the others, or all in one anew where there are too many to scan."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.index import generation
from xbsql.index.draft import IndexRows, sort_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from xbsql.index.card import Card
    from xbsql.index.search import Index

MOST_SEGMENTS = 8
MOST_DEAD = 0.25
"""Share of deleted rows from which the next addition writes the index anew."""


def check_fits(where: str, index: Index, rows: IndexRows) -> None:
    """Raise where rows cannot stand beside those of an index: length, type of ids, texts on one side only."""
    card = index.card
    if rows.dim != card.dim:
        problem = f"index '{index.name}' has vectors of {card.dim} numbers, got {rows.dim}"
        raise errors.invalid(where, problem, "embed the rows with the model of the index")
    if str(rows.ids.type) != card.id_type:
        problem = f"index '{index.name}' has {card.id_type} ids, got {rows.ids.type}"
        raise errors.invalid(where, problem, "cast the ids")
    if (rows.postings is not None) != card.has_text:
        problem = f"index '{index.name}' {'holds' if card.has_text else 'does not hold'} texts"
        raise errors.invalid(where, problem, "give text := as the build did")


def added(
    where: str, folder: Path, home: Path, index: Index, rows: IndexRows, skipped: int, start: float
) -> Card | None:
    """Write an index with more rows into a folder.

    Args:
        where: the SQL function, for errors.
        folder: of the new generation.
        home: of the index.
        index: its newest generation.
        rows: to add; they take the place of rows with the same ids.
        skipped: rows that had no id or no vector.
        start: of the change, on the clock of `time.perf_counter`.

    Returns:
        What the new generation is; None where the last change was this one.
    """
    from xbsql.index import segment
    from xbsql.index.search import measure_of

    card, measure = index.card, measure_of(index.card)
    name, recall = segment.write(folder, rows, measure).name, card.recall
    change = digest("add", name)
    if change == card.change:
        return None
    replaced = index.find(rows.ids)
    alive = ~replaced if index.alive is None else index.alive & ~replaced
    dead = 1 - alive.sum() / len(alive)
    if len(card.segments) >= MOST_SEGMENTS or dead > MOST_DEAD or name in card.segments:
        for file in folder.iterdir():
            file.unlink()
        whole = segment.write(folder, _together(where, index, alive, rows), measure, card.mode)
        segments, recall = [whole.name], whole.recall
    else:
        generation.link_segments(home / str(index.number), card.segments, folder)
        segments = [*card.segments, name]
        generation.write_alive(folder, np.concatenate([alive, np.ones(len(rows), dtype=bool)]))
    return replace(
        card,
        key=digest(card.key, change),
        change=change,
        segments=segments,
        rows=int(alive.sum()) + len(rows),
        skipped=card.skipped + skipped,
        seconds=round(time.perf_counter() - start, 3),
        recall=recall,
    )


def _together(where: str, index: Index, alive: NDArray[np.bool_], rows: IndexRows) -> IndexRows:
    """The rows of an index that are alive and further ones, sorted by id."""
    old = np.flatnonzero(alive)
    parts = [segment.vectors.cpu().numpy() for segment in index.segments]
    ids = pa.concat_arrays([*index.ids.chunks, rows.ids])
    places = np.concatenate([old, len(alive) + np.arange(len(rows))])
    postings = None
    if rows.postings is not None:
        known = [segment.inverted.postings() for segment in index.segments if segment.inverted is not None]
        postings = rows.postings.stack([*known, rows.postings]).take(places)
    order = np.concatenate([old, len(alive) + rows.order])
    return sort_rows(where, ids.take(pa.array(places)), [*parts, *rows.parts], order, postings)


def digest(*parts: object) -> str:
    """sha256 of JSON values."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
