"""Entities over many catalogues with a session's encoder: pairs of every two markets, then what they join."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.progress import tell
from xbsql.session.fits import one_thread
from xbsql.session.offer_pairs import judged_of
from xbsql.session.offer_shards import by_shard
from xbsql.session.offers import Asked, check, different, numbers_of, refuse_unnamed, settled_of

if TYPE_CHECKING:
    from xbsql.linking.graph import Floats, Graph, Ints
    from xbsql.linking.judged import Judged
    from xbsql.session.session import Session

SURENESS: Final = 0.7
"""By what a pair's log odds are multiplied to be as sure as they are right: chosen on other catalogues."""
LARGE, LARGE_SHARE = 100, 0.1
"""An entity of more rows than both, the share being of all rows, joins what has nothing in common."""


def entities(session: Session, rows: pa.Table, asked: Asked) -> pa.Table:
    """The entity of each row.

    Args:
        session: whose encoder is used.
        rows: columns id, market, text, block, beside and entity, in an order that does not depend on how they
            were given: among equals the earlier row is joined first. A row whose market or block is NULL, or
            that has neither a text nor a GTIN, stands alone. `entity` is NULL where a row is to be placed.
        asked: how.

    Returns:
        position, int64 from 1, all rows; entity, int64: the number of a settled one is kept, others count up
        from the largest of these in the order of the rows; score, float64: the
        probability that the row belongs to it, NULL where it is alone; entity_score, float64: the probability
        that all its rows do.

    Raises:
        XbsqlError: columns that cannot be read, an entity that joins everything, settled entities that hold
            two rows of a market.
    """
    where = "xb.entities"
    check(where, asked)
    if asked.labels is not None:
        refuse_unnamed(where, rows)
    with session.calls.record("entities", "", len(rows)) as call:
        call.kernel = "topk + assignment"
        found, score = _by_shard(session, where, rows, asked)
        refuse_all(where, found, rows, len(rows))
    tell(1.0, "joined")
    return _answer(found, score, numbers_of(where, rows))


