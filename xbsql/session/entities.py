"""Entities over many catalogues with a session's encoder: pairs of every two markets, then what they join."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import digest, is_text, one_chunk, refuse_quoted, written_out
from xbsql.progress import part, tell
from xbsql.session.match import embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import lightgbm
    from numpy.typing import NDArray

    from xbsql.linking.graph import Floats, Graph, Ints
    from xbsql.linking.judged import Judged
    from xbsql.linking.labels import Labels
    from xbsql.matching.copies import Copies
    from xbsql.matching.pairs import Side
    from xbsql.session.session import Session

SURENESS: Final = 0.7
"""By what a row's log odds are multiplied to be as sure as they are right: chosen on other catalogues."""
MOST_MARKETS: Final = 100
SHARD: Final = 12_000
"""Rows of whole blocks that are compared at a time, at least; one block may have more."""
KEYS: Final = ("market", "id")
LABELLED: Final = ("lmarket", "lid", "rmarket", "rid", "match")
"""The columns of labelled pairs."""
MOST_HANDED_ON: Final = 3.0
"""Times its own contributions that the first round's part in the last is shared out, at most."""
LARGE, LARGE_SHARE = 100, 0.1
"""An entity of more rows than both, the share being of all rows, joins what has nothing in common."""


LARGEST: Final = 2**62
"""The number of a settled entity, at most."""


class Asked(NamedTuple):
    """How pairs are judged and entities are made.

    Attributes:
        threshold: the least probability of a row, 0 to 1.
        many: whether an entity may hold several rows of a market.
        variants: whether products that differ in size, count or model number are one.
        labels: columns lmarket, lid, rmarket, rid and match, a row a pair that somebody has labelled.
    """

    threshold: float = 0.5
    many: bool = False
    variants: bool = False
    labels: pa.Table | None = None


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
        _refuse_all(where, found, rows)
    tell(1.0, "joined")
    return _answer(found, score, _numbers(where, rows))


def sharded(where: str, rows: pa.Table, asked: Asked) -> list[tuple[Ints, pa.Table, Asked]]:
    """Whole blocks at a time, so that memory is bounded: their places, the rows and what is asked of them."""
    from xbsql.linking.shards import shards

    # Labels of other shards are left out below.
    _refuse_against_settled(where, rows, labels_of(where, rows, asked, _markets(where, rows)[0]))
    parts = shards(_blocks(where, rows), SHARD)
    if len(parts) == 1:
        return [(parts[0], rows, asked)]
    owned = ((held, rows.take(pa.array(held))) for held in parts)
    return [(held, own, _of(asked, own)) for held, own in owned]


