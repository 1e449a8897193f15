"""The market family for Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from xbsql.frame.space import ExpressionSpace, FrameSpace
from xbsql.harmonise import rows
from xbsql.harmonise.money import Rates

if TYPE_CHECKING:
    import pyarrow as pa


class MarketExpressions(ExpressionSpace):
    """Functions of each row; an argument is one value, or an expression with one a row."""

    def convert(self, unit: pl.Expr | str, new_unit: pl.Expr | str) -> pl.Expr:
        """Float64 of each value in another unit."""
        return self._beside("convert", rows.convert, unit, new_unit)

    def to_currency(
        self,
        currency: pl.Expr | str,
        new_currency: pl.Expr | str,
        rates: pl.DataFrame,
        day: pl.Expr | None = None,
    ) -> pl.Expr:
        """Float64 of each amount in another currency, by a frame of rates."""
        known = Rates.of("xb.to_currency", rates.to_arrow())

        def run(where: str, own: pa.Array, old: pa.Array, new: pa.Array, days: pa.Array) -> pa.Array:
            return rows.to_currency(where, own, old, new, days, known)

        return self._beside("to_currency", run, currency, new_currency, day)

    def parse_number(self, market: pl.Expr | str) -> pl.Expr:
        """Float64 of each number as the market writes it."""
        return self._beside("parse_number", rows.parse_number, market)

    def parse_date(self, market: pl.Expr | str) -> pl.Expr:
        """Date of each date as the market writes it."""
        return self._beside("parse_date", rows.parse_date, market, kind=pl.Date)

    def holiday(self, market: pl.Expr | str) -> pl.Expr:
        """The public holiday that each day is, or NULL."""
        return self._beside("holiday", rows.holiday, market, kind=pl.String)

    def workdays(self, last: pl.Expr, market: pl.Expr | str) -> pl.Expr:
        """Int32 working days after each day up to and with `last`."""
        return self._beside("workdays", rows.workdays, last, market, kind=pl.Int32)


class MarketFrames(FrameSpace):
    """Functions of a whole frame that set two markets side by side."""

    def align_columns(self, target: pl.LazyFrame) -> pl.LazyFrame:
        """Which column of the target is which of the frame."""
        return self._rows("align_columns", lambda call, own: call(own, target.collect().to_arrow()))

    def lint(self, target: pl.LazyFrame, label: str | None = None) -> pl.LazyFrame:
        """What to look at before a transfer from the frame."""
        return self._rows("lint", lambda call, own: call(own, target.collect().to_arrow(), label))
