"""Entities over many catalogues with a session's encoder: pairs of every two markets, then what they join."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text, one_chunk, refuse_quoted, written_out
from xbsql.progress import part, tell
from xbsql.session.match import embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.linking.evidence import Evidence
    from xbsql.linking.graph import Floats, Graph, Ints
    from xbsql.matching.copies import Copies
    from xbsql.matching.pairs import Side
    from xbsql.session.session import Session

SURENESS: Final = 0.7
"""By what a row's log odds are multiplied to be as sure as they are right: chosen on other catalogues."""
MOST_MARKETS: Final = 100
LARGE, LARGE_SHARE = 100, 0.1
"""An entity of more rows than both, the share being of all rows, joins what has nothing in common."""


class Asked(NamedTuple):
    """How entities are made.

    Attributes:
        threshold: the least probability of a row, 0 to 1.
        many: whether an entity may hold several rows of a market.
        variants: whether products that differ in size, count or model number are one.
    """

    threshold: float = 0.5
    many: bool = False
    variants: bool = False


@dataclass(frozen=True)
class Judged:
    """Pairs of rows of different markets, judged by all that is known of each.

    Attributes:
        graph: the rows and pairs.
        text: float64, shape (p,): log odds by the texts alone.
        told: bool, shape (p,): whether the texts proposed the pair.
        evidence: what stands beside the texts says.
        markets: the markets' names, in the order of their numbers.
    """

    graph: Graph
    text: Floats
    told: NDArray[np.bool_]
    evidence: Evidence
    markets: tuple[str, ...]


def entities(session: Session, rows: pa.Table, asked: Asked) -> pa.Table:
    """The entity of each row.

    Args:
        session: whose encoder is used.
        rows: columns market, text, block, beside and entity, in an order that does not depend on how they
            were given: among equals the earlier row is joined first. A row whose market or block is NULL, or
            that has neither a text nor a GTIN, stands alone. `entity` is NULL where a row is to be placed.
        asked: how.

    Returns:
        position, int64 from 1, all rows; entity, int64 from 1 in the order of the rows; score, float64: the
        probability that the row belongs to it, NULL where it is alone; entity_score, float64: the probability
        that all its rows do.

    Raises:
        XbsqlError: columns that cannot be read, an entity that joins everything, settled entities that hold
            two rows of a market.
    """
    where = "xb.entities"
    check(where, asked)
    with session.calls.record("entities", "", len(rows)) as call:
        call.kernel = "topk + assignment"
        first, place = _different(rows) if asked.many else (np.arange(len(rows)),) * 2
        judged = pairs_of(session, where, rows.take(pa.array(first)), asked)
        tell(0.98, "joining")
        found, score = _joined(where, judged, rows.take(pa.array(first)), asked)
        found = first[found][place]
        _refuse_all(where, found, rows)
    tell(1.0, "joined")
    return _answer(found, score[place])


def _different(rows: pa.Table) -> tuple[Ints, Ints]:
    """The first of the rows that are equal in all that is compared, and each row's place among these."""
    places: dict[str, int] = {}
    given = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    place = np.array([places.setdefault(repr(row), len(places)) for row in given], np.int64)
    return np.unique(place, return_index=True)[1].astype(np.int64), place


def check(where: str, asked: Asked) -> None:
    """Refuse what is no probability."""
    if not 0 <= asked.threshold <= 1:
        raise errors.invalid(where, f"threshold is {asked.threshold}", "give a probability, 0 to 1")