def _by_shard(session: Session, where: str, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    """The entity of each row and its probability."""
    parts = sharded(where, rows, asked)
    found, score = np.arange(len(rows)), np.full(len(rows), np.nan)
    for turn, (held, own, of_it) in enumerate(parts):
        with part(turn / len(parts), (turn + 1) / len(parts)):
            entity, score[held] = _whole(session, where, own, of_it)
        found[held] = held[entity]
    return _kept_together(where, rows, found), score


def _kept_together(where: str, rows: pa.Table, found: Ints) -> Ints:
    """The entities, settled ones whole also where their rows are of different shards."""
    codes = _codes(where, rows)
    held = np.flatnonzero(codes >= 0)
    lowest = np.full(len(rows) + 1, len(rows), np.int64)
    np.minimum.at(lowest, codes[held], found[held])
    new = np.arange(len(rows))
    new[found[held]] = lowest[codes[held]]
    return new[found]


def _of(asked: Asked, rows: pa.Table) -> Asked:
    """The labels whose offers are among these rows."""
    if asked.labels is None:
        return asked
    there = set(zip(*(rows[name].cast(pa.string()).to_pylist() for name in KEYS), strict=True))
    ends = (asked.labels[name].cast(pa.string()).to_pylist() for name in LABELLED[:-1])
    kept = [(a, b) in there and (c, d) in there for a, b, c, d in zip(*ends, strict=True)]
    return asked._replace(labels=asked.labels.filter(pa.array(kept, pa.bool_())))


def _whole(session: Session, where: str, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    """The entity of each row of one shard and its probability."""
    alike = asked.many and asked.labels is None  # labels name rows, of which each is one then
    first, place = _different(rows) if alike else (np.arange(len(rows)),) * 2
    different = rows.take(pa.array(first))
    judged = judged_of(session, where, different, asked)
    tell(0.98, "joining")
    found, score = joined_rows(where, judged, different, asked)
    return first[found][place], score[place]


def _different(rows: pa.Table) -> tuple[Ints, Ints]:
    """The first of the rows that are equal in all that is compared, and each row's place among these."""
    places: dict[str, int] = {}
    given = zip(*(column.to_pylist() for column in rows.drop_columns("id").columns), strict=True)
    place = np.array([places.setdefault(repr(row), len(places)) for row in given], np.int64)
    return np.unique(place, return_index=True)[1].astype(np.int64), place


def check(where: str, asked: Asked) -> None:
    """Refuse what is no probability."""
    if not 0 <= asked.threshold <= 1:
        raise errors.invalid(where, f"threshold is {asked.threshold}", "give a probability, 0 to 1")


def refuse_unnamed(where: str, rows: pa.Table) -> None:
    """Refuse offers that market and id do not tell apart.

    Raises:
        XbsqlError: an offer has no id, or two of a market have the same.
    """
    seen = set()
    keys = (written_out(where, name, one_chunk(rows[name])).to_pylist() for name in KEYS)
    for market, id in zip(*keys, strict=True):
        if market is None:
            continue
        if id is None:
            problem = f"an offer of market '{errors.shown(market, 40)}' has no id (NULL)"
            raise errors.invalid(where, problem, "give every offer an id of its own")
        if (market, id) in seen:
            problem = f"market '{errors.shown(market, 40)}' has two offers of id '{errors.shown(id, 40)}'"
            raise errors.invalid(where, problem, "leave one out, or give each an id of its own")
        seen.add((market, id))


def _refuse_against_settled(where: str, rows: pa.Table, labels: Labels) -> None:
    """Refuse labels that settled entities contradict.

    Raises:
        XbsqlError: labels tie rows of two settled entities, or keep apart what is in one.
    """
    from xbsql.linking.labels import Labels

    codes = _codes(where, rows)
    held = np.flatnonzero(codes >= 0)
    if not len(held) or not len(labels.a):
        return
    first = held[np.unique(codes[held], return_index=True)[1]]
    same = Labels(first[codes[held]], held, np.ones(len(held), np.bool_))
    tied, both = labels.tied(len(rows)), labels.with_ties(same).tied(len(rows))
    order = held[np.lexsort((held, codes[held], tied[held]))]
    across = np.flatnonzero((tied[order][1:] == tied[order][:-1]) & (np.diff(codes[order]) != 0))
    apart = np.flatnonzero(~labels.match & (both[labels.a] == both[labels.b]))
    if len(across):
        one, other, said = order[across[0]], order[across[0] + 1], "are labelled as one product"
    elif len(apart):
        one, other, said = labels.a[apart[0]], labels.b[apart[0]], "are labelled as two products"
    else:
        return

    def told(row: int) -> str:
        entity = rows["entity"][row].as_py()
        of = "" if entity is None else f" of entity '{errors.shown(entity, 40)}'"
        return _named(rows["market"][row].as_py(), rows["id"][row].as_py()) + of

    problem = f"labels contradict the settled entities: {told(int(one))} and {told(int(other))} {said}"
    raise errors.invalid(where, problem, "take that label out, or correct entity")


def joined_rows(where: str, judged: Judged, rows: pa.Table, asked: Asked) -> tuple[Ints, Floats]:
    """The entity of each row, as its lowest row, and the probability that the row belongs to it.

    Raises:
        XbsqlError: a settled entity holds two rows of a market.
    """
    from xbsql.linking.joined import joined
    from xbsql.linking.worth import Rules, belongs

    rules = Rules(_logit(asked.threshold) / SURENESS, asked.many)
    known = _settled(where, judged.graph, rows, asked.many)
    tied = judged.labels.tied(len(rows)) if len(judged.labels.a) else None
    found = joined(judged.graph, rules, known, tied)
    odds = belongs(judged.graph, rules, found)
    return found, 1 / (1 + np.exp(-SURENESS * np.clip(odds, -60, 60)))


def _numbers(where: str, rows: pa.Table) -> pa.Array:
    """The numbers of settled entities, int64; NULL for rows without one, and where they are names.

    Raises:
        XbsqlError: a number is too large for others to follow.
    """
    given = one_chunk(rows["entity"])
    if not (pa.types.is_integer(given.type) or pa.types.is_floating(given.type)):
        return pa.nulls(len(rows), pa.int64())
    try:
        found = given.cast(pa.int64())
    except pa.ArrowInvalid:
        return pa.nulls(len(rows), pa.int64())  # halves, say, which name entities and number none
    most = max(found.drop_null().to_pylist(), default=0)
    if most > LARGEST:
        raise errors.invalid(where, f"an entity is {most}", f"give numbers of at most {LARGEST}")
    return found


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


def _settled(where: str, graph: Graph, rows: pa.Table, many: bool) -> Ints | None:
    """The settled entity of each row, -1 for none; None where no row has one."""
    codes = _codes(where, rows)
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


def _codes(where: str, rows: pa.Table) -> Ints:
    """The settled entities as numbers, -1 for NULL."""
    names = written_out(where, "entity", one_chunk(rows["entity"]))
    return np.asarray(names.dictionary_encode().indices.fill_null(-1).to_numpy(), np.int64)


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


def judged_of(session: Session, where: str, rows: pa.Table, asked: Asked) -> Judged:
    """What `pairs_of` finds, remembered for the next question about the same rows."""
    labels = "" if asked.labels is None else digest(asked.labels)
    key = f"{digest(rows)} {labels} {asked.many} {asked.variants}"
    found = session.judged.get(key)
    if found is None:
        found = pairs_of(session, where, rows, asked)
        session.judged.put(key, found)
    return found


def pairs_of(session: Session, where: str, rows: pa.Table, asked: Asked) -> Judged:
    """The pairs that may be one product and what is known of them; see `entities` for the arguments.

    Raises:
        XbsqlError: columns that cannot be read, too many markets.
    """
    from xbsql.linking.evidence import weighed
    from xbsql.linking.fields import Gtins, read
    from xbsql.linking.graph import SUREST, Graph
    from xbsql.linking.judged import Judged
    from xbsql.linking.worth import NOT_PROPOSED
    from xbsql.matching.blank import is_blank
    from xbsql.matching.stated import Stated

    texts, (market, markets), block = _texts(where, rows), _markets(where, rows), _blocks(where, rows)
    market = np.where(block < 0, -1, market)
    fields = read(where, one_chunk(rows["beside"]), market)
    i, j, odds = _by_text(session, texts, market, block, asked.variants)
    stated = None if asked.variants else Stated.of([text or "" for text in texts])
    told = np.ones(len(i), np.bool_)
    shared = fields.get("gtin")
    if isinstance(shared, Gtins):
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
    labels = labels_of(where, rows, asked, market)
    odds = labels.told(i, j, odds, SUREST)
    between = market[i] * len(markets) + market[j]
    evidence = weighed(fields, i, j, between, odds, told)
    whole = Graph(market, i, j, odds + evidence.says.sum(axis=1), stated, block)
    apart = (labels.a * len(rows) + labels.b)[~labels.match]
    if not asked.variants and "gtin" in evidence.names:
        packs = evidence.levels[:, evidence.names.index("gtin")] == 1
        apart = np.concatenate([apart, (i * len(rows) + j)[packs]])
    return Judged(replace(whole, apart=apart), odds, told, evidence, labels, markets)


def labels_of(where: str, rows: pa.Table, asked: Asked, market: Ints) -> Labels:
    """The labels as pairs of rows.

    Raises:
        XbsqlError: a column is missing, an offer is not there, labels contradict each other.
    """
    from xbsql.linking.labels import Labels

    if asked.labels is None:
        return Labels.none()
    keys = [written_out(where, name, one_chunk(rows[name])).to_pylist() for name in KEYS]
    offers = list(zip(*keys, strict=True))
    places = dict(zip(reversed(offers), reversed(range(len(offers))), strict=True))
    pairs: dict[tuple[int, int], bool] = {}
    for lmarket, lid, rmarket, rid, said in _label_rows(where, asked.labels):
        for offer in ((lmarket, lid), (rmarket, rid)):
            if offer not in places:
                problem = f"labels name an offer that is not there: {_named(*offer)}"
                raise errors.invalid(where, problem, "take that row out of labels")
        one, other = sorted((places[lmarket, lid], places[rmarket, rid]))
        if pairs.setdefault((one, other), said) != said:
            problem = f"labels contradict each other: {_named(lmarket, lid)} and {_named(rmarket, rid)}"
            raise errors.invalid(where, f"{problem} are one product and are not", "take one out")
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    match = np.array([pairs[key] for key in sorted(pairs)], np.bool_)
    found = Labels(ends[:, 0], ends[:, 1], match)
    if (rows_apart := found.contradiction(market, many=asked.many)) is not None:
        tied = " to ".join(_named(*offers[row]) for row in rows_apart)
        problem = f"labels contradict each other: they tie {tied}"
        remedy = "which are labelled as two products, or are of one market: see which label is wrong"
        raise errors.invalid(where, problem, remedy)
    return found


def _label_rows(where: str, labels: pa.Table) -> list[tuple[Any, ...]]:
    for name in LABELLED:
        if name not in labels.column_names:
            raise errors.unknown(where, "column", name, labels.column_names, place="labels has")
    match = one_chunk(labels["match"])
    if not pa.types.is_boolean(match.type) and not pa.types.is_null(match.type):
        raise errors.invalid(where, f"match in labels is {match.type}", "give true, false or NULL")
    texts = [written_out(where, name, one_chunk(labels[name])).to_pylist() for name in LABELLED[:-1]]
    return [row for row in zip(*texts, match.to_pylist(), strict=True) if row[-1] is not None]


def _named(market: object, id: object) -> str:
    return f"{errors.shown(market, 40)} {errors.shown(id, 40)}"


class _Market(NamedTuple):
    """The rows of one market with its different texts."""

    rows: Ints
    copies: Copies
    side: Side


def _by_text(
    session: Session, texts: Sequence[str | None], market: Ints, block: Ints, variants: bool
) -> tuple[Ints, Ints, Floats]:
    """Pairs of rows of different markets and their log odds by text, ordered."""
    from xbsql.matching.scorer import Scorer

    scorer, vectors = Scorer.default(), Vectors(session)
    heads, tails, odds = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    with part(0.0, 0.2):
        sides = [
            _side(vectors, np.flatnonzero(market == place), texts, block, variants)
            for place in range(int(market.max(initial=-1)) + 1)
        ]
    both = list(combinations(sides, 2))
    for turn, (one, two) in enumerate(both):
        with part(0.2 + 0.78 * turn / len(both), 0.2 + 0.78 * (turn + 1) / len(both)):
            i, j, which, table = _compared(vectors, one, two)
        heads.append(i)
        tails.append(j)
        odds.append(scorer.scored(table)[which])
    i, j = np.concatenate(heads), np.concatenate(tails)
    order = np.lexsort((j, i))
    return i[order], j[order], np.concatenate(odds)[order]


def _side(
    vectors: Vectors, rows: Ints, texts: Sequence[str | None], block: Ints, variants: bool
) -> _Market:  # fmt: skip
    from xbsql.matching.copies import Copies
    from xbsql.matching.pairs import Side
    from xbsql.matching.stated import Stated

    copies = Copies.of([texts[row] for row in rows], block[rows])
    stated = None if variants else Stated.of(copies.texts)
    return _Market(rows, copies, Side(copies.texts, vectors(copies.texts), copies.block, stated))


def _compared(vectors: Vectors, one: _Market, two: _Market) -> tuple[Ints, Ints, Ints, Floats]:
    """Pairs of rows of two markets, the lower row first, the place of each in the table, and the table."""
    from xbsql.matching.copies import expanded
    from xbsql.matching.match import describe
    from xbsql.matching.scorer import Scorer

    found = describe(one.side, two.side, vectors, vectors.encoder.pieces, Scorer.default().judges)
    which, i, j = expanded(found.pairs, one.copies, two.copies)
    i, j = one.rows[one.copies.rows[i]], two.rows[two.copies.rows[j]]
    return np.minimum(i, j), np.maximum(i, j), which, found.table


def text_parts(
    session: Session, where: str, rows: pa.Table, asked: Asked, one: int, other: int
) -> dict[str, float]:
    """What each column of the texts adds to the log odds of a pair: SHAP values of the scorer's trees.

    Returns:
        Column of `matching.columns.PAIR_COLUMNS` -> log odds; none where the texts did not propose the pair.
    """
    from xbsql.matching.columns import PAIR_COLUMNS, SIMILARITIES
    from xbsql.matching.scorer import Scorer

    texts, (market, _), block = _texts(where, rows), _markets(where, rows), _blocks(where, rows)
    vectors, market = Vectors(session), np.where(block < 0, -1, market)
    sides = [
        _side(vectors, np.flatnonzero(market == market[row]), texts, block, asked.variants)
        for row in sorted((one, other), key=lambda row: market[row])
    ]
    i, j, which, table = _compared(vectors, *sides)
    place = np.flatnonzero((i == min(one, other)) & (j == max(one, other)))
    if not len(place):
        return {}
    row, scorer = table[which[place[:1]]], Scorer.default()
    said = dict(zip(PAIR_COLUMNS, _contributions(scorer.final, row), strict=True))
    # What the first round judged comes back as columns of the last: it is handed on to what that round read.
    first = _contributions(scorer.guess, row[:, : len(SIMILARITIES)])
    again = [name for name in PAIR_COLUMNS if name.startswith("likely")]
    share = sum(said[name] for name in again) / first.sum() if first.sum() else 0.0
    if 0 < share <= MOST_HANDED_ON:
        said |= {name: said[name] + share * says for name, says in zip(SIMILARITIES, first, strict=True)}
        said |= dict.fromkeys(again, 0.0)
    return {name: float(says) for name, says in said.items()}


def _contributions(trees: lightgbm.Booster, row: Floats) -> Floats:
    """SHAP values of one row, float64, shape (columns,)."""
    return np.asarray(trees.predict(row, pred_contrib=True, num_threads=1), np.float64)[0, :-1]


class Vectors:
    """Vectors of texts, each encoded once however many catalogues and words have it."""

    def __init__(self, session: Session) -> None:
        self.encoder = session.encoder("text")
        self._places: dict[str, int] = {}
        self._held = np.empty((0, self.encoder.dim), np.float32)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Float32, shape (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._places]
        if new:
            self._places.update(zip(new, range(len(self._held), len(self._held) + len(new)), strict=True))
            self._held = np.concatenate([self._held, embedded(new, self.encoder)])
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
