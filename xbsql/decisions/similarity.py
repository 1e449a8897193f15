"""Candidate markets beside the home market: catalogue, prices, customers, season and country facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk, validity
from xbsql.decisions.columns import markets_in, named, numbers
from xbsql.decisions.facts import country_facts, table_facts
from xbsql.decisions.likeness import (
    Likeness,
    known,
    kolmogorov,
    likeness,
    mean_of,
    of_shares,
    total_variation,
)
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text, kind_of
from xbsql.kernels import topk
from xbsql.market import codes
from xbsql.market import market as country

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.harmonise.money import Rates

    Floats: TypeAlias = NDArray[np.float64]
    Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

T = TypeVar("T")

MOST_TITLES = 500
MOST_HOME_TITLES = 5000
FEWEST_ROWS = 5
MONTHS = 12


class Measure(NamedTuple):
    """One measure of a market: how alike, None where it could not be compared, and what it rests on."""

    aspect: str
    name: str
    found: Likeness | None
    evidence: str


@dataclass(frozen=True)
class Comparison:
    """What markets are compared by.

    Attributes:
        columns: the column of each meaning, see `columns.MEANINGS`.
        home: the home rows.
        rates: for prices in several currencies; None where none are given.
        encode: texts -> unit vectors.
        home_market: home's name; None: not known.
        where: the function, for errors.
    """

    columns: Mapping[str, str]
    home: pa.Table
    rates: Rates | None
    encode: Encode
    home_market: str | None = None
    where: str = "xb.market_similarity"
    _kept: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def _once(self, rows: pa.Table, what: tuple[str, ...], work: Callable[[], T]) -> T:
        """What is made of some rows; of home's it is made once, however many markets are compared."""
        if rows is not self.home:
            return work()
        if what not in self._kept:
            self._kept[what] = work()
        found: T = self._kept[what]
        return found

    def measures(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        """Every measure that both sides have the columns and values for."""
        has = self.columns.keys()
        if "category" in has:
            yield from self._category(rows, rng)
        if "title" in has:
            yield from self._titles(rows, rng)
        if "price" in has:
            yield from self._prices(rows, rng)
        if {"customer", "ts"} <= has:
            yield from self._customers(rows, rng)
        if "ts" in has:
            yield from self._season(rows, rng)

    def _category(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        sides = [one_chunk(as_text(side[self.columns["category"]])).drop_null() for side in (self.home, rows)]
        if not all(len(side) for side in sides):
            return
        coded = pa.concat_arrays(sides).dictionary_encode().indices.to_numpy().astype(np.int64)
        here, there = coded[: len(sides[0])], coded[len(sides[0]) :]
        new = len(np.setdiff1d(there, here))
        evidence = f"{len(there)} rows of {len(np.unique(there))} categories, {new} of them not at home"
        yield Measure("catalogue", "categories", likeness(here, there, total_variation, rng), evidence)

    @cached_property
    def _home_titles(self) -> NDArray[np.float32] | None:
        """Vectors of home's distinct titles, or of some of them; None where there is none."""
        return self._embedded(self.home, MOST_HOME_TITLES)

    def _embedded(self, rows: pa.Table, most: int) -> NDArray[np.float32] | None:
        texts = sorted(pc.unique(one_chunk(as_text(rows[self.columns["title"]])).drop_null()).to_pylist())
        return self.encode([texts[i] for i in drawn(len(texts), most)]) if texts else None

    def _titles(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        here, there = self._home_titles, self._embedded(rows, MOST_TITLES)
        if here is None or there is None:
            return
        nearest = np.asarray(topk(there, here, 1)[0][:, 0], np.float64)
        evidence = f"{len(there)} titles, mean cosine to the nearest of home {nearest.mean():.2f}"
        yield Measure("catalogue", "titles", of_shares(nearest, rng), evidence)

    def _prices(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        if said := self.apart(rows):
            yield Measure("price", "prices", None, said)
            return
        found = [self.worth(side, "price") for side in (self.home, rows)]
        here, there = (np.log(side[side > 0]) for side in found)
        if not len(here) or not len(there):
            return
        medians = np.exp([np.median(there), np.median(here)])
        evidence = f"{len(there)} prices, median {medians[0]:.4g}; home {medians[1]:.4g}"
        yield Measure("price", "prices", likeness(here, there, kolmogorov, rng), evidence)

    def days(self, rows: pa.Table) -> Floats:
        """When each row was, as days since 1970, NaN for NULL.

        Raises:
            XbsqlError: the column is no date.
        """
        return self._once(rows, ("days",), lambda: self._days(rows))

    def _days(self, rows: pa.Table) -> Floats:
        name = self.columns["ts"]
        if kind_of(rows[name].type) not in ("date", "null"):
            kind = rows[name].type
            raise errors.invalid(self.where, f"column '{name}' is {kind}", f"cast it ({name}::TIMESTAMP)")
        moments = one_chunk(rows[name].cast(pa.timestamp("us"), safe=False)).cast(pa.int64())
        return np.asarray(moments.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)) / 86_400e6

    def amounts(self, rows: pa.Table, meaning: str) -> Floats:
        """Amounts as they stand, NaN for NULL.

        Raises:
            XbsqlError: the column is no number.
        """
        return numbers(self.where, rows, self.columns[meaning])

    def apart(self, rows: pa.Table) -> str:
        """Why money of the market cannot be compared with home's; '' where it can."""
        here, there = self.currencies(self.home), self.currencies(rows)
        if bool(here) != bool(there):
            side = "the market's" if here else "home's"
            return f"not compared: {side} currency is not known"
        if len(here | there) <= 1:
            return ""
        known = set() if self.rates is None else set(self.rates.by_currency)
        lacking = sorted((here | there) - known)
        return f"not compared: no rate of {', '.join(lacking)} is given" if lacking else ""

    def money(self, rows: pa.Table) -> pa.DictionaryArray:
        """The currency of each row: as its column says, else its country's; NULL where neither is known."""
        return self._once(rows, ("money",), lambda: self._money(rows))

    def _money(self, rows: pa.Table) -> pa.DictionaryArray:
        if self.columns.get("currency") in rows.column_names:
            given = one_chunk(as_text(rows[self.columns["currency"]])).dictionary_encode()
            names = [name.strip().upper() for name in given.dictionary.to_pylist()]
            return pa.DictionaryArray.from_arrays(given.indices, pa.array(names, pa.string()))
        name = self.home_market
        if rows is not self.home:
            name = as_text(rows[self.columns["market"]])[0].as_py() if len(rows) else None
        money = country(name).currency if name is not None and name.upper() in codes() else None
        return pa.array([money], pa.string()).dictionary_encode().take(pa.array([0] * len(rows), pa.int64()))

    def currencies(self, rows: pa.Table) -> set[str]:
        """The currencies of some rows, without those that are not known."""
        money = self.money(rows)
        used = pc.unique(money.indices).drop_null().to_pylist()
        return {money.dictionary[code].as_py() for code in used}

    def worth(self, rows: pa.Table, meaning: str) -> Floats:
        """Amounts in one money, NaN where it is not known; call `apart` first."""
        return self._once(rows, ("worth", meaning), lambda: self._worth(rows, meaning))

    def _worth(self, rows: pa.Table, meaning: str) -> Floats:
        amount, names = self.amounts(rows, meaning), self.currencies(rows)
        if self.rates is None or not names:
            return amount
        money = self.money(rows)
        worth = np.array([self._unit(name) for name in money.dictionary.to_pylist()])
        code = money.indices.fill_null(len(worth)).to_numpy().astype(np.int64)
        return np.asarray(amount * np.append(worth, np.nan)[code], np.float64)

    def _unit(self, currency: str) -> float:
        """What one unit is worth; 1 of home's only money without a rate: no other is beside it."""
        found = float("nan") if self.rates is None else self.rates.latest(currency)
        return 1.0 if np.isnan(found) and self.currencies(self.home) == {currency} else found

    def _customers(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        said = self.apart(rows) if "amount" in self.columns else ""
        sides = [self._habits(side, paid=not said) for side in (self.home, rows)]
        if said:
            yield Measure("customers", "spend a customer", None, said)
        if not all(len(side["orders"]) for side in sides):
            return
        for name in sides[0]:
            here, there = (side[name] for side in sides)
            evidence = f"{len(there)} customers, mean {np.mean(there):.4g}; home {np.mean(here):.4g}"
            found = likeness(here, there, kolmogorov, rng)
            yield Measure("customers", f"{name} a customer", found, evidence)

    def _habits(self, rows: pa.Table, *, paid: bool) -> dict[str, Floats]:
        """Days with an order, and what was spent, of each customer a year of the table."""
        return self._once(rows, ("habits", str(paid)), lambda: self._lived(rows, paid=paid))

    def _lived(self, rows: pa.Table, *, paid: bool) -> dict[str, Floats]:
        named = one_chunk(as_text(rows[self.columns["customer"]]))
        days = self.days(rows)
        kept = np.isfinite(days) & validity(named)
        if not kept.any():
            return {"orders": np.empty(0)}
        codes = named.dictionary_encode().indices.fill_null(0).to_numpy().astype(np.int64)[kept]
        day = np.floor(days[kept])
        years = max((day.max() - day.min() + 1) / 365.25, 1 / 365.25)
        _, customer = np.unique(codes, return_inverse=True)
        count = customer.max() + 1
        orders = np.bincount(
            np.unique(np.stack([customer, day]), axis=1)[0].astype(np.int64), minlength=count
        )
        found = {"orders": orders / years}
        if paid and "amount" in self.columns:
            money = np.nan_to_num(self.worth(rows, "amount")[kept])
            found["spend"] = np.bincount(customer, money, minlength=count) / years
        return found

    def _season(self, rows: pa.Table, rng: np.random.Generator) -> Iterator[Measure]:
        sides = []
        for side in (self.home, rows):
            days = self.days(side)
            days = days[np.isfinite(days)]
            if not len(days) or days.max() - days.min() < 330:
                return
            month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % MONTHS
            sides.append(np.asarray(month, np.int64))
        found = likeness(sides[0], sides[1], total_variation, rng)
        peaks = [int(np.bincount(side, minlength=MONTHS).argmax()) + 1 for side in sides]
        evidence = f"{len(sides[1])} rows, most in month {peaks[1]}; home month {peaks[0]}"
        yield Measure("demand", "months", found, evidence)


def compared(
    where: str, home: pa.Table, candidates: pa.Table, columns: Mapping[str, Any], encode: Encode,
    home_market: str | None, rates: Rates | None,
) -> Comparison:  # fmt: skip
    """What markets are compared by, see `market_similarity`.

    Raises:
        XbsqlError: no such column, or home has no rows.
    """
    meaning = named(where, home, candidates, columns)
    if not len(home):
        raise errors.invalid(where, "home has no rows", "give the home market's rows")
    return Comparison(meaning, home, rates, encode, home_market, where)


def by_market(found: Comparison, candidates: pa.Table, facts: pa.Table | None) -> dict[str, pa.Table]:
    """The rows of each market but home by name, sorted; those that only the facts name have none.

    Raises:
        XbsqlError: there is no market but home.
    """
    names, place_of = markets_in(found.where, candidates, found.columns["market"])
    listed = (
        [] if facts is None or "market" not in facts.column_names else as_text(facts["market"]).to_pylist()
    )
    every = sorted({*names, *(name for name in listed if name is not None)} - {found.home_market})
    if not every:
        said = f"candidates has no market but home, '{errors.shown(found.home_market)}'"
        if not names:
            said = "candidates has no row that names a market"
        raise errors.invalid(found.where, said, "give rows of other markets, or facts that name them")
    places = {name: names.index(name) if name in names else len(names) for name in every}
    return {name: candidates.filter(pa.array(place_of == place)) for name, place in places.items()}


def market_similarity(
    found: Comparison, markets: Mapping[str, pa.Table], *, facts: pa.Table | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """How alike each candidate market is to home, the likest first; see `xb.market_similarity`.

    Args:
        found: the home market and what is compared, see `compared`.
        markets: rows of the other markets by name, see `by_market`.
        facts: one row a market, see `facts.table_facts`.
        seed: of the resamples.

    Returns:
        Rows market, aspect, measure, similarity, lo, hi (95 % bootstrap interval, None where nothing was
        sampled), evidence. Of each market first 'overall', the mean of its aspects, each the mean of its
        measures.

    Raises:
        XbsqlError: a column of another type than its meaning needs, or facts without home.
    """
    home = found.home_market
    given = {} if facts is None else table_facts(found.where, facts, home, list(markets))
    answer = []
    for place, (name, rows) in enumerate(markets.items()):
        rng = np.random.default_rng([seed, place])
        measures = [] if len(rows) < FEWEST_ROWS else list(found.measures(rows, rng))
        plain = [*country_facts(home, name), *given.get(name, ())]
        measures += [
            Measure("facts", fact.name, known(round(fact.likeness, 4)), fact.evidence) for fact in plain
        ]
        answer.append(_market(name, len(rows), measures))
    answer.sort(key=lambda rows: (-(rows[0]["similarity"] or 0.0), rows[0]["market"]))
    return [row for rows in answer for row in rows]


def _market(name: str, rows: int, measures: list[Measure]) -> list[dict[str, Any]]:
    """The rows of one market: the whole, then every measure."""
    aspects: dict[str, list[Likeness]] = {}
    for measure in measures:
        if measure.found is not None:
            aspects.setdefault(measure.aspect, []).append(measure.found)
    few = f"; {rows} rows are too few to compare ({FEWEST_ROWS} are needed)" if rows < FEWEST_ROWS else ""
    if not aspects:
        said = f"nothing to compare{few}"
        return [_row(name, "overall", None, None, said)]
    whole = mean_of([mean_of(parts) for parts in aspects.values()])
    said = f"{rows} rows; {', '.join(aspects)}{few}"
    return [
        _row(name, "overall", None, whole, said),
        *(_row(name, each.aspect, each.name, each.found, each.evidence) for each in measures),
    ]


def _row(
    market: str, aspect: str, measure: str | None, found: Likeness | None, evidence: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"market": market, "aspect": aspect, "measure": measure}
    ends = (None, None)
    if found is not None and np.ptp(found.draws) > 0:
        lo, hi = np.quantile(found.draws, [0.025, 0.975]).round(4).tolist()
        ends = (min(lo, found.value), max(hi, found.value))
    value = None if found is None else found.value
    return row | {"similarity": value, "lo": ends[0], "hi": ends[1], "evidence": evidence}
