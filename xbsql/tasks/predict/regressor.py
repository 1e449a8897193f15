"""A fitted regression: rows in, a value and its interval out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from xbsql.engine.folds import FEWEST_LABELS
from xbsql.store.model import Signature, State, restorable, restore
from xbsql.tasks.predict.intervals import Radii
from xbsql.tasks.reach import shifts
from xbsql.tasks.row_model import Promise, RowModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.reach import Reach
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.seen import Seen

OUTPUT = pa.struct([(name, pa.float64()) for name in ("value", "lo", "hi", "shift")])


@restorable("regressor")
@dataclass(frozen=True)
class Regressor(RowModel):
    """A blend of predictors of a number.

    Attributes:
        reader: table -> views.
        predictor: views -> values.
        label: the column it was fitted on.
        radius: how far `lo` and `hi` lie from the value; None, and both NULL, where nothing was measured.
        level: the share of labels that lie between them.
        market: what it was fitted for; None where nobody said.
        reach: for `shift`; None where no row may leave the market: `shift` is NULL then.
        abstain: rows of a larger shift have no value; None answers every row.
        seen: hashes of the rows that it was fitted on.
    """

    reader: Reader
    predictor: Predictor
    label: str
    radius: Radii | None = None
    level: float = 0.9
    market: str | None = None
    reach: Reach | None = None
    abstain: float | None = None
    seen: Seen | None = None

    @cached_property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        return Signature("predict", self.reader.inputs, OUTPUT, self.label)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.StructArray:
        """The value of each row.

        Args:
            batch: the columns of `signature.inputs`, in any order.
            shift: False leaves `shift` NULL, unless the model abstains by it.

        Returns:
            STRUCT(value, lo, hi, shift), all float64. NULL for a row whose inputs are all NULL; value, lo
            and hi NULL where the model abstains.
        """
        table = self.reader.at_home(pa.Table.from_batches([batch]))
        x = self.reader.read(table)
        value = self.predictor.predict(x)
        out = shifts(self.reach if shift or self.abstain is not None else None, x)
        silent = None if self.abstain is None else ~answered(out, self.abstain)
        ends = [pa.nulls(len(value), pa.float64())] * 2
        if self.radius is not None:
            radius = self.radius.of(table)
            ends = [pa.array(value - radius, mask=silent), pa.array(value + radius, mask=silent)]
        fields = [pa.array(value, mask=silent), *ends, out]
        return pa.StructArray.from_arrays(
            fields, fields=list(OUTPUT), mask=pa.array(self.reader.blank(table))
        )

    def under(self, names: Mapping[str, str]) -> Self:
        """The regression for a target that calls columns otherwise."""
        return replace(self, reader=replace(self.reader, names=names))

    def chosen(self, prediction: Floats) -> tuple[None, None]:
        """No class."""
        return None, None

    def values(self, table: pa.Table) -> Floats:
        """The value of each row; float64, shape (n,)."""
        return np.asarray(self.predictor.predict(self.reader.read(table)), np.float64)

    def answers(self, table: pa.Table) -> NDArray[np.bool_] | None:
        """Which rows get a value; None where all do. bool, shape (n,)."""
        if self.abstain is None:
            return None
        return answered(shifts(self.reach, self.reader.read(table)), self.abstain)

    def promised(self, y: NDArray[np.generic], prediction: Floats, rows: pa.Table) -> Promise | None:
        """Intervals that hold the label, for the share that was asked."""
        if self.radius is None:
            return None
        off = np.abs(prediction - np.asarray(y, np.float64))
        held = off <= self.radius.of(self.reader.at_home(rows))
        tried = 0 if self.seen is None else len(self.seen.rows)
        return Promise(held, np.full(len(y), self.level), max(tried, FEWEST_LABELS))

    def state(self) -> State:
        """The regression as data."""
        parts = {"reader": self.reader.state(), "predictor": self.predictor.state()}
        if self.reach is not None:
            parts["reach"] = self.reach.state()
        if self.seen is not None:
            parts["seen"] = self.seen.state()
        config = {
            "label": self.label,
            "level": self.level,
            "market": self.market,
            "radius": None if self.radius is None else asdict(self.radius),
            "abstain": self.abstain,
        }
        return State("regressor", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The regression again."""
        config, parts = dict(state.config), state.parts
        radius = config.pop("radius")
        config["radius"] = None if radius is None else Radii(**radius)
        reach = restore(parts["reach"]) if "reach" in parts else None
        seen = restore(parts["seen"]) if "seen" in parts else None
        return cls(restore(parts["reader"]), restore(parts["predictor"]), **config, reach=reach, seen=seen)


def answered(shift: pa.Array, most: float) -> NDArray[np.bool_]:
    """Rows that lie no further out than `most`; bool, shape (n,)."""
    return np.asarray(shift.to_numpy(zero_copy_only=False) <= most, bool)
