"""What is said of pairs of offers by their labels, and what settled entities say against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk, written_out
from xbsql.session.offers import KEYS, Asked, named, settled_of

if TYPE_CHECKING:
    from xbsql.linking.graph import Ints
    from xbsql.linking.labels import Labels

LABELLED: Final = ("lmarket", "lid", "rmarket", "rid", "match")
"""The columns of labelled pairs."""


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
                problem = f"labels name an offer that is not there: {named(*offer)}"
                raise errors.invalid(where, problem, "take that row out of labels")
        one, other = sorted((places[lmarket, lid], places[rmarket, rid]))
        if pairs.setdefault((one, other), said) != said:
            problem = f"labels contradict each other: {named(lmarket, lid)} and {named(rmarket, rid)}"
            raise errors.invalid(where, f"{problem} are one product and are not", "take one out")
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    match = np.array([pairs[key] for key in sorted(pairs)], np.bool_)
    found = Labels(ends[:, 0], ends[:, 1], match)
    if (rows_apart := found.contradiction(market, many=asked.many)) is not None:
        tied = " to ".join(named(*offers[row]) for row in rows_apart)
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


def of_rows(asked: Asked, rows: pa.Table) -> Asked:
    """The labels whose offers are among these rows."""
    if asked.labels is None:
        return asked
    there = set(zip(*(rows[name].cast(pa.string()).to_pylist() for name in KEYS), strict=True))
    ends = (asked.labels[name].cast(pa.string()).to_pylist() for name in LABELLED[:-1])
    kept = [(a, b) in there and (c, d) in there for a, b, c, d in zip(*ends, strict=True)]
    return asked._replace(labels=asked.labels.filter(pa.array(kept, pa.bool_())))


def refuse_against_settled(where: str, rows: pa.Table, labels: Labels) -> None:
    """Refuse labels that settled entities contradict.

    Raises:
        XbsqlError: labels tie rows of two settled entities, or keep apart what is in one.
    """
    from xbsql.linking.labels import Labels

    codes = settled_of(where, rows)
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
        return named(rows["market"][row].as_py(), rows["id"][row].as_py()) + of

    problem = f"labels contradict the settled entities: {told(int(one))} and {told(int(other))} {said}"
    raise errors.invalid(where, problem, "take that label out, or correct entity")