def _joined(where: str, judged: Judged, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    from xbsql.linking.joined import joined
    from xbsql.linking.worth import Rules, belongs

    rules = Rules(_logit(asked.threshold) / SURENESS, asked.many)
    known = _settled(where, judged.graph, rows, asked.many)
    found = joined(judged.graph, rules, known)
    odds = belongs(judged.graph, rules, found)
    return found, 1 / (1 + np.exp(-SURENESS * np.clip(odds, -60, 60)))


def _answer(entity: Ints, score: Floats) -> pa.Table:
    """The entities numbered in the order of their first rows, with both scores."""
    _, place = np.unique(entity, return_inverse=True)
    # Every row but the surest has to belong: for two rows that is the score of either.
    least = np.zeros(len(entity))
    logs = np.log(np.maximum(np.nan_to_num(score, nan=1.0), 1e-300))
    np.minimum.at(least, place, np.where(np.isnan(score), 0.0, logs))
    surest = np.full(len(entity), -np.inf)
    np.maximum.at(surest, place, logs)
    whole = np.exp(np.bincount(place, logs, minlength=len(entity)) - np.maximum(surest, -700))
    columns = [
        pa.array(np.arange(1, len(entity) + 1)),
        pa.array(place + 1),
        pa.array(score, mask=np.isnan(score)),
        pa.array(whole[place], mask=np.isnan(score)),
    ]
    return pa.table(columns, names=["position", "entity", "score", "entity_score"])


def _settled(where: str, graph: Graph, rows: pa.Table, many: bool) -> Ints | None:
    """The settled entity of each row, -1 for none; None where no row has one."""
    column = one_chunk(rows["entity"])
    if column.null_count == len(column):
        return None
    names = written_out(where, "entity", column)
    codes = names.dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)
    held = np.flatnonzero((codes >= 0) & (graph.market >= 0))
    keys = codes[held] * (graph.market.max(initial=0) + 1) + graph.market[held]
    twice = np.flatnonzero(np.bincount(np.unique(keys, return_inverse=True)[1]) > 1)
    if len(twice) and not many:
        name = names[int(held[np.isin(np.unique(keys, return_inverse=True)[1], twice[:1])][0])].as_py()
        problem = f"entity '{errors.shown(name)}' holds two rows of one market"
        raise errors.invalid(where, problem, "take one out, or allow it with many := true")
    return codes


def _refuse_all(where: str, entity: Ints, rows: pa.Table) -> None:
    """Refuse an entity that has nearly everything in it.

    Raises:
        XbsqlError: an entity has more rows than `LARGE` and than `LARGE_SHARE` of all.
    """
    size = np.bincount(entity, minlength=1)
    if size.max(initial=0) <= max(LARGE, LARGE_SHARE * len(entity)):
        return
    some = np.flatnonzero(entity == size.argmax())[[0, -1]]
    texts = " and ".join(f"'{errors.shown(rows['text'][int(row)].as_py(), 60)}'" for row in some)
    problem = f"one entity would hold {size.max()} of {len(entity)} rows, such as {texts}"
    raise errors.invalid(where, problem, "raise the threshold, name a block, or leave many and variants out")


def pairs_of(session: Session, where: str, rows: pa.Table, asked: Asked) -> Judged:
    """The pairs that may be one product and what is known of them; see `entities` for the arguments.

    Raises:
        XbsqlError: columns that cannot be read, too many markets.
    """
    from xbsql.linking.evidence import weighed
    from xbsql.linking.fields import Gtins, read
    from xbsql.linking.graph import Graph
    from xbsql.linking.worth import NOT_PROPOSED
    from xbsql.matching.blank import is_blank
    from xbsql.matching.stated import Stated

    texts, (market, markets), block = _texts(where, rows), _markets(where, rows), _blocks(where, rows)
    market = np.where(block < 0, -1, market)
    fields = read(where, one_chunk(rows["beside"]), market)
    i, j, odds = _by_text(session, texts, market, block, asked.variants)
    stated = None if asked.variants else Stated.of([text or "" for text in texts])
    told = np.ones(len(i), np.bool_)
    if isinstance(shared := fields.get("gtin"), Gtins):
        a, b = shared.sharing(market)
        new = ~np.isin(a * len(rows) + b, i * len(rows) + j) & (block[a] == block[b])
        a, b = a[new], b[new]
        prior = Graph(market, i, j, odds).prior
        silent = np.array([text is None or is_blank(text) for text in texts], np.bool_)
        unlike = np.where(silent[a] | silent[b], 0.0, NOT_PROPOSED)
        i, j = np.concatenate([i, a]), np.concatenate([j, b])
        odds = np.concatenate([odds, prior[market[a], market[b]] + unlike])
        told = np.concatenate([told, np.zeros(len(a), np.bool_)])
        order = np.lexsort((j, i))
        i, j, odds, told = i[order], j[order], odds[order], told[order]
    between = market[i] * len(markets) + market[j]
    evidence = weighed(fields, i, j, between, odds, told)
    whole = Graph(market, i, j, odds + evidence.says.sum(axis=1), stated, block)
    if not asked.variants and "gtin" in evidence.names:
        packs = evidence.levels[:, evidence.names.index("gtin")] == 1
        whole = Graph(market, i, j, whole.odds, stated, block, (i * len(rows) + j)[packs])
    return Judged(whole, odds, told, evidence, markets)


