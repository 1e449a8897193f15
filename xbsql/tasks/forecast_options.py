"""What a user may decide of a forecast beside the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from xbsql import errors
from xbsql.series.read.rules import Rules
from xbsql.series.read.table import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.series.read.frequency import Frequency

OPTIONS = (
    "id", "ts", "title", "horizon", "season", "level", "seed",
    "fill", "duplicates", "negative", "end", "until", "frequency",
)  # fmt: skip
HORIZONS = {"H": 48, "D": 28, "W": 8, "M": 12, "Q": 8, "Y": 4}
"""Steps where nobody says, by the first letter of the frequency after its number; 8 of others."""
MOST_STEPS = 1000


@dataclass(frozen=True)
class ForecastOptions:
    """Options of `fit` and `transfer`, checked.

    Attributes:
        columns: 'id' (a column or several), 'ts', 'title' (what a series sells, in words), and the label.
        rules: 'fill', 'duplicates', 'negative', 'end', 'until', 'frequency', see `Rules`.
        horizon: steps that the evidence is about; None: as usual for the frequency.
        season: lengths of the cycles in periods; None: those of the frequency.
        level: the share of values that an interval shall hold.
        seed: of whatever is drawn.
    """

    columns: Columns
    rules: Rules
    horizon: int | None
    season: tuple[int, ...] | None
    level: float
    seed: int

    @classmethod
    def of(cls, where: str, options: Mapping[str, Any] | None, label: str) -> Self:
        """The options as a user gives them.

        Raises:
            XbsqlError: an option that there is not, a horizon, a season or a level that cannot be.
        """
        given = dict(options or {})
        for name in given:
            if name not in OPTIONS:
                raise errors.unknown(where, "option", name, OPTIONS)
        id = given.get("id", "unique_id")
        names = (id,) if isinstance(id, str) else tuple(id)
        columns = Columns(names, str(given.get("ts", "ds")), label, title=given.get("title"))
        horizon, season = given.get("horizon"), given.get("season")
        if horizon is not None and not (isinstance(horizon, int) and 1 <= horizon <= MOST_STEPS):
            problem = f"the option 'horizon' is {horizon}"
            raise errors.invalid(where, problem, f"give 1 to {MOST_STEPS} periods")
        if season is not None:
            season = tuple(sorted([season] if isinstance(season, int) else season))
            if any(not isinstance(s, int) or s < 2 for s in season):
                raise errors.invalid(
                    where, f"the option 'season' is {given['season']}", "give periods: [24, 168]"
                )
        level = given.get("level", 0.9)
        if not isinstance(level, int | float) or not 0 < level < 1:
            problem = f"the option 'level' is {level}"
            raise errors.invalid(where, problem, "give a share between 0 and 1: 0.9")
        return cls(columns, Rules.of(where, given), horizon, season, float(level), int(given.get("seed", 0)))

    def told(self, frequency: Frequency) -> Self:
        """The options with the horizon and the season that this frequency has where the user gave none."""
        word = frequency.name.lstrip("0123456789")[:1]
        horizon = self.horizon or HORIZONS.get(word, 8)
        return replace(self, horizon=horizon, season=frequency.season if self.season is None else self.season)
