"""How far apart the periods of a series are, and on what calendar: the grid that its dates lie on."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONDAY: Final = 4 * DAY
"""The first Monday after 1970-01-01, a Thursday."""
MONTH_END: Final = 31

EXAMPLES: Final = ("15MIN", "H", "D", "W-MON", "MS", "ME", "QS", "YS", "I")
_SECONDS = {"S": 1, "MIN": MINUTE, "H": HOUR, "D": DAY, "W": WEEK}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_WORDS = {
    "SECOND": "S", "MINUTE": "MIN", "HOUR": "H", "DAY": "D", "WEEK": "W", "MONTH": "M", "QUARTER": "Q",
    "HOURLY": "H", "DAILY": "D", "WEEKLY": "W", "MONTHLY": "M", "QUARTERLY": "Q",
    "YEAR": "Y", "YEARLY": "Y", "A": "Y",
}  # fmt: skip
_TEXT = re.compile(r"(\d*)([A-Z]+)(?:-([A-Z]{3}))?")


@dataclass(frozen=True)
class Frequency:
    """A grid of periods; period k begins `phase + k * step` units after 1970-01-01 00:00, or after 0.

    Attributes:
        name: as Polars and pandas users write it: 'H', '15MIN', 'D', 'W-MON', '2W-SUN', 'MS' (the first of a
            month), 'ME' (its last day), 'QS', 'YS'; 'I' for integers that count periods.
        unit: 'second', 'month' or 'count'.
        step: units from one period to the next.
        phase: units from the epoch to period 0, 0 <= phase < step.
        season: lengths of its cycles in periods, short to long: (24, 168), (7,), (52,), (12,), (4,) or ().
        day: of a month, 1 .. 31, on which a period is dated; 31 is the last one. Months only.
        clock: seconds after midnight at which it is dated. Months only.
    """

    name: str
    unit: Literal["second", "month", "count"]
    step: int
    phase: int = 0
    season: tuple[int, ...] = ()
    day: int = 1
    clock: int = 0

    def index(self, values: Ints) -> Ints:
        """The period that each value lies in.

        Args:
            values: seconds since 1970-01-01 00:00, or counts where the unit is 'count'; int64, any shape.

        Returns:
            int64 of the same shape.
        """
        units = values if self.unit != "month" else self._months(values)
        if self.unit == "month" and self.day == MONTH_END:
            return np.asarray(-((self.phase - units) // self.step), np.int64)
        return np.asarray((units - self.phase) // self.step, np.int64)

    def at(self, index: Ints) -> Ints:
        """When each period is dated: seconds since 1970-01-01 00:00, or counts; int64 of the same shape."""
        units = np.asarray(index, np.int64) * self.step + self.phase
        if self.unit != "month":
            return units
        return self._dated(units)

    def spans(self, index: Ints) -> tuple[Ints, Ints]:
        """The days from 1970-01-01 that each period touches: the first one and the one after the last.

        A month that is dated by its end holds the days before. Only where the unit is no 'count'.
        """
        if self.unit == "month" and self.day == MONTH_END:
            return self.at(index - 1) // DAY + 1, self.at(index) // DAY + 1
        return self.at(index) // DAY, (self.at(index + 1) - 1) // DAY + 1

    def dates(self, index: Ints) -> NDArray[np.datetime64]:
        """`at` as datetime64[s]; only where the unit is no 'count'."""
        return self.at(index).astype("datetime64[s]")

    @property
    def length(self) -> float:
        """Seconds of a period, of months on average; counts have none and are told apart by their step."""
        return self.step * (30.436875 * DAY if self.unit == "month" else 1.0)

    def config(self) -> dict[str, Any]:
        """The frequency as JSON values."""
        return {**asdict(self), "season": list(self.season)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The frequency again."""
        return cls(**{**config, "season": tuple(config["season"])})

    @classmethod
    def named(cls, where: str, text: str) -> Self:
        """The frequency of a name such as 'W-MON', '2H', 'month' or 'QS'; a week begins on Monday.

        Raises:
            XbsqlError: no such frequency.
        """
        found = _TEXT.fullmatch(text.strip().upper())
        times, word = (int(found[1] or 1), _WORDS.get(found[2], found[2])) if found else (0, "")
        weekday = (found[3] if found else None) or "MON"
        if times and word == "W" and weekday in WEEKDAYS:
            return cls.seconds(times * WEEK, MONDAY + WEEKDAYS.index(weekday) * DAY)
        if times and found and not found[3]:
            if word == "I":
                return cls.counts(times)
            if word in _SECONDS:
                return cls.seconds(times * _SECONDS[word])
            if word.removesuffix("S").removesuffix("E") in _MONTHS:
                step = times * _MONTHS[word[0]]
                return cls.months(step, step - 1, MONTH_END) if word.endswith("E") else cls.months(step)
        raise errors.unknown(where, "frequency", text, EXAMPLES)

    @classmethod
    def seconds(cls, step: int, anchor: int = 0) -> Self:
        """Periods of a fixed length in seconds, one of which begins at `anchor`."""
        word = next(word for word in ("W", "D", "H", "MIN", "S") if step % _SECONDS[word] == 0)
        times, phase = step // _SECONDS[word], anchor % step
        name = f"{times if times > 1 else ''}{word}"
        if word == "W":
            name += f"-{WEEKDAYS[(phase - MONDAY) % WEEK // DAY]}"
        cycles = {"W": (52 * WEEK,), "D": (WEEK,)}.get(word, (DAY, WEEK))
        season = tuple(cycle // step for cycle in cycles if cycle % step == 0 and cycle > step)
        return cls(name, "second", step, phase, season)

    @classmethod
    def months(cls, step: int, anchor: int = 0, day: int = 1, clock: int = 0) -> Self:
        """Periods of whole months, one of which is `anchor`, counted from 1970-01."""
        word, months = next(
            (word, months) for word, months in (("Y", 12), ("Q", 3), ("M", 1)) if step % months == 0
        )
        times, ending = step // months, {1: "S", MONTH_END: "E"}.get(day, f"S-{day}")
        season = (12 // step,) if step < 12 and 12 % step == 0 else ()
        name = f"{times if times > 1 else ''}{word}{ending}"
        return cls(name, "month", step, anchor % step, season, day, clock)

    @classmethod
    def counts(cls, step: int, anchor: int = 0) -> Self:
        """Integers that count periods, one of which is `anchor`."""
        return cls(f"{step if step > 1 else ''}I", "count", step, anchor % step)

    def _months(self, values: Ints) -> Ints:
        """The month whose period a time lies in: one dated by its end holds the days before."""
        month = month_of(values)
        if self.day == MONTH_END:
            return month
        return month - (values < self._dated(month))

    def _dated(self, month: Ints) -> Ints:
        """The moment by which each month is dated, in seconds."""
        first, following = month_start(month), month_start(month + 1)
        return np.minimum(first + (self.day - 1) * DAY, following - DAY) + self.clock


def month_of(seconds: Ints) -> Ints:
    """Months from 1970-01 to the month of each time; int64."""
    return np.asarray(seconds, np.int64).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def day_of_month(seconds: Ints) -> Ints:
    """1 .. 31 of each time, and 31 for the last day of any month; int64."""
    days = np.asarray(seconds, np.int64) // DAY
    month = month_of(seconds)
    own, following = month_start(month) // DAY, month_start(month + 1) // DAY
    return np.where(days == following - 1, MONTH_END, days - own + 1)


def month_start(months: Ints) -> Ints:
    """Seconds from the epoch to the first of each month."""
    start = np.asarray(months, np.int64).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    return np.asarray(start, np.int64)
