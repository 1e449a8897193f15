"""What a task says of itself: all that differs between two kinds of problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from xbsql import errors
from xbsql.engine.candidate import Entry
from xbsql.store.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from xbsql.engine.verdict import Verdict
    from xbsql.progress import Progress
    from xbsql.tasks.options import Options


class Done(Protocol):
    """What the engine found on the way to a model."""

    @property
    def verdict(self) -> Verdict:
        """Whether the source helped."""
        ...

    @property
    def weights(self) -> Mapping[str, float]:
        """Every candidate's weight, by name; they sum to 1."""
        ...

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes behind those of the verdict."""
        ...


Entrant = TypeVar("Entrant", bound=Entry)
Found = TypeVar("Found", bound=Done)
Found_co = TypeVar("Found_co", bound=Done, covariant=True)
Fitted = TypeVar("Fitted", bound=Model)
Fitted_co = TypeVar("Fitted_co", bound=Model, covariant=True)


@dataclass(frozen=True)
class Asked:
    """What a user asks a task for.

    Attributes:
        where: the SQL function.
        data: the rows of the market that the model is for.
        label: the label column.
        market: what the rows are from, for the record.
        options: as the user gives them, see the task's `Options`.
        step: is told the share done, 0 to 1, and what is being done.
    """

    where: str
    data: pa.Table
    label: str
    market: str | None
    options: Mapping[str, Any]
    step: Progress


class Problem(ABC, Generic[Entrant, Found, Fitted]):
    """One fit or transfer of a task: all data read and checked, nothing fitted yet.

    Attributes:
        metric: the score that the task reports first.
        unmeasured: what is said where there is no score.
    """

    metric: str
    unmeasured: ClassVar[str] = "too few labels to measure"

    @abstractmethod
    def __len__(self) -> int:
        """How many labelled units there are."""

    @abstractmethod
    def candidates(self) -> Sequence[Entrant]:
        """What can be tried, with unique names; target-only ones among them."""

    @abstractmethod
    def weighed(self, candidates: Sequence[Entrant], progress: Progress) -> Found:
        """The candidates fitted, tried on labels that they have not seen, and weighed.

        Args:
            candidates: some or all of `candidates()`.
            progress: told the share done and a candidate's name after each fit.
        """

    @abstractmethod
    def model(self, found: Found) -> Fitted:
        """The model that is delivered."""

    @abstractmethod
    def scores(self, found: Found) -> list[dict[str, Any]]:
        """One row a metric, out of fold: metric, value, lo, hi, rows; none where labels are too few."""

    @abstractmethod
    def notes(self, found: Found) -> list[str]:
        """What the user should know beside, one line each."""


class Task(ABC, Generic[Fitted_co, Found_co]):
    """A kind of problem; `xbsql.tasks.road` runs it.

    A task whose unit is a row that is read into views is a `RowTask`, which has most of this already.

    Attributes:
        name: the name of its folder, of the argument `task` and of its models' signature.
        options: what a user may decide beside the data.
        unsold: whether a target may have no row: a market in which nothing has happened yet.
    """

    name: ClassVar[str]
    options: type[Options]
    unsold: ClassVar[bool] = False

    @abstractmethod
    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Whether a table is one of this task where the user names none.

        Args:
            schema: of the table.
            label: one of its columns.
            options: as the user gives them.
        """

    @abstractmethod
    def at_home(self, asked: Asked) -> Problem[Any, Any, Fitted_co]:
        """The problem of one market.

        Raises:
            XbsqlError: an option, a column or a label that cannot be used.
        """

    @abstractmethod
    def abroad(
        self, asked: Asked, base: Model | None, source: pa.Table | None
    ) -> Problem[Any, Found_co, Fitted_co]:
        """The problem of a target market with a source: a model, its rows, or both.

        Raises:
            XbsqlError: an option, a column or a label that cannot be used.
        """

    @abstractmethod
    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """See `xbsql.tasks.road.evaluate`."""


def mine(where: str, model: Model, kind: type[Fitted]) -> Fitted:
    """The model, known to be one of a task's own.

    Raises:
        XbsqlError: it was fitted for another task.
    """
    if not isinstance(model, kind):
        problem = f"the model was fitted for {model.signature.task}"
        raise errors.invalid(where, problem, f"give a {kind.__name__.lower()}")
    return model
