"""Matching as a session runs it: which rows have a text, which scorer judges the pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, validity
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.session import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.matching.match import Described
    from xbsql.matching.pairs import Side
    from xbsql.session.session import Session

_SUREST = 1e-9


def match(
    session: Session, left: pa.Table, right: pa.Table, threshold: float, model: str | None
) -> pa.Table:  # fmt: skip
    """The right row of each left row, one to one.

    Args:
        session: whose encoder and models are used.
        left: columns text, block and beside; a row without a text has no match, nor has one whose block is
            NULL. For beside see `matching.beside.compared`.
        right: the same.
        threshold: the least probability of a match, 0 to 1.
        model: a model fitted on `match_candidates`, of two classes; None for the package's own scorer.

    Returns:
        l, int64 positions from 1, all of them; r, int64 positions or NULL; score, float64: the probability
        that they are one thing, NULL where there is no match.

    Raises:
        XbsqlError: a text column that is not text, a threshold outside 0 .. 1, no such model, something
            beside the text that cannot be compared.
    """
    where = "xb.match"
    if not 0 <= threshold <= 1:
        raise errors.invalid(where, f"threshold is {threshold}", "give a probability, 0 to 1")
    from xbsql.harmonise.assignment import assigned

    with session.calls.record("match", model or "", len(left)) as call:
        call.kernel = "topk + assignment"
        rows, described = _described(session, where, left, right)
        pairs = described.pairs
        known = described.table if model is None else _known(where, left, right, rows, described)
        odds = _odds(session, known, model)
        shape = (len(rows[0]), len(rows[1]))
        chosen = assigned(pairs.i, pairs.j, odds, _logit(np.array(threshold)).item(), shape)
    there = chosen >= 0
    partner, score = np.full(len(left), -1, np.int64), np.full(len(left), np.nan)
    partner[rows[0][there]] = rows[1][pairs.j[chosen[there]]] + 1
    score[rows[0][there]] = 1 / (1 + np.exp(-odds[chosen[there]]))
    columns = [
        pa.array(np.arange(1, len(left) + 1)),
        pa.array(partner, mask=partner < 0),
        pa.array(score, mask=partner < 0),
    ]
    return pa.table(columns, names=["l", "r", "score"])


def match_candidates(session: Session, left: pa.Table, right: pa.Table) -> pa.Table:
    """The pairs that may be matches and what is known of each: what a scorer is fitted on.

    Args:
        session: whose encoder is used.
        left: columns text, block and beside, as for `match`.
        right: the same.

    Returns:
        l and r, int64 positions from 1, and a float64 column for each of `KNOWN_COLUMNS`.

    Raises:
        XbsqlError: a text column that is not text, something beside it that cannot be compared.
    """
    where = "xb.match_candidates"
    with session.calls.record("match_candidates", "", len(left)) as call:
        call.kernel = "topk"
        rows, described = _described(session, where, left, right)
        known = _known(where, left, right, rows, described)
    columns = [rows[0][described.pairs.i] + 1, rows[1][described.pairs.j] + 1, *known.T]
    return pa.table(
        [pa.array(column, from_pandas=True) for column in columns], names=["l", "r", *KNOWN_COLUMNS]
    )


def _described(
    session: Session, where: str, left: pa.Table, right: pa.Table
) -> tuple[list[NDArray[np.int64]], Described]:
    """The rows of both sides that take part, and their candidate pairs."""
    from xbsql.features.text import embed_texts
    from xbsql.matching.match import describe
    from xbsql.matching.scorer import Scorer

    encoder = session.encoder("text")

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_texts(list(texts), encoder)

    blocks = _blocks(left, right)
    rows, sides = [], []
    for table, block in zip((left, right), blocks, strict=True):
        kept = np.flatnonzero(_present(where, table))
        rows.append(kept)
        sides.append(_side(table, kept, None if block is None else block[kept], encode))
    return rows, describe(sides[0], sides[1], encode, encoder.pieces, Scorer.default().judges)


def _known(
    where: str, left: pa.Table, right: pa.Table, rows: list[NDArray[np.int64]], described: Described
) -> NDArray[np.float64]:
    """All of `KNOWN_COLUMNS` of the pairs; NaN where either row lacks what stands beside the text."""
    from xbsql.matching.beside import compared

    own, other = (
        one_chunk(table["beside"]).take(pa.array(kept))
        for table, kept in zip((left, right), rows, strict=True)
    )
    more = compared(where, own, other, described.pairs.i, described.pairs.j)
    return np.hstack([described.table, more])


def _present(where: str, table: pa.Table) -> NDArray[np.bool_]:
    texts = table["text"].combine_chunks()
    if not is_text(texts.type) and not pa.types.is_null(texts.type):
        raise errors.invalid(where, f"the text to match by is {texts.type}", "cast it to VARCHAR")
    block = table["block"].combine_chunks()
    there = validity(texts)
    return there if pa.types.is_null(block.type) else there & validity(block)


def _side(
    table: pa.Table, rows: NDArray[np.int64], block: NDArray[np.int64] | None, encode: object
) -> Side:  # fmt: skip
    from xbsql.matching.pairs import Side

    texts = table["text"].take(pa.array(rows)).cast(pa.string()).to_pylist()
    return Side(texts, encode(texts), block)  # type: ignore[operator]


def _blocks(left: pa.Table, right: pa.Table) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """The blocks of both sides as numbers, equal where they are; None where no block was given."""
    both = [table["block"].combine_chunks() for table in (left, right)]
    if all(pa.types.is_null(block.type) for block in both):
        return None, None
    texts = pa.concat_arrays([block.cast(pa.string()) for block in both])
    codes = texts.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: len(left)], codes[len(left) :]


def _odds(session: Session, table: NDArray[np.float64], model: str | None) -> NDArray[np.float64]:
    from xbsql.matching.scorer import Scorer

    if model is None:
        return Scorer.default().scored(table)
    if not len(table):
        return np.empty(0)
    columns = [pa.array(column, from_pandas=True) for column in table.T]
    found = models.classify(session, model, pa.StructArray.from_arrays(columns, list(KNOWN_COLUMNS)))
    yes = np.isin(np.array(found.field("label").to_pylist(), dtype=str), ("true", "1"))
    score = found.field("score").to_numpy(zero_copy_only=False)
    return _logit(np.where(yes, score, 1 - score))


def _logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, _SUREST, 1 - _SUREST)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)
