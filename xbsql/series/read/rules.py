"""What is done with tables of series as they come: gaps, duplicates, negative values, ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from xbsql import errors
from xbsql.series.read.frequency import Frequency

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOICES: Final = {
    "fill": ("zero", "interpolate", "last"),
    "duplicates": ("sum", "mean", "last"),
    "negative": ("keep", "zero"),
    "end": ("auto", "common", "own"),
}


@dataclass(frozen=True)
class Rules:
    """What is done with tables as they come.

    Attributes:
        fill: a period without a row: 'zero' (a week in which nothing was sold has no row), 'interpolate' (a
            price, a level: the line between its neighbours) or 'last' (what was before).
        duplicates: several rows of one period: 'sum' (each is a sale), 'mean' or 'last' (a correction).
        negative: 'keep' them (a week may take back more than it sells), or count them as 'zero'.
        end: where series end: 'common' (all at the last period of any: a product that stopped selling sold
            nothing since), 'own' (at their last row), 'auto' (common where the dates are a calendar and gaps
            are zeros).
        until: seconds since 1970-01-01; rows that are later are left out. None: the clock's time.
        frequency: None finds it from the dates.
    """

    fill: str = "zero"
    duplicates: str = "sum"
    negative: str = "keep"
    end: str = "auto"
    until: int | None = None
    frequency: Frequency | None = None

    @classmethod
    def of(cls, where: str, options: Mapping[str, Any], instead: Rules | None = None) -> Rules:
        """The rules among a user's options; `until` is a date as text, `frequency` a name.

        Args:
            where: the SQL function.
            options: others are passed over.
            instead: what holds where an option is not given.

        Raises:
            XbsqlError: a choice that does not exist.
        """
        given: dict[str, Any] = {}
        for name, known in CHOICES.items():
            if name in options:
                given[name] = str(options[name])
                if given[name] not in known:
                    raise errors.unknown(where, f"choice for the option '{name}'", given[name], known)
        if options.get("frequency") is not None:
            given["frequency"] = Frequency.named(where, str(options["frequency"]))
        if options.get("until") is not None:
            given["until"] = _moment(where, str(options["until"]))
        return replace(instead or cls(), **given)

    def config(self) -> dict[str, Any]:
        """The rules as JSON values; `until` was for one table and is not kept."""
        kept = {name: getattr(self, name) for name in CHOICES}
        return {**kept, "frequency": self.frequency and self.frequency.config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The rules again."""
        frequency = config["frequency"] and Frequency.from_config(config["frequency"])
        return cls(**{**config, "frequency": frequency})


def _moment(where: str, text: str) -> int:
    problem, remedy = f"the option 'until' is '{text[:80]}'", "give a date: '2026-12-31'"
    try:
        moment = np.datetime64(text, "s")
    except ValueError as error:
        raise errors.invalid(where, problem, remedy) from error
    if np.isnat(moment):
        raise errors.invalid(where, problem, remedy)
    return int(moment.astype(np.int64))
