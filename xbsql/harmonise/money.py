"""Money by rates that the user gives; none is ever fetched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.features.roles import as_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Days = NDArray[np.int64]

COLUMNS = "currency, per_unit and, where rates change, day"


@dataclass(frozen=True)
class Rates:
    """What one unit of each currency is worth in a common money, by day.

    Attributes:
        by_currency: currency -> (days since 1970 ascending, worth from that day on). Without days there is
            one rate, which holds for ever.
        dated: whether the table had days.
    """

    by_currency: Mapping[str, tuple[Days, NDArray[np.float64]]]
    dated: bool

    @classmethod
    def of(cls, where: str, table: pa.Table) -> Self:
        """Read a table of rates.

        Args:
            where: the function, for errors.
            table: currency VARCHAR (ISO 4217), per_unit number > 0: what one unit is worth in whatever money
                the table counts in; optionally day DATE (or 'date'): from when on. No NULL.

        Raises:
            XbsqlError: a column is missing or of another type, a rate that is no positive number, two rates
                of one currency on one day.
        """
        names = {name.lower(): name for name in table.column_names}
        for needed in ("currency", "per_unit"):
            if needed not in names:
                raise errors.unknown(where, "column of the rates", needed, table.column_names, place="it has")
        money = [str(name).upper() for name in as_text(table[names["currency"]]).to_pylist()]
        if kind_of(table[names["per_unit"]].type) != "number":
            kind = table[names["per_unit"]].type
            raise errors.invalid(where, f"per_unit of the rates is {kind}", "give numbers")
        worth = np.asarray(table[names["per_unit"]].cast(pa.float64(), safe=False).to_numpy(), np.float64)
        if not (np.isfinite(worth) & (worth > 0)).all():
            raise errors.invalid(where, "a rate is NULL, infinite or not above 0", "leave that row out")
        dated = names.get("day") or names.get("date")
        days = _days(where, table[dated]) if dated else np.full(len(worth), np.iinfo(np.int64).min)
        return cls(_grouped(where, money, days, worth), dated is not None)

    def worth(self, where: str, currency: str, days: Days | None, rows: int) -> NDArray[np.float64]:
        """What one unit is worth in the common money, the latest rate of each day.

        Args:
            where: the function, for errors.
            currency: ISO 4217, in any case.
            days: int64, shape (rows,): days since 1970; None where no day is given.
            rows: how many are asked for.

        Raises:
            XbsqlError: no rate of that currency, none so early, or rates by day and no day to go by.
        """
        name = currency.strip().upper()
        if name not in self.by_currency:
            known = sorted(self.by_currency)
            raise errors.unknown(where, "rate of currency", name, known, place="the rates have")
        first, rates = self.by_currency[name]
        if days is None:
            if len(rates) > 1:
                raise errors.invalid(where, f"the rates of {name} change by day", "give day := a DATE")
            return np.full(rows, rates[0])
        place = np.searchsorted(first, days, side="right") - 1
        if rows and place.min() < 0:
            early = np.datetime64(int(days[place < 0].min()), "D")
            raise errors.invalid(where, f"no rate of {name} on {early} or before", "add one to the rates")
        return np.asarray(rates[place], np.float64)

    def latest(self, currency: str) -> float:
        """What one unit is worth by the newest rate; NaN where there is none of that currency."""
        found = self.by_currency.get(currency.strip().upper())
        return float("nan") if found is None else float(found[1][-1])

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the rates."""
        return sum(days.nbytes + rates.nbytes for days, rates in self.by_currency.values())


def _days(where: str, column: pa.ChunkedArray) -> Days:
    if kind_of(column.type) != "date" or column.null_count:
        raise errors.invalid(where, f"day of the rates is {column.type} or NULL", "cast it (day::DATE)")
    return np.asarray(column.cast(pa.date32(), safe=False).cast(pa.int32()).to_numpy(), np.int64)


def _grouped(
    where: str, money: list[str], days: Days, worth: NDArray[np.float64]
) -> dict[str, tuple[Days, NDArray[np.float64]]]:
    found = {}
    names = np.array(money, dtype=object)
    for name in dict.fromkeys(money):
        rows = np.flatnonzero(names == name)
        order = rows[np.argsort(days[rows], kind="stable")]
        if (np.diff(days[order]) == 0).any():
            raise errors.invalid(where, f"two rates of {name} for one day", f"give {COLUMNS}, one row each")
        found[name] = (days[order], worth[order])
    return found
