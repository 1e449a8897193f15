"""What is left of a sale abroad: VAT and duty out of tables that the user gives; none is known here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from xbsql import errors
from xbsql.decisions.columns import numbers
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EVERYWHERE = ""
"""A rule's market or code that holds for all that no closer rule names."""


@dataclass(frozen=True)
class Shares:
    """Duty or VAT by market and, where the table has it, by code of the Harmonised System.

    Attributes:
        rules: (market, digits of the code) -> share of the value; '' stands for all.
    """

    rules: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, where: str, name: str, table: pa.Table) -> Self:
        """Read a table: market VARCHAR, rate number and, for duty, hs VARCHAR.

        Raises:
            XbsqlError: a column is missing, a rate that is no share, two rates of one market and code.
        """
        for needed in ("market", "rate"):
            if needed not in table.column_names:
                raise errors.unknown(where, f"column of {name}", needed, table.column_names, place="it has")
        rates = numbers(where, table, "rate")
        if not ((rates >= 0) & (rates <= 3)).all():
            shown = rates[~((rates >= 0) & (rates <= 3))][0]
            raise errors.invalid(where, f"a rate of {name} is {shown:g}", "give shares: 0.19 for 19 %")
        places = [each or EVERYWHERE for each in as_text(table["market"]).to_pylist()]
        coded = table["hs"] if "hs" in table.column_names else None
        codes = (
            [EVERYWHERE] * len(places) if coded is None else [digits(c) for c in as_text(coded).to_pylist()]
        )
        rules: dict[tuple[str, str], float] = {}
        for key, rate in zip(zip(places, codes, strict=True), rates.tolist(), strict=True):
            if rules.setdefault(key, rate) != rate:
                said = f"{name} has two rates of market '{key[0]}', code '{key[1]}'"
                raise errors.invalid(where, said, "give one row each")
        return cls(rules)

    def rate(self, market: str, code: str) -> float | None:
        """The share of a market and code: of the longest code that begins it, the market's own rule first.

        Returns:
            None where no rule holds.
        """
        for place in (market, EVERYWHERE):
            for length in range(len(code), -1, -1):
                found = self.rules.get((place, code[:length]))
                if found is not None:
                    return found
        return None


def digits(code: str | None) -> str:
    """The digits of a code of the Harmonised System: '6404.11' -> '640411'; '' for NULL."""
    return re.sub(r"\D", "", code or "")


@dataclass(frozen=True)
class Sale:
    """What the units of each row bring and cost; money is home's, float64, one entry a row (or draws, rows).

    Attributes:
        units: how many are sold.
        price: what a customer pays for one, VAT included.
        cost: what one costs at home.
        freight: what it costs to bring one there.
        duty: share of cost and freight that customs take.
        vat: share of the price before VAT.
    """

    units: Floats
    price: Floats
    cost: Floats
    freight: Floats
    duty: Floats
    vat: Floats

    @property
    def revenue(self) -> Floats:
        """After VAT."""
        return self.units * self.price / (1.0 + self.vat)

    @property
    def duties(self) -> Floats:
        """On the value at the border: cost and freight (CIF)."""
        return self.units * self.duty * (self.cost + self.freight)

    @property
    def margin(self) -> Floats:
        """What is left after goods, freight and duty."""
        return self.revenue - self.units * (self.cost + self.freight) - self.duties
