"""The products of home and abroad that are the same: how sure that is, and how their prices differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from xbsql.arrow import one_chunk
from xbsql.features.roles import as_text
from xbsql.session.match import match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.decisions.similarity import Comparison
    from xbsql.session.session import Session

MOST_HOME: Final = 600
"""Products of home that are looked at, those of most lines."""
MOST_ABROAD: Final = 100
"""The same of each market."""
MOST_MARKETS: Final = 8
"""Markets whose products are matched, those of most lines."""
SURE: Final = 0.5
"""The least probability that two are one product."""
EACH: Final = 5
"""Matches of a market that are told."""


class Twin(NamedTuple):
    """A product of a market that home has too.

    Attributes:
        market: which.
        here: its title at home.
        there: its title in the market.
        score: the probability that both are one product.
        lines: how many the market sold.
        gap: the median price there over home's in one money, less 1; None where it is not known.
    """

    market: str
    here: str
    there: str
    score: float
    lines: int
    gap: float | None


class _Sold(NamedTuple):
    """Products by title, those of most lines first; price is NaN where none is known in one money."""

    titles: list[str]
    lines: list[int]
    price: list[float]


def twins(session: Session, compared: Comparison, markets: Mapping[str, pa.Table]) -> list[Twin]:
    """The surest matches of each market with home, at most `EACH`; of equally sure ones those of most lines.

    One product of home has at most one of a market, see `xb.match`; each market is a block, and
    home's products are in all of them. Scores are compared in hundredths.
    """
    if "title" not in compared.columns:
        return []
    largest = sorted(markets, key=lambda name: (-len(markets[name]), name))[:MOST_MARKETS]
    here = _sold(compared, compared.home, MOST_HOME, priced=True)
    there = {
        name: _sold(compared, markets[name], MOST_ABROAD, priced=not compared.apart(markets[name]))
        for name in largest
        if len(markets[name])
    }
    left = _sides(dict.fromkeys(there, here))
    right = _sides(there)
    if not len(left) or not len(right):
        return []
    found: list[Twin] = []
    of_right = [(name, place) for name, sold in there.items() for place in range(len(sold.titles))]
    for row in match(session, left, right, SURE, None).to_pylist():
        if row["r"] is not None:
            name, place = of_right[row["r"] - 1]
            own = (row["l"] - 1) % len(here.titles)
            found.append(_twin(name, here, own, there[name], place, row["score"]))
    found.sort(key=lambda twin: (largest.index(twin.market), -round(twin.score, 2), -twin.lines, twin.there))
    kept = {name: [twin for twin in found if twin.market == name][:EACH] for name in there}
    return [twin for some in kept.values() for twin in some]


def _twin(market: str, here: _Sold, own: int, there: _Sold, place: int, score: float) -> Twin:
    prices = here.price[own], there.price[place]
    gap = prices[1] / prices[0] - 1 if np.isfinite(prices).all() else None
    return Twin(market, here.titles[own], there.titles[place], score, there.lines[place], gap)


def _sides(sold: Mapping[str, _Sold]) -> pa.Table:
    """Titles as a side of a match, each market a block."""
    rows = [(title, name) for name, each in sold.items() for title in each.titles]
    return pa.table(
        {
            "text": pa.array([title for title, _ in rows], pa.string()),
            "block": pa.array([name for _, name in rows], pa.string()),
            "beside": pa.nulls(len(rows)),
        }
    )


def _sold(compared: Comparison, rows: pa.Table, most: int, *, priced: bool) -> _Sold:
    """The products of a market that it sold most of; of equal ones the first by title."""
    coded = one_chunk(as_text(rows[compared.columns["title"]])).dictionary_encode()
    names, code = coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    count = np.bincount(code[code >= 0], minlength=len(names))
    kept = sorted(range(len(names)), key=lambda k: (-count[k], names[k]))[:most]
    price = _medians(compared, rows, code, kept) if priced and "price" in compared.columns else None
    return _Sold(
        [names[k] for k in kept],
        count[kept].tolist(),
        [float("nan")] * len(kept) if price is None else price,
    )


def _medians(compared: Comparison, rows: pa.Table, code: NDArray[np.int64], kept: list[int]) -> list[float]:
    """The median price above 0 of each kept product."""
    price = compared.worth(rows, "price")
    usable = np.flatnonzero((price > 0) & np.isin(code, kept))
    order = usable[np.argsort(code[usable], kind="stable")]
    codes, first = np.unique(code[order], return_index=True)
    parts = np.split(price[order], first[1:]) if len(codes) else []
    medians = {c: float(np.median(part)) for c, part in zip(codes.tolist(), parts, strict=True)}
    return [medians.get(k, float("nan")) for k in kept]
