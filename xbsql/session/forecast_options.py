"""The options of one forecast: what is done to its table, and whose calendar counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from xbsql import errors

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from xbsql.series.read.rules import Rules

MOST_SHOWN = 80
"""Characters of a wrong value that an error repeats."""


@dataclass(frozen=True)
class ForecastCallOptions:
    """Options of `xb.forecast`; None: as the model was fitted.

    Attributes:
        fill: what a period without a row is: 'zero', 'interpolate' or 'last'.
        duplicates: what several rows of one period are: 'sum', 'mean' or 'last'.
        negative: what negative values are: 'keep' or 'zero'.
        end: where series end: 'auto', 'common' or 'own'.
        until: the last date that is history.
        frequency: of the table, 'D' or 'W-MON'.
        calendar: a market's code, whose holidays and sale days count among what is known in advance.
    """

    fill: str | None = None
    duplicates: str | None = None
    negative: str | None = None
    end: str | None = None
    until: str | dt.date | None = None
    frequency: str | None = None
    calendar: str | None = None

    @classmethod
    def of(cls, where: str, options: Mapping[str, Any] | None) -> Self:
        """The options as a user gives them.

        Raises:
            XbsqlError: an option that there is not, or one that is no text.
        """
        names = [field.name for field in fields(cls)]
        for name, value in (options or {}).items():
            if name not in names:
                raise errors.unknown(where, "option", str(name)[:MOST_SHOWN], names)
            if not (value is None or isinstance(value, str) or name == "until"):
                problem = f"the option '{name}' is {str(value)[:MOST_SHOWN]}"
                raise errors.invalid(where, problem, "give text")
        found = cls(**(options or {}))
        if found.calendar is not None:
            _check_calendar(where, found.calendar)
        return found

    def rules(self, where: str, instead: Rules) -> Rules:
        """The rules of the table.

        Args:
            where: the SQL function.
            instead: what holds where an option is not given.

        Raises:
            XbsqlError: a choice, a date or a frequency that there is not.
        """
        from xbsql.series.read.rules import Rules

        given = {name: value for name, value in asdict(self).items() if value is not None}
        return Rules.of(where, given, instead)


def _check_calendar(where: str, market: str) -> None:
    """Refuse a market whose calendar is not known: it would be one without holidays, in silence."""
    from xbsql.market import market as named
    from xbsql.series.read.calendar import known_markets

    if market.strip().upper() in known_markets():
        return
    try:
        named(market)
    except errors.XbsqlError as error:
        error.name(where)
        raise
    raise errors.unknown(where, "calendar of market", market[:MOST_SHOWN], known_markets())