def _by_shard(session: Session, where: str, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    """The entity of each row and its probability."""
    found, score = np.arange(len(rows)), np.full(len(rows), np.nan)
    for held, entity, chance in by_shard(where, rows, asked, partial(_whole, session, where)):
        found[held], score[held] = held[entity], chance
    return _kept_together(where, rows, found), score


def _whole(
    session: Session, where: str, held: Ints, rows: pa.Table, asked: Asked
) -> tuple[Ints, Ints, Floats]:  # fmt: skip
    """Of one shard, whose rows have these places: the places, the entity of each row and its probability."""
    alike = asked.many and asked.labels is None  # labels name rows, of which each is one then
    first, place = different(rows) if alike else (np.arange(len(rows)),) * 2
    once = rows.take(pa.array(first))
    judged = judged_of(session, where, once, asked)
    tell(0.98, "joining")
    found, score = joined_rows(where, judged, once, asked)
    return held, first[found][place], score[place]


def _kept_together(where: str, rows: pa.Table, found: Ints) -> Ints:
    """The entities, settled ones whole also where their rows are of different shards."""
    codes = settled_of(where, rows)
    held = np.flatnonzero(codes >= 0)
    lowest = np.full(len(rows) + 1, len(rows), np.int64)
    np.minimum.at(lowest, codes[held], found[held])
    new = np.arange(len(rows))
    new[found[held]] = lowest[codes[held]]
    return new[found]


def joined_rows(where: str, judged: Judged, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    """The entity of each row, as its lowest row, and the probability that the row belongs to it.

    Raises:
        XbsqlError: a settled entity holds two rows of a market.
    """
    from xbsql.linking.belonging import without_doubtful
    from xbsql.linking.joined import joined
    from xbsql.linking.worth import Rules

    # What speaks for a row is known when all are joined: more is joined than stays.
    least = _logit(asked.threshold)
    rules = Rules(min(least / SURENESS, 0.0), asked.many)
    known = _settled(where, judged.graph, rows, asked.many)
    tied = judged.labels.tied(len(rows)) if len(judged.labels.a) else None
    held = np.zeros(len(rows), np.bool_) if known is None else known >= 0
    if tied is not None:
        held |= np.bincount(tied, minlength=len(rows))[tied] > 1
    found = joined(judged.graph, rules, known, tied)
    found, odds = without_doubtful(judged.graph, rules, found, held, least)
    return found, 1 / (1 + np.exp(-odds))


def _settled(where: str, graph: Graph, rows: pa.Table, many: bool) -> Ints | None:
    """The settled entity of each row, -1 for none; None where no row has one."""
    codes = settled_of(where, rows)
    if not (codes >= 0).any():
        return None
    held = np.flatnonzero((codes >= 0) & (graph.market >= 0))
    keys = codes[held] * (graph.market.max(initial=0) + 1) + graph.market[held]
    twice = np.flatnonzero(np.bincount(np.unique(keys, return_inverse=True)[1]) > 1)
    if len(twice) and not many:
        row = int(held[np.isin(np.unique(keys, return_inverse=True)[1], twice[:1])][0])
        problem = f"entity '{errors.shown(rows['entity'][row].as_py())}' holds two rows of one market"
        raise errors.invalid(where, problem, "take one out, or allow it with many := true")
    return codes


def _answer(entity: Ints, score: Floats, numbers: pa.Array) -> pa.Table:
    """The entities, settled ones with their numbers, others with those that follow, with both scores."""
    _, place = np.unique(entity, return_inverse=True)
    # Every row but the surest has to belong: for two rows that is the score of either.
    least = np.zeros(len(entity))
    logs = np.log(np.maximum(np.nan_to_num(score, nan=1.0), 1e-300))
    np.minimum.at(least, place, np.where(np.isnan(score), 0.0, logs))
    surest = np.full(len(entity), -np.inf)
    np.maximum.at(surest, place, logs)
    whole = np.exp(np.bincount(place, logs, minlength=len(entity)) - np.maximum(surest, -700))
    count = int(place.max(initial=-1)) + 1
    settled = np.flatnonzero(numbers.is_valid().to_numpy(zero_copy_only=False))
    kept = numbers.fill_null(0).to_numpy()[settled]
    new = np.ones(count, np.bool_)
    new[place[settled]] = False
    number = np.cumsum(new) + max(int(kept.max(initial=0)), 0)
    number[place[settled]] = kept
    columns = [
        pa.array(np.arange(1, len(entity) + 1)),
        pa.array(number[place].astype(np.int64)),
        pa.array(score, mask=np.isnan(score)),
        pa.array(whole[place], mask=np.isnan(score)),
    ]
    return pa.table(columns, names=["position", "entity", "score", "entity_score"])


def of_shard(session: Session, where: str, rows: pa.Table, asked: Asked, total: int) -> pa.Table:
    """The answer of `entities` for one shard alone, whose entities count up from 1.

    Args:
        session: whose encoder is used.
        where: the function, for errors.
        rows: whole blocks, as for `entities`, none of them settled.
        asked: how.
        total: how many rows all shards have.
    """
    with one_thread():
        _, found, score = _whole(session, where, np.arange(len(rows)), rows, asked)
    refuse_all(where, found, rows, total)
    return _answer(found, score, numbers_of(where, rows))


def refuse_all(where: str, entity: Ints, rows: pa.Table, total: int) -> None:
    """Refuse an entity that has nearly everything in it, of so many rows in all.

    Raises:
        XbsqlError: an entity has more rows than `LARGE` and than `LARGE_SHARE` of all.
    """
    size = np.bincount(entity, minlength=1)
    if size.max(initial=0) <= max(LARGE, LARGE_SHARE * total):
        return
    some = np.flatnonzero(entity == size.argmax())[[0, -1]]
    texts = " and ".join(f"'{errors.shown(rows['text'][int(row)].as_py(), 60)}'" for row in some)
    problem = f"one entity would hold {size.max()} of {total} rows, such as {texts}"
    raise errors.invalid(where, problem, "raise the threshold, name a block, or leave many and variants out")


def _logit(probability: float) -> float:
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(p) - np.log1p(-p))
