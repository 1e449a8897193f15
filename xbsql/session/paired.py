"""The pairs of two catalogues that may be matches, and what is known of each: by text, and by picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, refuse_quoted, written_out
from xbsql.progress import part, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.features.encoder import Encoder
    from xbsql.matching.copies import Copies
    from xbsql.matching.looks import Looks
    from xbsql.session.session import Session

READING: Final = 0.3
"""Share of the progress that encoding the texts stands for."""
ENCODED: Final = 4096
"""Texts that are encoded between two reports of it."""


class Found(NamedTuple):
    """Candidate pairs of rows.

    Attributes:
        left: int64: the left rows that take part: those with a text, by block and text, then those that
            pictures alone propose.
        right: the right ones.
        i: int64, shape (p,): places in `left`.
        j: int64, shape (p,): places in `right`.
        table: float64, shape (p, 34): what is known of each pair by text; NaN where either row has none.
        rivals: int64, shape (p,), see `matching.pairs.rivals`; 0 where either row has no text.
        beside: of both sides, what stands beside the texts, see `matching.beside.fields`.
        looks: their pictures; None without.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    table: NDArray[np.float64]
    rivals: NDArray[np.int64]
    beside: tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]]
    looks: Looks | None

    @property
    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The left and the right row of each pair."""
        return self.left[self.i], self.right[self.j]


def described(session: Session, where: str, left: pa.Table, right: pa.Table, variants: bool) -> Found:
    """The candidate pairs of the rows that take part: every text is looked at once, whatever rows have it."""
    from xbsql.matching.beside import fields
    from xbsql.matching.copies import Copies, expanded
    from xbsql.matching.match import describe
    from xbsql.matching.pairs import Side
    from xbsql.matching.scorer import Scorer
    from xbsql.matching.stated import Stated

    beside = fields(where, one_chunk(left["beside"])), fields(where, one_chunk(right["beside"]))
    encoder, blocks = session.encoder("text"), _blocks(where, left, right)

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        vectors = embedded(list(places), encoder)
        return vectors if len(places) == len(texts) else vectors[[places[text] for text in texts]]

    for name, table in (("ltext", left), ("rtext", right)):
        refuse_quoted(where, name, table["text"])
    copies, sides, middle = [], [], READING * len(left) / max(len(left) + len(right), 1)
    shares = (0.0, middle), (middle, READING)
    for table, block, share in zip((left, right), blocks, shares, strict=True):
        one = Copies.of(_texts(where, table), block)
        stated = None if variants else Stated.of(one.texts)
        copies.append(one)
        with part(*share):
            sides.append(Side(one.texts, encode(one.texts), one.block, stated))
    looks = _looks(where, beside, blocks)
    proposed = None if looks is None else _proposed(looks, copies[0], copies[1])
    with part(READING, 0.98):
        judges = Scorer.default().judges
        found = describe(sides[0], sides[1], encode, encoder.pieces, judges, proposed=proposed)
    which, i, j = expanded(found.pairs, *copies)
    rows = copies[0].rows, copies[1].rows
    whole = Found(*rows, i, j, found.table[which], found.rivals[which], beside, looks)
    return whole if looks is None else _with_silent(whole, looks)


def _looks(
    where: str,
    beside: tuple[Mapping[str, pa.Array], Mapping[str, pa.Array]],
    blocks: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None],
) -> Looks | None:
    """The pictures of both sides; None where either has none."""
    from xbsql.matching.beside import image_vectors
    from xbsql.matching.looks import Looks

    if any("image" not in side for side in beside):
        return None
    return Looks.of(*image_vectors(where, *(side["image"] for side in beside)), blocks)


def _proposed(looks: Looks, left: Copies, right: Copies) -> NDArray[np.int64]:
    """The pairs that pictures propose as keys of their texts; those where a row has none are left out."""
    i, j = looks.proposed
    a, b = left.places(len(looks.left))[i], right.places(len(looks.right))[j]
    there = (a >= 0) & (b >= 0)
    return np.unique(a[there] * len(right.texts) + b[there])


def _with_silent(found: Found, looks: Looks) -> Found:
    """The pairs with those, besides, that pictures propose of rows of which either has no text."""
    i, j = looks.proposed
    silent = ~(np.isin(i, found.left) & np.isin(j, found.right))
    a, b = i[silent], j[silent]
    left = np.concatenate([found.left, np.setdiff1d(a, found.left)])
    right = np.concatenate([found.right, np.setdiff1d(b, found.right)])
    places = _places(left, len(looks.left)), _places(right, len(looks.right))
    return found._replace(
        left=left,
        right=right,
        i=np.concatenate([found.i, places[0][a]]),
        j=np.concatenate([found.j, places[1][b]]),
        table=np.concatenate([found.table, np.full((len(a), found.table.shape[1]), np.nan)]),
        rivals=np.concatenate([found.rivals, np.zeros(len(a), np.int64)]),
    )


def _places(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The place of each of so many rows, -1 for those that have none."""
    found = np.full(count, -1, np.int64)
    found[rows] = np.arange(len(rows))
    return found


def embedded(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """The vectors of different texts, some at a time, so that it can be told how far they are."""
    from xbsql.features.text import embed_texts

    parts = [np.empty((0, encoder.dim), np.float32)]
    for start in range(0, len(texts), ENCODED):
        tell(start / len(texts), f"reading {len(texts)} texts")
        parts.append(embed_texts(texts[start : start + ENCODED], encoder))
    return np.concatenate(parts)


def _texts(where: str, table: pa.Table) -> list[str | None]:
    texts = table["text"].combine_chunks()
    if not is_text(texts.type) and not pa.types.is_null(texts.type):
        raise errors.invalid(where, f"the text to match by is {texts.type}", "cast it to VARCHAR")
    found: list[str | None] = texts.cast(pa.string()).to_pylist()
    return found


def _blocks(
    where: str, left: pa.Table, right: pa.Table
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """The blocks of both sides as numbers, -1 for NULL; None where no block was given."""
    both = [table["block"].combine_chunks() for table in (left, right)]
    if all(pa.types.is_null(block.type) for block in both):
        return None, None
    names = pa.concat_arrays([written_out(where, "block", block) for block in both]).to_pylist()
    places = {name: place for place, name in enumerate(sorted({name for name in names if name is not None}))}
    codes = np.array([places.get(name, -1) for name in names], np.int64)
    return codes[: len(left)], codes[len(left) :]
