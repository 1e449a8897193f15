"""How right a model is at labelled titles, asked for what their rows name and for all that they may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql.extraction.names import placed
from xbsql.extraction.scoring import Outcome, scored
from xbsql.extraction.sheet import Queries, open_queries
from xbsql.extraction.titles import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.extraction.titles import Titles
    from xbsql.tasks.extract.model import Extraction
    from xbsql.tasks.extract.rows import Read


def measured(model: Extraction, found: Read, by: str | None) -> list[dict[str, Any]]:
    """The scores of labelled titles."""
    names = found.names
    place = placed(names, model.finder.names)
    number = {name: at for at, name in enumerate(names)}
    titled = sorted({each.title for each in found.said})
    row = {title: at for at, title in enumerate(titled)}
    titles = model.titles(
        [found.texts[at] for at in titled], [found.kinds[at] for at in titled] if model.kind else None
    )
    truth: dict[tuple[int, int], set[str]] = {}
    for each in found.said:
        values = truth.setdefault((row[each.title], number[each.attribute]), set())
        values |= {_spelt(each.value)} if each.value else set()
    known = [(title, name) for title, name in truth if place[name] >= 0]
    asked = Queries(
        np.array([title for title, _ in known], np.int64), np.array([n for _, n in known], np.int64),
        np.ones(len(known), bool),
    )  # fmt: skip
    back = np.full(len(model.finder.names), -1)
    back[place[place >= 0]] = np.flatnonzero(place >= 0)
    free = open_queries(titles, model.finder.asks(titles))
    kept = back[free.attribute] >= 0
    free = Queries(free.title[kept], back[free.attribute[kept]], free.asked[kept])
    found_rows = []
    for suffix, queries in (("", free), ("_asked", asked)):
        outcome, attribute, title = _outcome(model, titles, queries, place, truth)
        groups: list[tuple[str | None, NDArray[np.bool_]]] = [(None, np.ones(len(attribute), bool))]
        if by == "attribute":
            groups += [(name, attribute == at) for at, name in enumerate(names)]
        elif by == "kind":
            kinds = np.array([found.kinds[at] for at in titled])[title]
            groups += [(kind, kinds == kind) for kind in sorted(set(kinds.tolist()))]
        for group, members in groups:
            rows = scored(outcome.take(members))
            found_rows += [{"group": group, **each, "metric": each["metric"] + suffix} for each in rows]
    return sorted(found_rows, key=lambda each: (each["group"] is not None, each["group"] or ""))


def _spelt(value: str) -> str:
    """A value as it is compared: entities, width, case and the number of blanks do not count."""
    return " ".join(plain(value).split())


def _outcome(
    model: Extraction,
    titles: Titles,
    queries: Queries,
    place: NDArray[np.int64],
    truth: Mapping[tuple[int, int], set[str]],
) -> tuple[Outcome, NDArray[np.int64], NDArray[np.int64]]:
    """What became of queries; values that no query asks for stand at the end as not found."""
    own = Queries(queries.title, place[queries.attribute], queries.asked)
    pairs = list(zip(queries.title.tolist(), queries.attribute.tolist(), strict=True))
    given, right = np.zeros(len(pairs), bool), np.zeros(len(pairs), bool)
    for row, value in model.values(titles, own):
        given[row] = True
        right[row] = _spelt(value) in truth.get(pairs[row], ())
    wanted = np.array([bool(truth.get(pair)) for pair in pairs], bool)
    beside = [pair for pair, values in truth.items() if values and pair not in set(pairs)]
    every = np.array([*pairs, *beside], np.int64).reshape(-1, 2)
    lost = np.zeros(len(beside), bool)
    outcome = Outcome(
        np.concatenate([wanted, ~lost]), np.concatenate([given, lost]), np.concatenate([right, lost]),
        every[:, 0],
    )  # fmt: skip
    return outcome, every[:, 1], every[:, 0]
