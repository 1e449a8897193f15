"""Pairs of offers of every two markets and what is known of each, by text and beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.arrow import digest, one_chunk
from xbsql.progress import Together, part
from xbsql.session.offer_labels import labels_of
from xbsql.session.offers import Asked, blocks_of, markets_of, texts_of
from xbsql.session.paired import embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import lightgbm
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.linking.graph import Floats, Ints
    from xbsql.linking.judged import Judged
    from xbsql.matching.copies import Copies
    from xbsql.matching.match import Described
    from xbsql.matching.pairs import Side
    from xbsql.matching.stated import Stated
    from xbsql.session.session import Session

_NO_ROWS: Final = np.empty(0, np.int64)
MOST_HANDED_ON: Final = 3.0
"""Times its own contributions that the first round's part in the last is shared out, at most."""


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

    texts, (market, markets), block = texts_of(where, rows), markets_of(where, rows), blocks_of(where, rows)
    market = np.where(block < 0, -1, market)
    fields = read(where, one_chunk(rows["beside"]), market)
    shared = fields.get("gtin")
    same = shared.sharing(market) if isinstance(shared, Gtins) else (_NO_ROWS, _NO_ROWS)
    stated = None if asked.variants else Stated.of([text or "" for text in texts])
    i, j, odds = _by_text(session, texts, market, block, stated, same)
    told = np.ones(len(i), np.bool_)
    if len(same[0]):
        a, b = same
        new = ~np.isin(a * len(rows) + b, i * len(rows) + j) & (block[a] == block[b])
        a, b = a[new], b[new]
        prior = Graph(market, i, j, odds).prior
        held = np.unique(np.concatenate([a, b])).tolist()
        silent = np.zeros(len(rows), np.bool_)
        silent[held] = [text is None or is_blank(text) for text in map(texts.__getitem__, held)]
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
    whole = replace(whole, apart=apart, copy=_copies(texts, market, block))
    return Judged(whole, odds, told, evidence, labels, markets)


def _copies(texts: Sequence[str | None], market: Ints, block: Ints) -> Ints:
    """The first row of each row's market and block that has its text; a row without a text is its own."""
    first: dict[tuple[int, int, str], int] = {}
    keys = zip(market.tolist(), block.tolist(), texts, strict=True)
    found = [
        row if text is None else first.setdefault((m, b, text), row) for row, (m, b, text) in enumerate(keys)
    ]
    return np.array(found, np.int64)


class _Market(NamedTuple):
    """The rows of one market with its different texts."""

    rows: Ints
    copies: Copies
    side: Side

    def texts_of(self, rows: Ints) -> Ints:
        """The place of the text of each row, -1 for rows of other markets and without a text."""
        texts = np.full(max(int(rows.max(initial=0)), int(self.rows.max(initial=0))) + 1, -1, np.int64)
        texts[self.rows[self.copies.rows]] = np.repeat(np.arange(len(self.copies.texts)), self.copies.count)
        return texts[rows]


def _by_text(
    session: Session, texts: Sequence[str | None], market: Ints, block: Ints, stated: Stated | None,
    same: tuple[Ints, Ints],
) -> tuple[Ints, Ints, Floats]:  # fmt: skip
    """Pairs of rows of different markets and their log odds by text, ordered; `same` have one GTIN."""
    from xbsql.features.workers import spread
    from xbsql.matching.scorer import Scorer

    scorer, vectors = Scorer.default(), Vectors(session)
    with part(0.0, 0.2):
        sides = [
            _side(vectors, np.flatnonzero(market == place), texts, block, stated)
            for place in range(int(market.max(initial=-1)) + 1)
        ]
    both = list(combinations(sides, 2))

    def judged(turn: int) -> tuple[Ints, Ints, Floats]:
        with together.piece(turn):
            i, j, which, found = _compared(vectors, *both[turn], same)
            return i, j, scorer.scored(found.table, found.rivals)[which]

    with part(0.2, 0.98):
        together = Together(len(both))
        parts = [(_NO_ROWS, _NO_ROWS, np.empty(0)), *spread(judged, range(len(both)))]
    i, j, odds = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((j, i))
    return i[order], j[order], odds[order]