def _by_text(
    session: Session, texts: Sequence[str | None], market: Ints, block: Ints, variants: bool
) -> tuple[Ints, Ints, Floats]:
    """Pairs of rows of different markets and their log odds by text, ordered."""
    from xbsql.matching.copies import Copies, expanded
    from xbsql.matching.match import describe
    from xbsql.matching.pairs import Side
    from xbsql.matching.scorer import Scorer
    from xbsql.matching.stated import Stated

    encoder, scorer, vectors = session.encoder("text"), Scorer.default(), Vectors(session)
    sides: list[tuple[Ints, Copies, Side]] = []
    count = int(market.max(initial=-1)) + 1
    with part(0.0, 0.2):
        for place in range(count):
            rows = np.flatnonzero(market == place)
            copies = Copies.of([texts[row] for row in rows], block[rows])
            stated = None if variants else Stated.of(copies.texts)
            side = Side(copies.texts, vectors(copies.texts), copies.block, stated)
            sides.append((rows, copies, side))
    heads, tails, odds = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    both = list(combinations(range(count), 2))
    for turn, (a, b) in enumerate(both):
        (left, own, one), (right, other, two) = sides[a], sides[b]
        with part(0.2 + 0.78 * turn / len(both), 0.2 + 0.78 * (turn + 1) / len(both)):
            found = describe(one, two, vectors, encoder.pieces, scorer.judges)
        which, i, j = expanded(found.pairs, own, other)
        i, j = left[own.rows[i]], right[other.rows[j]]
        heads.append(np.minimum(i, j))
        tails.append(np.maximum(i, j))
        odds.append(scorer.scored(found.table)[which])
    i, j = np.concatenate(heads), np.concatenate(tails)
    order = np.lexsort((j, i))
    return i[order], j[order], np.concatenate(odds)[order]


class Vectors:
    """Vectors of texts, each encoded once however many catalogues and words have it."""

    def __init__(self, session: Session) -> None:
        self._encoder = session.encoder("text")
        self._places: dict[str, int] = {}
        self._held = np.empty((0, self._encoder.dim), np.float32)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Float32, shape (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._places]
        if new:
            self._places.update(zip(new, range(len(self._held), len(self._held) + len(new)), strict=True))
            self._held = np.concatenate([self._held, embedded(new, self._encoder)])
        return self._held[[self._places[text] for text in texts]]


def _texts(where: str, rows: pa.Table) -> list[str | None]:
    column = one_chunk(rows["text"])
    refuse_quoted(where, "text", column)
    if not is_text(column.type) and not pa.types.is_null(column.type):
        raise errors.invalid(where, f"the text is {column.type}", "cast it to VARCHAR")
    found: list[str | None] = column.cast(pa.string()).to_pylist()
    return found


def _markets(where: str, rows: pa.Table) -> tuple[Ints, tuple[str, ...]]:
    """The market of each row, from 0 in the order of their names, -1 for NULL; and the names."""
    names = written_out(where, "market", one_chunk(rows["market"])).to_pylist()
    known = sorted({name for name in names if name is not None})
    if len(known) > MOST_MARKETS:
        some = ", ".join(errors.shown(name, 20) for name in known[:3])
        problem = f"market has {len(known)} values ({some} ...)"
        raise errors.invalid(
            where, problem, f"name the column of the catalogues, of which there may be {MOST_MARKETS}"
        )
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in names], np.int64), tuple(known)


def _blocks(where: str, rows: pa.Table) -> Ints:
    """The block of each row, -1 for NULL; all 0 where none was given."""
    column = one_chunk(rows["block"])
    if pa.types.is_null(column.type):
        return np.zeros(len(rows), np.int64)
    names = written_out(where, "block", column).to_pylist()
    places = {name: place for place, name in enumerate(sorted({n for n in names if n is not None}))}
    return np.array([places.get(name, -1) for name in names], np.int64)


def _logit(probability: float) -> float:
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(p) - np.log1p(-p))
