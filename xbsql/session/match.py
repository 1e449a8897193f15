"""Matching with the models of a store: which rows have a text, which scorer judges the pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, refuse_quoted, written_out
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.progress import part, tell
from xbsql.session import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.features.encoder import Encoder
    from xbsql.session.session import Session

_SUREST = 1e-9
READING = 0.3
"""Share of the progress that encoding the texts stands for."""
ENCODED = 4096
"""Texts that are encoded between two reports of it."""


def match(
    session: Session,
    left: pa.Table,
    right: pa.Table,
    threshold: float,
    model: str | None,
    variants: bool = False,
) -> pa.Table:
    """The right row of each left row, one to one.

    Args:
        session: whose encoder and models are used.
        left: columns text, block and beside; a row without a text has no match, nor has one whose text is
            blank or a placeholder ('n/a', see `matching.blank`) or whose block is NULL. For beside see
            `matching.beside.compared`.
        right: the same.
        threshold: the least probability of a match, 0 to 1.
        model: a model fitted on `match_candidates`, of two classes; None for the package's own scorer.
        variants: whether products that differ in size, count or model number are one: 'tea 100 g' and
            'tea 250 g'. Otherwise rows that both state one and contradict each other never match.

    Returns:
        l, int64 positions from 1, all of them; r, int64 positions or NULL; score, float64: the probability
        that they are one thing, NULL where there is no match. The same in any order of the rows: of rows
        with one text, the first of one side goes to the first of the other.

    Raises:
        XbsqlError: a text column that is not text, a threshold outside 0 .. 1, no such model, something
            beside the text that cannot be compared.
    """
    where = "xb.match"
    if not 0 <= threshold <= 1:
        raise errors.invalid(where, f"threshold is {threshold}", "give a probability, 0 to 1")
    from xbsql.harmonise.assignment import assigned
    from xbsql.matching.beside import fields

    if model is not None:
        session.model(where, model)
    for table in (left, right):
        fields(where, one_chunk(table["beside"]))
    with session.calls.record("match", model or "", len(left)) as call:
        call.kernel = "topk + assignment"
        found = _described(session, where, left, right, variants)
        odds = _odds(session, where, left, right, found, model)
        tell(0.98, "assigning")
        shape = (len(found.left), len(found.right))
        chosen = assigned(found.i, found.j, odds, _logit(np.array(threshold)).item(), shape)
    tell(1.0, "matched")
    there = chosen >= 0
    partner, score = np.full(len(left), -1, np.int64), np.full(len(left), np.nan)
    partner[found.left[there]] = found.right[found.j[chosen[there]]] + 1
    score[found.left[there]] = 1 / (1 + np.exp(-odds[chosen[there]]))
    columns = [
        pa.array(np.arange(1, len(left) + 1)),
        pa.array(partner, mask=partner < 0),
        pa.array(score, mask=partner < 0),
    ]
    return pa.table(columns, names=["l", "r", "score"])


def match_candidates(
    session: Session, left: pa.Table, right: pa.Table, variants: bool = False
) -> pa.Table:  # fmt: skip
    """The pairs that may be matches and what is known of each: what a scorer is fitted on.

    Args:
        session: whose encoder is used.
        left: columns text, block and beside, as for `match`.
        right: the same.
        variants: whether pairs that contradict each other in size, count or model number are among them.

    Returns:
        l and r, int64 positions from 1, ascending, and a float64 column for each of `KNOWN_COLUMNS`.

    Raises:
        XbsqlError: a text column that is not text, something beside it that cannot be compared.
    """
    where = "xb.match_candidates"
    with session.calls.record("match_candidates", "", len(left)) as call:
        call.kernel = "topk"
        found = _described(session, where, left, right, variants)
        known = _known(where, left, right, found)
    pairs = found.left[found.i], found.right[found.j]
    order = np.lexsort(pairs[::-1])
    columns = [*(rows[order] + 1 for rows in pairs), *known[order].T]
    return pa.table(
        [pa.array(column, from_pandas=True) for column in columns], names=["l", "r", *KNOWN_COLUMNS]
    )


class _Found(NamedTuple):
    """Candidate pairs of rows.

    Attributes:
        left: int64: the left rows that take part, ordered by block and text.
        right: the right ones.
        i: int64, shape (p,): places in `left`.
        j: int64, shape (p,): places in `right`.
        table: float64, shape (p, 34): what is known of each pair.
        rivals: int64, shape (p,), see `matching.pairs.rivals`.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    table: NDArray[np.float64]
    rivals: NDArray[np.int64]


def _described(session: Session, where: str, left: pa.Table, right: pa.Table, variants: bool) -> _Found:
    """The candidate pairs of the rows that take part: every text is looked at once, whatever rows have it."""
    from xbsql.matching.copies import Copies, expanded
    from xbsql.matching.match import describe
    from xbsql.matching.pairs import Side
    from xbsql.matching.scorer import Scorer
    from xbsql.matching.stated import Stated

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
    with part(READING, 0.98):
        found = describe(sides[0], sides[1], encode, encoder.pieces, Scorer.default().judges)
    which, i, j = expanded(found.pairs, *copies)
    return _Found(copies[0].rows, copies[1].rows, i, j, found.table[which], found.rivals[which])


def embedded(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """The vectors of different texts, some at a time, so that it can be told how far they are."""
    from xbsql.features.text import embed_texts

    parts = [np.empty((0, encoder.dim), np.float32)]
    for start in range(0, len(texts), ENCODED):
        tell(start / len(texts), f"reading {len(texts)} texts")
        parts.append(embed_texts(texts[start : start + ENCODED], encoder))
    return np.concatenate(parts)


def _known(where: str, left: pa.Table, right: pa.Table, found: _Found) -> NDArray[np.float64]:
    """All of `KNOWN_COLUMNS` of the pairs; NaN where either row lacks what stands beside the text."""
    from xbsql.matching.beside import compared

    own, other = (
        one_chunk(table["beside"]).take(pa.array(rows))
        for table, rows in ((left, found.left), (right, found.right))
    )
    return np.hstack([found.table, compared(where, own, other, found.i, found.j)])


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


def _odds(
    session: Session, where: str, left: pa.Table, right: pa.Table, found: _Found, model: str | None
) -> NDArray[np.float64]:
    """The log odds of the pairs by a model, or by the scorer of the package."""
    from xbsql.matching.scorer import Scorer

    if model is None:
        return Scorer.default().scored(found.table, found.rivals)
    table = _known(where, left, right, found)
    if not len(table):
        return np.empty(0)
    columns = [pa.array(column, from_pandas=True) for column in table.T]
    said = models.classify(session, model, pa.StructArray.from_arrays(columns, list(KNOWN_COLUMNS)))
    yes = np.isin(np.array(said.field("label").to_pylist(), dtype=str), ("true", "1"))
    score = said.field("score").to_numpy(zero_copy_only=False)
    return _logit(np.where(yes, score, 1 - score))


def _logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, _SUREST, 1 - _SUREST)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)
