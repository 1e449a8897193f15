"""What is known in advance of a table's series: the user's columns and a market's calendar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.effects import Effects
    from xbsql.series.read.series import Series
    from xbsql.series.read.table import SeriesTable

    Floats = NDArray[np.float64]

UNMOVED: Final = "what is known in advance is left out: it did not forecast the last periods better"


@dataclass(frozen=True)
class InAdvance:
    """Series with what is known beside their values, and of the periods after them.

    Attributes:
        series: with `known`, of f columns.
        ahead: float64 (n, horizon, f); NaN where it is not known.
        effects: what the columns do; None where they do not forecast the last periods better.
        notes: one a series: what there is to say of its columns.
    """

    series: Series
    ahead: Floats
    effects: Effects | None
    notes: tuple[tuple[str, ...], ...]

    @property
    def plain(self) -> Series:
        """The histories without the effects of what is known."""
        return replace(self.series, known=None) if self.effects is None else self.effects.without(self.series)

    def on(self, values: Floats) -> Floats:
        """Forecasts, float64 (n, horizon), with the effects of what is known of their periods."""
        return values if self.effects is None else self.effects.on(values, self.ahead)


def known_in_advance(
    table: SeriesTable, series: Series, horizon: int, calendar: str | None
) -> InAdvance | None:
    """All that is known in advance of a table's series, and its effects; None where nothing is.

    Args:
        table: with its columns that are known.
        series: of the table.
        horizon: periods.
        calendar: a market's code, whose holidays and sale days count too.
    """
    from xbsql.series.effects import fit_effects

    own = np.empty((len(series.y), 0)) if series.known is None else series.known
    beside, ahead = [own], [table.ahead(series, horizon)]
    if calendar is not None:
        of_histories, of_steps = _calendar(calendar, series, horizon)
        beside.append(of_histories)
        ahead.append(of_steps)
    elif series.known is None:
        return None
    whole = replace(series, known=np.concatenate(beside, axis=1))
    effects = fit_effects(whole, horizon)
    notes = _notes(table, own, series, ahead[0], unmoved=effects is None)
    return InAdvance(whole, np.concatenate(ahead, axis=2), effects, notes)


def _calendar(market: str, series: Series, horizon: int) -> tuple[Floats, Floats]:
    """The calendar of the values, (total, columns), and of the steps, (n, horizon, columns)."""
    from xbsql.series.read.calendar import COLUMNS, calendar

    steps = series.ends[:, None] + np.arange(horizon)
    following = calendar(market, series.frequency, steps.ravel())
    return calendar(market, series.frequency, series.periods()), following.reshape(*steps.shape, len(COLUMNS))


def _notes(
    table: SeriesTable, own: Floats, series: Series, ahead: Floats, *, unmoved: bool
) -> tuple[tuple[str, ...], ...]:
    """What there is to say of the user's columns, one tuple a series."""
    lines: list[list[str]] = [[UNMOVED] if unmoved else [] for _ in range(len(series))]
    owner, horizon = series.owner(), ahead.shape[1]
    for j, column in enumerate(table.columns.known):
        name, values = column.removeprefix("known."), own[:, j]
        there = np.isfinite(values)
        past = np.bincount(owner[~there], minlength=len(series))
        missing = np.zeros(len(series), int) if unmoved else np.isnan(ahead[:, :, j]).sum(axis=1)
        still = not there.any() or values[there].min() == values[there].max()
        for i, line in enumerate(lines):
            if still:
                line.append(f"'{name}' never varied: what it does is unknown")
                continue
            if past[i]:
                line.append(f"'{name}' is unknown in {past[i]} past periods and taken as usual there")
            if missing[i]:
                ahead_of = f"{missing[i]} of {horizon} periods ahead"
                line.append(f"'{name}' is unknown in {ahead_of} and taken as usual there")
    return tuple(map(tuple, lines))
