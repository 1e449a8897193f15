"""What is known in advance of a table's series: the user's columns and a market's calendar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.series.closures import Closures
    from xbsql.series.effects import Effects
    from xbsql.series.read.series import Series
    from xbsql.series.read.table import SeriesTable

    Floats = NDArray[np.float64]

UNMOVED: Final = "what is known in advance is left out: it did not forecast the last periods better"
TOO_SHORT: Final = "the calendar is left out: the histories hold less than a year"
NOTICED: Final = 0.01
LEAST_YEARS: Final = 0.98
"""Of history, from which on a calendar is read: 51 weeks have every holiday once."""


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

    def moved(self) -> NDArray[np.bool_] | None:
        """Steps that the effects move by a hundredth or more; bool (n, horizon). None without effects."""
        if self.effects is None:
            return None
        ones = np.ones(self.ahead.shape[:2])
        return np.asarray(np.abs(self.effects.on(ones, self.ahead) - ones) > NOTICED)

    def on(self, values: Floats) -> Floats:
        """Forecasts, float64 (n, horizon), with the effects of what is known of their periods."""
        return values if self.effects is None else self.effects.on(values, self.ahead)


def known_in_advance(
    table: SeriesTable, series: Series, horizon: int, calendar: str | None, shut: Closures
) -> InAdvance | None:
    """All that is known in advance of a table's series, and its effects; None where nothing is.

    Args:
        table: with its columns that are known.
        series: of the table.
        horizon: periods.
        calendar: a market's code, whose holidays and sale days count too, where a history holds a year.
        shut: when the series do not trade, which no effect is learnt from.
    """
    from xbsql.series.effects import fit_effects
    from xbsql.series.profile import years_of

    short = calendar is not None and years_of(series) < LEAST_YEARS
    calendar = None if short else calendar
    own = np.empty((len(series.y), 0)) if series.known is None else series.known
    beside, ahead = [own], [table.ahead(series, horizon)]
    if calendar is not None:
        of_histories, of_steps = _calendar(calendar, series, horizon)
        beside.append(of_histories)
        ahead.append(of_steps)
    elif series.known is None:
        return InAdvance(series, ahead[0], None, ((TOO_SHORT,),) * len(series)) if short else None
    whole = replace(series, known=np.concatenate(beside, axis=1))
    effects = fit_effects(shut.opened(whole), horizon)
    unmoved = np.ones(len(series), bool)
    if effects is not None:
        unmoved = np.zeros(len(series), bool) if effects.used is None else ~effects.used
    notes = _notes(table, own, series, ahead[0], unmoved)
    if short:
        notes = tuple((TOO_SHORT, *line) for line in notes)
    return InAdvance(whole, np.concatenate(ahead, axis=2), effects, notes)


def _calendar(market: str, series: Series, horizon: int) -> tuple[Floats, Floats]:
    """The calendar of the values, (total, columns), and of the steps, (n, horizon, columns)."""
    from xbsql.series.read.calendar import COLUMNS, calendar

    steps = series.ends[:, None] + np.arange(horizon)
    following = calendar(market, series.frequency, steps.ravel())
    return calendar(market, series.frequency, series.periods()), following.reshape(*steps.shape, len(COLUMNS))


def _notes(
    table: SeriesTable, own: Floats, series: Series, ahead: Floats, unmoved: NDArray[np.bool_]
) -> tuple[tuple[str, ...], ...]:
    """What there is to say of the user's columns, one tuple a series; `unmoved` ones are left as they are."""
    lines: list[list[str]] = [[UNMOVED] if left else [] for left in unmoved.tolist()]
    owner, horizon = series.owner(), ahead.shape[1]
    for j, column in enumerate(table.columns.known):
        name, values = column.removeprefix("known."), own[:, j]
        there = np.isfinite(values)
        past = np.bincount(owner[~there], minlength=len(series))
        missing = np.where(unmoved, 0, np.isnan(ahead[:, :, j]).sum(axis=1))
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