def _side(
    vectors: Vectors, rows: Ints, texts: Sequence[str | None], block: Ints, stated: Stated | None
) -> _Market:  # fmt: skip
    from xbsql.matching.copies import Copies
    from xbsql.matching.pairs import Side
    from xbsql.matching.tokens import Tokens

    copies = Copies.of([texts[row] for row in rows], block[rows])
    own = None if stated is None else stated.at(rows[copies.rows[copies.start]])
    parts = Tokens.split(vectors.encoder.pieces(copies.texts))
    side = Side(copies.texts, vectors(copies.texts), copies.block, own, parts)
    vectors(side.tokens.words)  # now, so that what is encoded with what does not depend on turns of threads
    return _Market(rows, copies, side)


def _compared(
    vectors: Vectors, one: _Market, two: _Market, same: tuple[Ints, Ints]
) -> tuple[Ints, Ints, Ints, Described]:  # fmt: skip
    """Pairs of rows of two markets, the lower row first, and their places in what is known of the texts."""
    from xbsql.matching.copies import expanded
    from xbsql.matching.match import describe
    from xbsql.matching.scorer import Scorer

    scorer, pieces = Scorer.default(), vectors.encoder.pieces
    a, b = same
    known = np.concatenate([_keys(one, two, a, b), _keys(one, two, b, a)])
    found = describe(one.side, two.side, vectors, pieces, scorer.judges, scorer.sieve, known)
    which, i, j = expanded(found.pairs, one.copies, two.copies)
    i, j = one.rows[one.copies.rows[i]], two.rows[two.copies.rows[j]]
    return np.minimum(i, j), np.maximum(i, j), which, found


def _keys(one: _Market, two: _Market, a: Ints, b: Ints) -> Ints:
    """Pairs of rows, those of the two markets, as keys of their texts."""
    places = [side.texts_of(rows) for side, rows in ((one, a), (two, b))]
    there = (places[0] >= 0) & (places[1] >= 0)
    return places[0][there] * len(two.side) + places[1][there]


def text_parts(
    session: Session, where: str, rows: pa.Table, stated: Stated | None, one: int, other: int
) -> dict[str, float]:
    """What each column of the texts adds to the log odds of a pair: SHAP values of the scorer's trees.

    Args:
        session: whose encoder is used.
        where: the function, for errors.
        rows: as for `entities`.
        stated: what their texts state; None where nobody looks at it.
        one: a row of the pair.
        other: the other one.

    Returns:
        Column of `matching.columns.PAIR_COLUMNS` -> log odds; none where the texts did not propose the pair.
    """
    from xbsql.matching.columns import PAIR_COLUMNS, SIMILARITIES
    from xbsql.matching.scorer import Scorer, of_few

    texts, (market, _), block = texts_of(where, rows), markets_of(where, rows), blocks_of(where, rows)
    vectors, market = Vectors(session), np.where(block < 0, -1, market)
    sides = [
        _side(vectors, np.flatnonzero(market == market[row]), texts, block, stated)
        for row in sorted((one, other), key=lambda row: market[row])
    ]
    i, j, which, found = _compared(vectors, sides[0], sides[1], (np.array([one]), np.array([other])))
    place = np.flatnonzero((i == min(one, other)) & (j == max(one, other)))
    if not len(place):
        return {}
    row, scorer = found.table[which[place[:1]]], Scorer.default()
    early = row[:, : len(SIMILARITIES)]
    said = dict(zip(PAIR_COLUMNS, _contributions(scorer.final, row), strict=True))
    # What the first round judged comes back as columns of the last: it is handed on to what that round read.
    first = _contributions(scorer.guess, early)
    again = [name for name in PAIR_COLUMNS if name.startswith("likely")]
    share = sum(said[name] for name in again) / first.sum() if first.sum() else 0.0
    if 0 < share <= MOST_HANDED_ON:
        said |= {name: said[name] + share * says for name, says in zip(SIMILARITIES, first, strict=True)}
        said |= dict.fromkeys(again, 0.0)
    few = float(of_few(found.rivals[which[place[:1]]])[0])
    alone = dict(zip(SIMILARITIES, _contributions(scorer.few, early), strict=True))
    return {name: float((1 - few) * says + few * alone.get(name, 0.0)) for name, says in said.items()}


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
