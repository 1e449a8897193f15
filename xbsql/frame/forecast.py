"""The forecast family for Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from xbsql.frame.space import FrameSpace
from xbsql.session.launch import QUANTITIES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence


class ForecastFrames(FrameSpace):
    """Functions of whole frames of series, and of products."""

    def forecast(
        self, model: str, id: str | Sequence[str], ts: str, y: str, horizon: int = 8,
        level: float = 0.9, known: Sequence[str] = (), rollup: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """series, step, ds, yhat, lo, hi, status; several id columns come as a struct."""
        schema = {
            "series": _id_type(self, "forecast", id), "step": pl.Int32,
            "ds": self._type_of("forecast", self._frame, ts),
            **dict.fromkeys(("yhat", "lo", "hi"), pl.Float64), "status": pl.String,
        }  # fmt: skip
        asked = (id, ts, y, horizon, level, known, rollup, options)
        return self._whole("forecast", schema, lambda call, rows: call(model, rows, *asked))

    def launch(
        self, id: str | Sequence[str], demand: str, delay: str | None = None, price: str | None = None,
        market: str | None = None, start: dt.date | None = None, horizon: int = 8, level: float = 0.9,
        price_error: float = 0.0, draws: int = 2000,
    ) -> pl.LazyFrame:  # fmt: skip
        """What the frame's products would bring in a market: wanted, days, sold, revenue, with intervals."""
        told = dict.fromkeys(
            (f"{name}{end}" for name in QUANTITIES for end in ("", "_lo", "_hi")), pl.Float64
        )
        schema = {"product": _id_type(self, "launch", id), "market": pl.String, **told}
        schema |= {"price": pl.Float64, "status": pl.String}
        asked = (id, demand, delay, price, market, start, horizon, level, price_error, draws)
        return self._whole("launch", schema, lambda call, rows: call(rows, *asked))


def _id_type(frames: FrameSpace, name: str, id: str | Sequence[str]) -> Any:  # noqa: ANN401 - a Polars type
    if isinstance(id, str):
        return frames._type_of(name, frames._frame, id)
    return pl.Struct({column: frames._type_of(name, frames._frame, column) for column in id})
