"""Matching with the models of a store: which rows have a text, which scorer judges the pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.matching.columns import KNOWN_COLUMNS
from xbsql.progress import tell
from xbsql.session import models
from xbsql.session.paired import Found, described

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.session.session import Session

_SUREST = 1e-9


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
            blank or a placeholder ('n/a', see `matching.blank`), unless pictures beside propose one; a row
            whose block is NULL has none. For beside see `matching.beside.compared`.
        right: the same.
        threshold: the least probability of a match, 0 to 1.
        model: a model fitted on `match_candidates`, of two classes; None for the package's own scorer, to
            which `linking.beside` adds what stands beside the texts.
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

    if model is not None:
        session.model(where, model)
    with session.calls.record("match", model or "", len(left)) as call:
        call.kernel = "topk + assignment"
        found = described(session, where, left, right, variants)
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
        found = described(session, where, left, right, variants)
        known = _known(where, left, right, found)
    pairs = found.rows
    order = np.lexsort(pairs[::-1])
    columns = [*(rows[order] + 1 for rows in pairs), *known[order].T]
    return pa.table(
        [pa.array(column, from_pandas=True) for column in columns], names=["l", "r", *KNOWN_COLUMNS]
    )


def _known(where: str, left: pa.Table, right: pa.Table, found: Found) -> NDArray[np.float64]:
    """All of `KNOWN_COLUMNS` of the pairs; NaN where either row lacks what stands beside the text."""
    from xbsql.matching.beside import compared

    own, other = (
        one_chunk(table["beside"]).take(pa.array(rows))
        for table, rows in ((left, found.left), (right, found.right))
    )
    return np.hstack([found.table, compared(where, own, other, found.i, found.j)])


def _odds(
    session: Session, where: str, left: pa.Table, right: pa.Table, found: Found, model: str | None
) -> NDArray[np.float64]:
    """The log odds of the pairs by a model; by the scorer of the package and what stands beside the texts."""
    if model is None:
        return _scored(found)
    table = _known(where, left, right, found)
    if not len(table):
        return np.empty(0)
    columns = [pa.array(column, from_pandas=True) for column in table.T]
    said = models.classify(session, model, pa.StructArray.from_arrays(columns, list(KNOWN_COLUMNS)))
    yes = np.isin(np.array(said.field("label").to_pylist(), dtype=str), ("true", "1"))
    score = said.field("score").to_numpy(zero_copy_only=False)
    return _logit(np.where(yes, score, 1 - score))


def _scored(found: Found) -> NDArray[np.float64]:
    """The log odds by the scorer of the package, which reads texts, and by what stands beside these."""
    from xbsql.linking.beside import says
    from xbsql.matching.scorer import Scorer

    told = found.rivals > 0
    odds = np.zeros(len(told))
    odds[told] = Scorer.default().scored(found.table[told], found.rivals[told])
    if not any(found.beside):
        return odds
    return odds + says(*found.beside, found.looks, *found.rows, odds, told)


def _logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(probability, _SUREST, 1 - _SUREST)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)
