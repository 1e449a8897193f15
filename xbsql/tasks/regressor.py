"""A fitted regression: rows in, a value and its interval out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from xbsql.model import Model, Signature, State, restorable, restore
from xbsql.tasks.reach import shifts

if TYPE_CHECKING:
    from xbsql.engine.candidate import Predictor
    from xbsql.metrics import Floats
    from xbsql.tasks.reach import Reach
    from xbsql.tasks.reader import Reader

OUTPUT = pa.struct([(name, pa.float64()) for name in ("value", "lo", "hi", "shift")])


@restorable("regressor")
@dataclass(frozen=True)
class Regressor(Model):
    """A blend of predictors of a number.

    Attributes:
        reader: table -> views.
        predictor: views -> values.
        label: the column it was fitted on.
        radius: `lo` and `hi` lie this far from the value; None, and both NULL, where nothing was measured.
        level: the share of labels that lie between them.
        market: what it was fitted for; None where nobody said.
        reach: for `shift`; None where no row may leave the market: `shift` is NULL then.
    """

    reader: Reader
    predictor: Predictor
    label: str
    radius: float | None = None
    level: float = 0.9
    market: str | None = None
    reach: Reach | None = None

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        return Signature("predict", self.reader.schema, OUTPUT, self.label)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.StructArray:
        """The value of each row.

        Args:
            batch: the columns of `signature.inputs`, in any order.
            shift: False leaves `shift` NULL.

        Returns:
            STRUCT(value, lo, hi, shift), all float64. NULL for a row whose inputs are all NULL.
        """
        table = pa.Table.from_batches([batch])
        x = self.reader.read(table)
        value = self.predictor.predict(x)
        ends = [pa.nulls(len(value), pa.float64())] * 2
        if self.radius is not None:
            ends = [pa.array(value - self.radius), pa.array(value + self.radius)]
        fields = [pa.array(value), *ends, shifts(self.reach if shift else None, x)]
        return pa.StructArray.from_arrays(
            fields, fields=list(OUTPUT), mask=pa.array(self.reader.blank(table))
        )

    def values(self, table: pa.Table) -> Floats:
        """The value of each row; float64, shape (n,)."""
        return np.asarray(self.predictor.predict(self.reader.read(table)), np.float64)

    def state(self) -> State:
        """The regression as data."""
        parts = {"reader": self.reader.state(), "predictor": self.predictor.state()}
        if self.reach is not None:
            parts["reach"] = self.reach.state()
        config = {"label": self.label, "radius": self.radius, "level": self.level, "market": self.market}
        return State("regressor", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The regression again."""
        config, parts = state.config, state.parts
        reach = restore(parts["reach"]) if "reach" in parts else None
        return cls(restore(parts["reader"]), restore(parts["predictor"]), **config, reach=reach)
