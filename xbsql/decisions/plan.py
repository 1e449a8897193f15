"""The table of a plan read and checked: a market that lacks something says what, and holds up no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.decisions.columns import markets_in, numbers
from xbsql.decisions.landed import Shares, digits
from xbsql.decisions.ranking import DRAWN, Plan, Uncertain
from xbsql.features.roles import as_text
from xbsql.market import codes as countries
from xbsql.market import market as country

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.harmonise.money import Rates

    Floats = NDArray[np.float64]

NEEDED = ("units", "price")
KNOWN = ("market", "currency", "hs", *(name + end for name in DRAWN for end in ("", "_lo", "_hi")))


@dataclass(frozen=True)
class Asked:
    """What markets are ranked by, beside the plan's rows.

    Attributes:
        currency: home's money, which cost and freight are in.
        rates: what other money is worth; None where none is needed.
        duties: by market and code; None counts no duty.
        vat: by market; None counts no VAT.
        level: of the intervals, 0 to 1.
        together: see `Plan`.
        promise: days; None promises nothing.
        seed: of the draws.
    """

    currency: str
    rates: Rates | None = None
    duties: Shares | None = None
    vat: Shares | None = None
    level: float = 0.9
    together: float = 0.5
    promise: float | None = None
    seed: int = 0

    def check(self, where: str) -> None:
        """Refuse what is no share, and a promise that is no time.

        Raises:
            XbsqlError: a level, a correlation or a promise out of bounds.
        """
        if not 0 < self.level < 1:
            raise errors.invalid(where, f"level is {self.level:g}", "give a share such as 0.9")
        if not 0 <= self.together <= 1:
            raise errors.invalid(where, f"correlation is {self.together:g}", "give a share, 0 to 1")
        if self.promise is not None and not self.promise >= 0:
            raise errors.invalid(where, f"promise is {self.promise:g}", "give days, 0 or more")


def read_plan(where: str, table: pa.Table, asked: Asked) -> tuple[Plan | None, dict[str, list[str]]]:
    """The plan of the markets that can be ranked, and what is to be said of each market.

    Args:
        where: the function, for errors.
        table: one row a market, or a market and product: market, units, price; optionally currency (NULL and
            absent: the country's own), hs, cost, freight, days, and `_lo` and `_hi` of each number.
        asked: all else.

    Returns:
        None where no market can be ranked; notes by market, of those that cannot why.

    Raises:
        XbsqlError: a column is missing, misspelt or of another type.
    """
    asked.check(where)
    _check_columns(where, table)
    names, place = markets_in(where, table, "market")
    table, place = table.filter(pa.array(place >= 0)), place[place >= 0]
    inputs = {name: _input(where, table, name) for name in DRAWN}
    notes: dict[str, list[str]] = {name: [] for name in names}
    worth = _worth(table, names, place, asked, notes)
    duty, vat = (_shares(table, names, place, rules, what, notes) for rules, what in
                 ((asked.duties, "duty"), (asked.vat, "VAT")))  # fmt: skip
    price = inputs["price"]
    inputs["price"] = Uncertain(*(side * worth for side in price))
    _lacking(inputs, names, place, notes)
    held = [name for name in names if not notes[name]]
    for name in names:
        if name in held:
            notes[name] = _remarks(inputs, place == names.index(name))
    if not held:
        return None, notes
    rows = np.isin(place, [names.index(name) for name in held])
    renumbered = np.searchsorted([names.index(name) for name in held], place[rows])
    kept = {name: Uncertain(*(side[rows] for side in found)) for name, found in inputs.items()}
    plan = Plan(
        tuple(held), np.asarray(renumbered, np.int64), kept, duty[rows], vat[rows], asked.level,
        asked.together, asked.promise, asked.seed,
    )  # fmt: skip
    return plan, notes


def _check_columns(where: str, table: pa.Table) -> None:
    for name in ("market", *NEEDED):
        if name not in table.column_names:
            raise errors.unknown(where, "column", name, table.column_names, place="the table has")
    for name in table.column_names:
        stem = name.removesuffix("_lo").removesuffix("_hi")
        if stem != name and stem in DRAWN and stem not in table.column_names:
            raise errors.invalid(where, f"the table has '{name}' and no '{stem}'", f"give '{stem}' too")


def _input(where: str, table: pa.Table, name: str) -> Uncertain:
    """A number with its ends; a column that is not there is 0, of days not known."""
    if name not in table.column_names:
        none = np.full(len(table), np.nan if name == "days" else 0.0)
        return Uncertain(none, none, none)
    value = numbers(where, table, name)
    ends = [
        numbers(where, table, name + end) if name + end in table.column_names else value
        for end in ("_lo", "_hi")
    ]
    lo, hi = (np.where(np.isnan(end), value, end) for end in ends)
    wrong = np.flatnonzero((lo > value) | (hi < value))
    if len(wrong):
        row = wrong[0]
        said = f"{name} is {value[row]:g} outside {name}_lo {lo[row]:g} and {name}_hi {hi[row]:g}"
        raise errors.invalid(where, said, "give an interval that holds the value")
    return Uncertain(value, lo, hi)


def _worth(
    table: pa.Table, names: list[str], place: NDArray[np.int64], asked: Asked, notes: dict[str, list[str]]
) -> Floats:
    """What one unit of each row's money is worth at home; NaN where it is not known."""
    given = (
        as_text(table["currency"]).to_pylist() if "currency" in table.column_names else [None] * len(table)
    )
    found = np.ones(len(table))
    home = asked.currency.strip().upper()
    for row, money in enumerate(given):
        name = names[place[row]]
        if money is None and name.upper() in countries():
            money = country(name).currency
        if money is None:
            _note(notes, name, f"no currency is given, and '{errors.shown(name, 40)}' is no country code")
            found[row] = np.nan
        elif money.strip().upper() != home:
            found[row] = _rate(money.strip().upper(), home, asked.rates, name, notes)
    return found


def _rate(money: str, home: str, rates: Rates | None, name: str, notes: dict[str, list[str]]) -> float:
    """What one unit of a money is worth in home's, by the latest rates."""
    found = []
    for needed in (money, home):
        found.append(float("nan") if rates is None else rates.latest(needed))
        if np.isnan(found[-1]):
            _note(notes, name, f"no rate of {errors.shown(needed, 20)} is given")
            return float("nan")
    return found[0] / found[1]


def _shares(
    table: pa.Table, names: list[str], place: NDArray[np.int64], rules: Shares | None, what: str,
    notes: dict[str, list[str]],
) -> Floats:  # fmt: skip
    found = np.zeros(len(table))
    if rules is None:
        return found
    codes = as_text(table["hs"]).to_pylist() if "hs" in table.column_names else [None] * len(table)
    for row, code in enumerate(codes):
        name, own = names[place[row]], digits(code)
        rate = rules.rate(name, own)
        if rate is None:
            of = f" of code {own}" if own and what == "duty" else ""
            _note(notes, name, f"no {what}{of} is given")
        found[row] = np.nan if rate is None else rate
    return found


def _lacking(
    inputs: dict[str, Uncertain], names: list[str], place: NDArray[np.int64], notes: dict[str, list[str]]
) -> None:
    for name in DRAWN:
        lacking = np.isnan(inputs[name].value) & (name != "days")  # days may be unknown
        for row in np.flatnonzero(lacking):
            if name != "price" or not notes[names[place[row]]]:
                _note(notes, names[place[row]], f"{name} is NULL in a row")
        for row in np.flatnonzero(inputs[name].lo < 0):
            _note(notes, names[place[row]], f"{name} is below 0 in a row")


def _remarks(inputs: dict[str, Uncertain], rows: NDArray[np.bool_]) -> list[str]:
    """What a ranked market's interval leaves out."""
    exact = [
        name
        for name in ("units", "freight")
        if inputs[name].value[rows].any() and not (inputs[name].hi > inputs[name].lo)[rows].any()
    ]
    found = [f"{' and '.join(exact)} taken as exact"] if exact else []
    for name, (value, lo, hi) in inputs.items():
        below, above = (lo < value)[rows], (hi > value)[rows]
        found += [f"{name} taken as exact above its value"] * bool((below & ~above).any())
        found += [f"{name} taken as exact below its value"] * bool((above & ~below).any())
    return found


def _note(notes: dict[str, list[str]], name: str, said: str) -> None:
    if said not in notes[name]:
        notes[name].append(said)
