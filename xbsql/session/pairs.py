"""Pairs of offers looked at: all with their odds, one explained, those that labels help most."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, written_out
from xbsql.session.entities import SURENESS, joined_rows
from xbsql.session.offer_labels import labels_of
from xbsql.session.offer_pairs import judged_of, text_parts
from xbsql.session.offer_shards import by_shard, sharded
from xbsql.session.offers import check, markets_of, refuse_unnamed

if TYPE_CHECKING:
    from typing import Any

    from xbsql.linking.graph import Bools, Floats, Ints
    from xbsql.linking.judged import Judged
    from xbsql.session.offers import Asked
    from xbsql.session.session import Session

BIT: Final = float(np.log(2))
PARTS: Final = {
    "meaning": ("cosine", "nearness", "carried"),
    "spelling": ("spelling",),
    "length": ("length_ratio", "words_more"),
    "words": ("words_",),
    "numbers": ("numbers",),
    "sizes and counts": ("sizes",),
    "model numbers": ("models",),
    "translated words": ("translated", "known"),
    "what like pairs teach": ("taught",),
    "all of this as first judged": ("likely",),
}
"""What of the text speaks, and how its columns (`matching.columns.PAIR_COLUMNS`) begin."""
REST: Final = "start of the scorer, rest of the text"
_ENDS: Final = [("l", pa.int64()), ("r", pa.int64()), ("score", pa.float64())]
SCORED: Final = pa.schema([*_ENDS, ("text", pa.float64()), ("beside", pa.float64()), ("joined", pa.bool_())])
REVIEWED: Final = pa.schema([*_ENDS, ("joined", pa.bool_()), ("doubt", pa.float64())])
MOST_REVIEWED: Final = 10_000


def score_pairs(session: Session, rows: pa.Table, asked: Asked) -> pa.Table:
    """Every pair of offers that may be one product.

    Args:
        session: whose encoder is used.
        rows: as for `entities.entities`.
        asked: how pairs are judged; pairs below the threshold are left out.

    Returns:
        l and r, int64 positions from 1, the most likely first; score, float64: the probability of the pair by
        itself; text, float64: what the texts say beyond the prior, in bits; beside, float64: what stands
        beside them says, in bits; joined, bool: whether both are in one entity.
    """
    where = "xb.score_pairs"
    check(where, asked)
    refuse_unnamed(where, rows)
    with session.calls.record("score_pairs", "", len(rows)):
        parts = by_shard(where, rows, asked, partial(_scored, session, where))
    found = pa.concat_tables([SCORED.empty_table(), *parts])
    return found.sort_by([("score", "descending"), ("l", "ascending"), ("r", "ascending")])


def _scored(session: Session, where: str, held: Ints, rows: pa.Table, asked: Asked) -> pa.Table:
    """The pairs of one shard, whose rows have these places."""
    judged = judged_of(session, where, rows, asked)
    entity, _ = joined_rows(where, judged, rows, asked)
    graph = judged.graph
    chance = 1 / (1 + np.exp(-graph.odds))
    kept = np.flatnonzero(chance >= asked.threshold)
    i, j = graph.i[kept], graph.j[kept]
    prior = graph.prior[graph.market[i], graph.market[j]]
    columns = {
        "l": held[i] + 1,
        "r": held[j] + 1,
        "score": chance[kept],
        "text": (judged.text[kept] - prior) / BIT,
        "beside": judged.evidence.says[kept].sum(axis=1) / BIT,
        "joined": entity[i] == entity[j],
    }
    return pa.table(columns, schema=SCORED)


def review(session: Session, rows: pa.Table, asked: Asked, n: int) -> pa.Table:
    """The pairs whose labels help most, in the order to look at them.

    A pair helps where nobody can tell (its odds near even), where the pair alone and the whole entity
    disagree, and where it is not the like of one that is asked already: each offer is in two pairs at most.

    Args:
        session: whose encoder is used.
        rows: as for `entities.entities`.
        asked: how pairs are judged.
        n: how many pairs, 1 to 10,000.

    Returns:
        l and r, int64 positions from 1; score, float64; joined, bool; doubt, float64, 0 to 1: how much its
        label would tell.

    Raises:
        XbsqlError: n is out of its bounds.
    """
    where = "xb.review"
    check(where, asked)
    refuse_unnamed(where, rows)
    if not 1 <= n <= MOST_REVIEWED:
        raise errors.invalid(where, f"n is {n}", f"give 1 to {MOST_REVIEWED}")
    with session.calls.record("review", "", len(rows)):
        parts = by_shard(where, rows, asked, partial(_doubts, session, where))
    found = pa.concat_tables([REVIEWED.empty_table(), *parts])
    i, j, doubt = (found[name].to_numpy() for name in ("l", "r", "doubt"))
    chosen = found.take(pa.array(_spread(i, j, doubt, n, len(rows) + 1)))
    most = float(doubt.max(initial=1e-12))
    return chosen.set_column(4, "doubt", pa.array(chosen["doubt"].to_numpy() / most))


def _doubts(session: Session, where: str, held: Ints, rows: pa.Table, asked: Asked) -> pa.Table:
    """The pairs of one shard that nobody has labelled, and how much a label of each would tell."""
    judged = judged_of(session, where, rows, asked)
    entity, score = joined_rows(where, judged, rows, asked)
    graph = judged.graph
    same = entity[graph.i] == entity[graph.j]
    alone = 1 / (1 + np.exp(-SURENESS * graph.odds))
    within = np.where(same, np.fmin(score[graph.i], score[graph.j]), np.minimum(alone, 0.5))
    chance = (alone + within) / 2
    doubt = 4 * chance * (1 - chance) + np.abs(alone - within)
    labelled = judged.labels.a * len(rows) + judged.labels.b
    kept = np.flatnonzero(~np.isin(graph.i * len(rows) + graph.j, labelled))
    columns = {
        "l": held[graph.i[kept]] + 1,
        "r": held[graph.j[kept]] + 1,
        "score": 1 / (1 + np.exp(-graph.odds[kept])),
        "joined": same[kept],
        "doubt": doubt[kept],
    }
    return pa.table(columns, schema=REVIEWED)


def labelled(session: Session, rows: pa.Table, asked: Asked) -> tuple[Floats, Bools]:
    """Of the pairs that have a label: the probability by itself, had nobody labelled any, and the label.

    Returns:
        float64, shape (q,), 0 for a pair that nothing proposes; bool, shape (q,).
    """
    where = "xb.review"
    labels = labels_of(where, rows, asked, markets_of(where, rows)[0])
    found = score_pairs(session, rows, asked._replace(threshold=0.0, labels=None))
    keys = (found["l"].to_numpy() - 1) * len(rows) + found["r"].to_numpy() - 1
    known = dict(zip(keys.tolist(), found["score"].to_pylist(), strict=True))
    score = [known.get(key, 0.0) for key in (labels.a * len(rows) + labels.b).tolist()]
    return np.array(score, np.float64), labels.match


def _spread(i: Ints, j: Ints, doubt: Floats, n: int, rows: int) -> Ints:
    """The most doubtful pairs, no row in more than two of them."""
    seen = np.zeros(rows, np.int64)
    chosen: list[int] = []
    for place in np.lexsort((j, i, -doubt)).tolist():
        if len(chosen) == n:
            break
        if max(seen[i[place]], seen[j[place]]) < 2:
            chosen.append(place)
            seen[[i[place], j[place]]] += 1
    return np.array(chosen, np.int64)


def explain_match(
    session: Session, rows: pa.Table, asked: Asked, left: tuple[str, str], right: tuple[str, str]
) -> list[dict[str, Any]]:
    """What speaks for and against two offers being one product, in bits.

    Args:
        session: whose encoder is used.
        rows: as for `entities.entities`.
        asked: how pairs are judged.
        left: the market and the id of one offer, as text.
        right: of the other.

    Returns:
        evidence; left and right, what both say; bits, for one product above 0; total, the bits so far. The
        first row is the prior. The last total is the log odds of the pair to the base 2; where both are in
        one entity it is that of the less sure of them.

    Raises:
        XbsqlError: there is no such offer, or both are of one market.
    """
    where = "xb.explain_match"
    check(where, asked)
    refuse_unnamed(where, rows)
    with session.calls.record("explain_match", "", len(rows)):
        both = [_place(where, rows, offer) for offer in (left, right)]
        parts = [part for part in sharded(where, rows, asked) if np.isin(both, part[0]).any()]
        if len(parts) == 1:  # else they are of different blocks, which nobody compares
            held, rows, asked = parts[0]
            both = np.searchsorted(held, both).tolist()
        own, theirs = both
        judged = judged_of(session, where, rows, asked)
        graph = judged.graph
        if graph.market[own] == graph.market[theirs]:
            problem = f"both offers are of market '{errors.shown(left[0], 40)}'"
            raise errors.invalid(where, problem, "give two of different markets")
        found = _said(session, where, rows, judged, asked, min(own, theirs), max(own, theirs))
    total = np.cumsum([row["bits"] for row in found])
    turned = {"left": "right", "right": "left"} if own > theirs else {}
    found = [{name: row[turned.get(name, name)] for name in row} for row in found]
    return [{**row, "total": float(each)} for row, each in zip(found, total, strict=True)]


def _said(
    session: Session, where: str, rows: pa.Table, judged: Judged, asked: Asked, one: int, other: int
) -> list[dict[str, Any]]:
    graph = judged.graph
    markets = graph.market[[one, other]]
    prior = float(graph.prior[markets[0], markets[1]]) if markets.min() >= 0 else 0.0
    found = [_row("prior: two offers at random", None, None, prior)]
    texts = _text_of(rows, one), _text_of(rows, other)
    place = np.flatnonzero((graph.i == one) & (graph.j == other))
    if graph.barred(np.array([one]), np.array([other]))[0]:
        found.append(_row("size, count, model number, pack, block or label contradict", *texts, -np.inf))
        return found
    if not len(place):
        from xbsql.linking.worth import NOT_PROPOSED

        return [*found, _row("neither meaning nor spelling is alike", *texts, NOT_PROPOSED)]
    at = int(place[0])
    found += _of_text(session, where, rows, judged, at, prior)
    beside = one_chunk(rows["beside"])
    for name, says in zip(judged.evidence.names, judged.evidence.says[at].tolist(), strict=True):
        own, theirs = (_shown((beside[row].as_py() or {}).get(name)) for row in (one, other))
        found.append(_row(name, own, theirs, says))
    entity, _ = joined_rows(where, judged, rows, asked)
    if entity[one] == entity[other]:
        from xbsql.linking.belonging import belonging
        from xbsql.linking.worth import Rules

        odds = belonging(graph, Rules(0.0, asked.many), entity)[[one, other]].min()
        others = int((entity == entity[one]).sum()) - 2
        more = f"{others} more offer{'s' if others != 1 else ''}"
        found.append(_row("the entity and other candidates", more, None, float(odds - graph.odds[at])))
    return found


def _of_text(
    session: Session, where: str, rows: pa.Table, judged: Judged, at: int, prior: float
) -> list[dict[str, Any]]:
    """What the texts say, part by part: the contributions of the scorer's columns (SHAP of its trees)."""
    one, other = int(judged.graph.i[at]), int(judged.graph.j[at])
    texts, whole = (_text_of(rows, one), _text_of(rows, other)), float(judged.text[at]) - prior
    parts = text_parts(session, where, rows, judged.graph.stated, one, other) if judged.told[at] else {}
    sums = dict.fromkeys(PARTS, 0.0)
    for column, says in parts.items():
        name = next((name for name, begins in PARTS.items() if column.startswith(begins)), REST)
        sums[name] = sums.get(name, 0.0) + says
    sums.pop(REST, None)
    found = [_row(name, *texts, says) for name, says in sums.items() if says]
    return [*found, _row(REST, *texts, whole - sum(sums.values()))]


def _row(evidence: str, left: str | None, right: str | None, odds: float) -> dict[str, Any]:
    return {"evidence": evidence, "left": left, "right": right, "bits": odds / BIT}


def _shown(value: object) -> str | None:
    return None if value is None else errors.shown(value, 80)


def _text_of(rows: pa.Table, row: int) -> str | None:
    found: str | None = rows["text"][row].as_py()
    return found


def _place(where: str, rows: pa.Table, offer: tuple[str, str]) -> int:
    """The row of an offer.

    Raises:
        XbsqlError: there is none.
    """
    market, id = (written_out(where, name, one_chunk(rows[name])).to_pylist() for name in ("market", "id"))
    for row, each in enumerate(zip(market, id, strict=True)):
        if each == offer:
            return row
    if offer[0] not in market:
        raise errors.unknown(where, "market", offer[0], sorted({m for m in market if m is not None}))
    near = [i for m, i in zip(market, id, strict=True) if m == offer[0] and i is not None]
    raise errors.unknown(where, f"offer of market {errors.shown(offer[0], 40)} with id", offer[1], near)
