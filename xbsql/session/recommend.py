"""Recommendations with the models of a store: who is asked about, what may be offered, what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import digest, one_chunk, validity
from xbsql.recommendation.events import as_ids, read_events
from xbsql.recommendation.histories import Histories
from xbsql.recommendation.serve import reasons, recommended
from xbsql.recommendation.shelf import Shelf
from xbsql.session.fits import key_of
from xbsql.tasks.recommend.recommender import Recommender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Names, Places
    from xbsql.recommendation.wanted import Wanted
    from xbsql.session.session import Session
    from xbsql.store.model import Model

WHERE: Final = "xb.recommend"
EVERYTHING: Final = "*"
"""The filter that lets everything through."""

MOST: Final = 10_000
"""Items that one user can be recommended."""


@dataclass(frozen=True)
class Asked:
    """What is asked about n users.

    Attributes:
        users: ids of any type, (n,); NULL is nobody known.
        histories: lists of items that stand in the place of what the model knows, (n,); None: none is given.
        candidates: lists of items among which the answer must be, (n,); None: none is given.
        filter: items that may be recommended; '*' for all, None for none.
        wanted: how many, and how.
    """

    users: pa.Array
    histories: pa.Array | None
    candidates: pa.Array | None
    filter: pa.Array | str | None
    wanted: Wanted


def recommend(session: Session, reference: str, asked: Asked) -> pa.Table:
    """The best items for each user: place (from 1), item, score, rank, because; one row an item.

    Raises:
        XbsqlError: no such model, one of another task, k or diversity out of range, a list that is none.
    """
    wanted = asked.wanted
    if not 1 <= wanted.k <= MOST:
        raise errors.invalid(WHERE, f"k is {wanted.k}", f"give 1 to {MOST} items")
    if not 0 <= wanted.diversity < 1:
        raise errors.invalid(WHERE, f"diversity is {wanted.diversity}", "give 0 to below 1, such as 0.3")
    model = recommender(session, WHERE, reference)
    with session.calls.record("recommend", reference, len(asked.users)) as call:
        call.kernel = "blend"
        return _answered(model, asked)


def recommended_lists(session: Session, reference: str, asked: Asked) -> pa.Array:
    """The same as one list a user: LIST(STRUCT(item, score, rank, because)), empty where there is none."""
    found = recommend(session, reference, asked)
    place = found["place"].to_numpy()
    start = np.searchsorted(place, np.arange(1, len(asked.users) + 2))
    rows = one_chunk(found.drop_columns(["place"]).to_struct_array())
    return pa.ListArray.from_arrays(pa.array(start, pa.int32()), rows)


def recommender(session: Session, where: str, reference: str) -> Recommender:
    """A model of the task 'recommend'.

    Raises:
        XbsqlError: no such model, or one of another task.
    """
    model = session.model(where, reference)
    if not isinstance(model, Recommender):
        problem = f"'{reference}' was fitted for {model.signature.task}"
        raise errors.invalid(where, problem, "name a model of the task 'recommend'")
    return model


def _answered(model: Recommender, asked: Asked) -> pa.Table:
    users = as_ids(WHERE, "user", asked.users)
    past = _lists(WHERE, "history", asked.histories)
    among = _lists(WHERE, "candidates", asked.candidates)
    there = validity(users) | (np.zeros(len(users), bool) if past is None else validity(past))
    rows = np.flatnonzero(there)
    users, past, among = (None if a is None else a.take(pa.array(rows)) for a in (users, past, among))
    histories = _histories(model, users, past)
    allowed = _allowed(asked.filter)
    for name, listed in (("history", past), ("candidates", among)):
        if listed is not None:
            _spelt(WHERE, f"{name} item", listed.flatten(), model)
    if allowed is not None:
        _spelt(WHERE, "filter item", allowed, model)
    shelf, lists = _offered(model, allowed, among)
    found = recommended(shelf, model.blend, histories, asked.wanted, lists)
    why = reasons(shelf, histories, found.item)
    answers = Answers(shelf.placed(found.item), found.score, why, asked.wanted.k)
    return _table(model, rows, answers, _unknown(model, allowed, among, len(rows)))


class Answers(NamedTuple):
    """What n users are recommended.

    Attributes:
        item: int64 (n, c), places in the model's list; -1 where there are fewer.
        score: float64 (n, c).
        why: int64 (n, c), the item of the user's own that each is nearest to; -1 for none.
        k: how many were asked for.
    """

    item: Places
    score: NDArray[np.float64]
    why: Places
    k: int


def _histories(model: Recommender, users: pa.Array, past: pa.Array | None) -> Histories:
    """What each user has: as given, or else as the model knows."""
    place = model.known(users)
    if model.key is None:
        _misspelt(WHERE, "user", users, place, model.users)
    known = model.histories.take(place)
    if past is None or not validity(past).any():
        return known
    given, start = model.placed(past.flatten()), _offsets(past)
    own = [
        np.unique(part[part >= 0]) if there else known.item[known.start[at] : known.start[at + 1]]
        for at, (part, there) in enumerate(
            zip(np.split(given, start[1:-1]), validity(past).tolist(), strict=True)
        )
    ]
    return Histories.listed(own)


def _misspelt(where: str, what: str, names: pa.Array, place: Places, known: Names) -> None:
    """Refuse ids of which most would be known were they spelt as in the events.

    Raises:
        XbsqlError: they would.
    """
    unknown = names.filter(pa.array((place < 0) & validity(names)))
    if not len(known) or 2 * len(unknown) <= len(names):
        return
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(known, pa.string())))
    alike = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(unknown)), value_set=folded)
    if 2 * pc.sum(alike).as_py() > len(unknown):
        one = unknown.filter(alike)[0].as_py()
        at = pc.index(folded, one.strip().lower()).as_py()
        problem = f"{what} '{errors.shown(one, 60)}' is not known, and '{errors.shown(known[at], 60)}' is"
        raise errors.invalid(where, problem, "write ids as in the events: case and spaces count")


def _spelt(where: str, what: str, items: pa.Array, model: Recommender) -> None:
    """Refuse items of which most would be known were they spelt as in the events.

    Raises:
        XbsqlError: they would.
    """
    _misspelt(where, what, items, model.placed(items), model.items)


def _offered(
    model: Recommender, allowed: pa.Array | None, among: pa.Array | None
) -> tuple[Shelf, Places | None]:
    """What can be recommended at all, and what of it to each user."""
    if among is None:
        if allowed is None:
            return model.shelf, None
        place = np.unique(model.placed(allowed))
        return Shelf(model.markets, place[place >= 0]), None
    listed = model.placed(among.flatten())
    if allowed is not None:
        listed = np.where(np.isin(listed, model.placed(allowed)), listed, -1)
    items = np.unique(listed[listed >= 0])
    shelf, start = Shelf(model.markets, items), _offsets(among)
    first = np.argsort(np.argsort(-shelf.popular, kind="stable"), kind="stable")
    rows = [part[part >= 0] for part in np.split(listed, start[1:-1])]
    lists = np.full((len(rows), max(map(len, rows), default=0)), -1)
    for at, part in enumerate(rows):
        own = np.searchsorted(items, np.unique(part))
        lists[at, : len(own)] = own[np.argsort(first[own])]
    return shelf, lists


def _unknown(
    model: Recommender, allowed: pa.Array | None, among: pa.Array | None, users: int
) -> Sequence[Sequence[str]]:
    """Items that each user may be recommended and of which nothing is known, by name."""
    stated = allowed if among is None else among.flatten()
    if stated is None:
        return [()] * users
    new = set(stated.filter(pa.array(model.placed(stated) < 0)).to_pylist()) - {None}
    if among is None or not new:
        return [sorted(new)] * users
    new = new if allowed is None else new & set(allowed.to_pylist())
    return [sorted(new.intersection(row or ())) for row in among.to_pylist()]


def _table(
    model: Recommender, rows: Places, found: Answers, unknown: Sequence[Sequence[str]]
) -> pa.Table:  # fmt: skip
    """One row an item; what nothing is known of comes last, where fewer than k are known."""
    user, rank = np.nonzero(found.item >= 0)
    item, why = found.item[user, rank], found.why[user, rank]
    columns = {
        "place": rows[user] + 1, "item": model.names(item), "score": found.score[user, rank],
        "rank": rank + 1, "because": _said(model, item, why),
    }  # fmt: skip
    table = pa.table(columns, SCHEMA)
    count = np.bincount(user, minlength=len(rows))
    new = [
        {"place": row + 1, "item": name, "score": 0.0, "rank": had + at + 1}
        for row, had, names in zip(rows.tolist(), count.tolist(), unknown, strict=True)
        for at, name in enumerate(names[: max(found.k - had, 0)])
    ]
    if not new:
        return table
    both = pa.concat_tables([table, pa.Table.from_pylist(new, SCHEMA)])
    return both.sort_by([("place", "ascending"), ("rank", "ascending")])


SCHEMA: Final = pa.schema(
    [
        ("place", pa.int64()), ("item", pa.string()), ("score", pa.float64()), ("rank", pa.int32()),
        ("because", pa.string()),
    ]
)  # fmt: skip


def _said(model: Recommender, item: Places, why: Places) -> pa.Array:
    """Why an item is recommended, in words."""
    where = np.where(model.markets.own.buyers[item] > 0, model.market or "this market", "other markets")
    said = pc.binary_join_element_wise("popular in", pa.array(where, pa.string()), " ")
    said = pc.if_else(pa.array(model.markets.had[item]), said, "new")
    bought = pc.binary_join_element_wise("bought", model.names(np.maximum(why, 0)), " ")
    return pc.if_else(pa.array(why >= 0), bought, said)


def _allowed(filter: pa.Array | str | None) -> pa.Array | None:
    """The items of a filter as text; None for no filter."""
    if filter is None:
        return pa.array([], pa.string())
    if isinstance(filter, str):
        if filter == EVERYTHING:
            return None
        raise errors.invalid(
            WHERE, f"filter is '{errors.shown(filter)}'", "give a list of items, or leave it out"
        )
    return as_ids(WHERE, "filter", filter)


def _lists(where: str, name: str, column: pa.Array | None) -> pa.Array | None:
    """Lists of ids as text.

    Raises:
        XbsqlError: they are no lists.
    """
    if column is None or column.null_count == len(column):
        return None
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        raise errors.invalid(where, f"{name} is {column.type}", "give a list of items: list(item)")
    column = one_chunk(column)
    ids = as_ids(where, name, column.flatten())
    return pa.ListArray.from_arrays(pa.array(_offsets(column).astype(np.int32)), ids, mask=column.is_null())


def _offsets(lists: pa.Array) -> Places:
    """Where each list begins among all values, and the end; int64 (n + 1,)."""
    length = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


def similar_items(
    session: Session, reference: str, items: pa.Array, k: int, filter: pa.Array | str | None
) -> pa.Table:
    """The items most often had together with each: place (from 1), similar, score, rank; one row an item.

    Raises:
        XbsqlError: no such model, one of another task, k out of range.
    """
    where = "xb.similar_items"
    if not 1 <= k <= MOST:
        raise errors.invalid(where, f"k is {k}", f"give 1 to {MOST} items")
    model = recommender(session, where, reference)
    with session.calls.record("similar_items", reference, len(items)) as call:
        call.kernel = "cooccurrence"
        asked, allowed = as_ids(where, "item", items), _allowed(filter)
        _spelt(where, "item", asked, model)
        if allowed is not None:
            _spelt(where, "filter item", allowed, model)
        place = model.placed(asked)
        rows = np.flatnonzero(place >= 0)
        shelf, _ = _offered(model, allowed, None)
        similar = shelf.nearest(place[rows], k)
        item, rank = np.nonzero(similar.item >= 0)
        columns = {
            "place": rows[item] + 1, "similar": model.names(shelf.items[similar.item[item, rank]]),
            "score": similar.score[item, rank], "rank": rank + 1,
        }  # fmt: skip
        return pa.table(columns, SIMILAR)


SIMILAR: Final = pa.schema(
    [("place", pa.int64()), ("similar", pa.string()), ("score", pa.float64()), ("rank", pa.int32())]
)


def add_events(session: Session, reference: str, data: pa.Table) -> list[dict[str, Any]]:
    """Store a version that knows further events; the same events again change nothing.

    Raises:
        XbsqlError: no such model, one of another task or without histories, a column that cannot be read.
    """
    where = "xb.add_events"
    name, version = session.store.resolve(where, reference)
    model, card = recommender(session, where, reference), session.store.artifact(where, reference).card
    if "@" in reference and version != session.store.resolve(where, name)[1]:
        problem = f"'{name}@{version}' is not the promoted version"
        raise errors.invalid(where, problem, f"name '{name}', or call xb.promote('{name}', {version}) first")
    content, done = digest(data), card.get("updates", [])
    events = read_events(where, data, model.columns, returns=True)

    def run() -> tuple[Model, dict[str, Any]]:
        kept = {key: card[key] for key in ("market", "base", "verdict", "weights", "report") if key in card}
        return model.updated(where, events), {**kept, "updates": [*done, content], "parent": version}

    new = pa.array(events.users, pa.string()), pa.array(events.items, pa.string())
    if model.key is None:
        _misspelt(where, "user", new[0], model.known(new[0]), model.users)
    _misspelt(where, "item", new[1], model.placed(new[1]), model.items)
    seconds = 0.0
    if content not in done:
        key = key_of(where, [card["key"], content])
        found, seconds = session.fits.once(where, name, key, card["rows"] + len(data), card["label"], run)
        version = found.version
        model = recommender(session, where, f"{name}@{version}")
    note = "these events are in it already" if content in done else "; ".join(events.notes)
    return [
        {
            "model": name, "version": version, "events": len(data), "users": len(model.users),
            "items": len(model.items), "seconds": seconds, "note": note or None,
        }
    ]  # fmt: skip
