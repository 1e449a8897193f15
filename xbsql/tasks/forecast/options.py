"""Options of a forecast."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from xbsql import errors
from xbsql.series.read.frequency import Frequency
from xbsql.series.read.rules import CHOICES, Rules
from xbsql.series.read.table import Columns
from xbsql.tasks.options import COLUMN, COLUMNS, SHARE, WORD, Option, OptionKind, Options, choice, whole

HORIZONS = {"H": 48, "D": 28, "W": 8, "M": 12, "Q": 8, "Y": 4}
"""Steps where nobody says, by the first letter of the frequency after its number; 8 of others."""
MOST_STEPS = 1000
READING = (*CHOICES, "until", "frequency")
"""Options that say how a table is read, see `Rules`."""


def _periods(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever a user gives
    return tuple(value) if isinstance(value, list | tuple) else (value,)


CYCLE = whole(2)
CYCLES = OptionKind(
    "INTEGER[]",
    lambda value: all(map(CYCLE.takes, _periods(value))),
    "give periods: [24, 168]",
    lambda value: tuple(sorted(_periods(value))),
)
MOMENT = OptionKind("VARCHAR", lambda value: isinstance(value, str | date), "give a date: '2026-12-31'", str)


@dataclass(frozen=True)
class ForecastOptions(Options):
    """What a user may decide of a forecast beside the data."""

    id: Annotated[tuple[str, ...], Option(COLUMNS, "the column, or the columns, that name a series")] = (
        "unique_id",
    )
    ts: Annotated[str, Option(COLUMN, "the column of dates, or of whole numbers that count periods")] = "ds"
    title: Annotated[str | None, Option(COLUMN, "the column that says in words what a series sells")] = None
    facts: Annotated[
        tuple[str, ...],
        Option(
            COLUMNS,
            "numbers that tell a series' level before it has a history, the same in all its rows: "
            "`['population', 'gdp_per_head']`",
        ),
    ] = ()
    horizon: Annotated[
        int | None,
        Option(
            whole(1, MOST_STEPS, f"give 1 to {MOST_STEPS} periods"),
            "periods that methods are tried on and weighed by",
            shown="hours 48, days 28, weeks 8, months 12, quarters 8, years 4, others 8",
        ),
    ] = None
    season: Annotated[
        tuple[int, ...] | None,
        Option(CYCLES, "lengths of the cycles in periods", shown="those of the frequency"),
    ] = None
    level: Annotated[
        float, Option(SHARE, "the share of values that the interval `lo` to `hi` shall hold")
    ] = 0.9
    seed: Annotated[int, Option(whole(0), "the seed of whatever is drawn; another one is another fit")] = 0
    fill: Annotated[
        str,
        Option(
            choice(*CHOICES["fill"]),
            "a period without a row: `'zero'` (nothing was sold), `'interpolate'` (a price or a level: the "
            "line between its neighbours), `'last'` (the value before)",
        ),
    ] = "zero"
    duplicates: Annotated[
        str,
        Option(
            choice(*CHOICES["duplicates"]),
            "several rows of one period: `'sum'` (each is a sale), `'mean'`, `'last'` (a correction)",
        ),
    ] = "sum"
    negative: Annotated[
        str, Option(choice(*CHOICES["negative"]), "negative values: `'keep'` them, or count them as `'zero'`")
    ] = "keep"
    end: Annotated[
        str,
        Option(
            choice(*CHOICES["end"]),
            "where series end: `'common'` (all at the last period of any), `'own'` (each at its last row), "
            "`'auto'` (common where the dates are a calendar and gaps are zeros)",
        ),
    ] = "auto"
    until: Annotated[
        str | None, Option(MOMENT, "a date: later rows are left out", shown="the clock's time")
    ] = None
    frequency: Annotated[
        str | None, Option(WORD, "the period, such as `'W-MON'` or `'day'`", shown="found from the dates")
    ] = None

    def columns(self, label: str) -> Columns:
        """Where a table keeps what."""
        return Columns(self.id, self.ts, label, title=self.title, facts=self.facts)

    def refuse_twice(self, where: str, label: str) -> None:
        """Refuse a column that is meant to be two things.

        Raises:
            XbsqlError: the label is named as something else, or the dates name series.
        """
        self.refuse_label(where, label, ("id", "ts", "title", "facts"))
        if self.ts in self.id:
            raise errors.invalid(
                where, f"the options 'id' and 'ts' both name '{self.ts}'", "name two columns"
            )

    def rules(self, where: str) -> Rules:
        """How a table is read.

        Raises:
            XbsqlError: `until` is no date, or `frequency` no period.
        """
        return Rules.of(where, {name: getattr(self, name) for name in READING})

    def steps(self, frequency: Frequency) -> int:
        """The horizon, or what is usual for the frequency."""
        word = frequency.name.lstrip("0123456789")[:1]
        return self.horizon or HORIZONS.get(word, 8)

    def cycles(self, frequency: Frequency) -> tuple[int, ...]:
        """The seasons, or those of the frequency."""
        return tuple(frequency.season) if self.season is None else self.season
