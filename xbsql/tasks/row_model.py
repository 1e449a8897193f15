"""What every model of whole rows can be asked for beside its predictions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from xbsql import errors
from xbsql.engine.blend import Blend
from xbsql.store.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.metrics.rows import Floats
    from xbsql.store.model import State
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.seen import Seen

P = TypeVar("P")

HOLDS_ROWS = frozenset({"process", "neighbours", "prototypes"})
"""Kinds of predictors that hold embeddings of their training rows."""


class Promise(NamedTuple):
    """What a model promised of rows whose label is known now; shape (n,) each.

    Attributes:
        kept: bool: whether the answer is right, or the interval holds the label.
        expected: the probability of that.
        tried: how many labels the promise rests on.
    """

    kept: NDArray[np.bool_]
    expected: Floats
    tried: int


class Explained(NamedTuple):
    """What is explained of some rows.

    Attributes:
        chosen: int64, shape (n,): the class of each row, or its group, -1 where it has none; None where
            labels are values.
        labels: how each is called; None where labels are values.
        groups: int64, shape (classes,): the group of each class, -1 for none; None: each is its own.
    """

    chosen: NDArray[np.int64] | None = None
    labels: pa.Array | None = None
    groups: NDArray[np.int64] | None = None


class RowModel(Model):
    """A model that reads whole rows into views and predicts from these.

    Attributes:
        reader: table -> views.
        predictor: views -> probabilities or values.
        label: the column it was fitted on.
        seen: hashes of the rows that it was fitted on; None where an older xbsql fitted it.
    """

    reader: Reader
    predictor: Predictor
    label: str
    seen: Seen | None = None

    @property
    def spare(self) -> Mapping[str, Predictor]:
        """Predictors without weight in the blend that a transfer starts from, by name."""
        return {}

    def promised(self, y: NDArray[np.generic], prediction: Floats, rows: pa.Table) -> Promise | None:
        """What it promised of rows; None where it promises nothing.

        Args:
            y: their labels as the engine has them, shape (n,).
            prediction: of its predictor.
            rows: under the names that it reads.
        """
        return None

    def part(self, kind: type[P]) -> P | None:
        """The heaviest predictor of this kind in the blend, else a spare one, else None."""
        return next(iter(self.parts(kind)), None)

    def parts(self, kind: type[P]) -> list[P]:
        """The predictors of this kind, those in the blend first, the heaviest of all first."""
        members: list[object] = []
        if isinstance(self.predictor, Blend):
            weights = self.predictor.weights
            members += [self.predictor.members[name] for name in sorted(weights, key=lambda n: -weights[n])]
        return [part for part in [*members, *self.spare.values()] if isinstance(part, kind)]

    def refitted(self, blend: Blend, spare: Mapping[str, Predictor], classes: tuple[str, ...] | None) -> Self:
        """The model with other predictors, over these classes; None where labels are values."""
        return replace(self, predictor=blend)  # type: ignore[type-var] # models are dataclasses

    @abstractmethod
    def under(self, names: Mapping[str, str]) -> Self:
        """The model for a target that calls columns otherwise: its name -> the home market's."""

    @abstractmethod
    def chosen(self, prediction: Floats) -> tuple[NDArray[np.int64] | None, pa.Array | None]:
        """The class that is answered of each row, as code and as name; both None where labels are values."""

    def explained(self, prediction: Floats) -> list[Explained]:
        """What is to be explained of rows: the answers, of labels that are paths at each level."""
        return [Explained(*self.chosen(prediction))]


def refuse_rows(where: str, home: RowModel) -> None:
    """Refuse a home model that holds rows where the option 'keep_rows' is false.

    Raises:
        XbsqlError: it does: the transferred model would hold them as well.
    """
    if HOLDS_ROWS & _kinds(home.predictor.state()):
        problem = "'keep_rows' is false, and the home model holds embeddings of its rows"
        raise errors.invalid(where, problem, "fit that with {'keep_rows': false} too")


def _kinds(state: State) -> set[str]:
    return {state.kind}.union(*(_kinds(part) for part in state.parts.values()))
