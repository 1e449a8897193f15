"""Tasks whose unit is a row: read into views, tried over folds, blended by the engine."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np

from xbsql import errors
from xbsql.engine.candidate import Candidate, Sample, Source
from xbsql.engine.transfer import Transfer
from xbsql.features.drawn import drawn
from xbsql.features.views import Features
from xbsql.progress import tell
from xbsql.tasks.options import CrossingOptions, described
from xbsql.tasks.personal import refuse_personal
from xbsql.tasks.reader import fit_reader
from xbsql.tasks.road import fitted_at_home
from xbsql.tasks.row_model import RowModel, refuse_rows
from xbsql.tasks.row_options import RowOptions
from xbsql.tasks.row_problem import M, O, RowProblem
from xbsql.tasks.rows import Labelled, source_of
from xbsql.tasks.scores import grouped, measured
from xbsql.tasks.seen import seen_rows
from xbsql.tasks.task import Asked, Task, mine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.engine.objective import Objective
    from xbsql.metrics.rows import Floats, Labels
    from xbsql.store.model import Model
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.row_problem import Classes
    from xbsql.tasks.scores import Members, Score


class LabelColumn(Protocol):
    """A label column as a task reads it."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a label; shape (rows,)."""
        ...


ASKED = 16_384
"""Rows that a model is asked about between two reports of progress."""

MOST_CELLS = 40_000_000
"""Probabilities that `evaluate` looks at: of more rows some are drawn."""

FEWEST_ASKED = 5_000
"""Rows that it looks at at least."""

L = TypeVar("L", bound=LabelColumn)


class Read(NamedTuple):
    """Rows as they are read, whatever labels they have."""

    reader: Reader
    x: Features


class RowTask(Task[M, Transfer], Generic[O, L, M]):
    """A task of rows; what a subclass says is what differs.

    Attributes:
        options: its options.
        fitted: the class of its models.
        metric: the score that is reported first.
    """

    options: type[O]
    fitted: type[M]
    metric: ClassVar[str]

    @abstractmethod
    def labels(self, where: str, table: pa.Table, label: str) -> L:
        """The labels of a table.

        Raises:
            XbsqlError: no such column, or one that holds no labels of this task.
        """

    @abstractmethod
    def refuse(self, where: str, label: str, found: L, *, at_home: bool) -> None:
        """Refuse labels that nothing can be learnt from; a target may have none.

        Raises:
            XbsqlError: they are such.
        """

    @abstractmethod
    def coded(self, found: L, classes: Classes) -> NDArray[np.generic]:
        """The labels that are present, as the engine learns them."""

    @abstractmethod
    def judge(self, classes: Classes) -> Objective:
        """How predictions are judged: the loss of a row, and the score that the verdict tells."""

    def objective(self, problem: RowProblem[O, M]) -> Objective:
        """The same for one problem, by its options and labels."""
        return self.judge(problem.classes)

    @abstractmethod
    def candidates(self, problem: RowProblem[O, M]) -> list[Candidate]:
        """What can be tried; without an origin on the target's rows alone."""

    @abstractmethod
    def model(self, problem: RowProblem[O, M], found: Transfer) -> M:
        """The model of what came out."""

    @abstractmethod
    def scores(self, classes: Classes) -> Mapping[str, Score]:
        """What `fit` reports, by name."""

    @abstractmethod
    def prediction(self, model: M, rows: pa.Table, classes: Classes) -> Floats:
        """What the model says of rows: probabilities of all the classes, or values."""

    @abstractmethod
    def scoring(
        self, model: M, rows: pa.Table, prediction: Floats, classes: Classes
    ) -> Callable[[Members], Mapping[str, Score]]:
        """What `evaluate` tells of some of the rows, by name."""

    @abstractmethod
    def truth(self, found: L) -> Labels:
        """The labels that are present, as `answers` gives them."""

    @abstractmethod
    def answers(self, prediction: Floats, classes: Classes) -> Labels:
        """The answer to each row by what was predicted: a class by name, or a value."""

    @abstractmethod
    def agreement(self, truth: Labels, answers: Labels, weight: Floats | None) -> Floats:
        """The score `metric` of answers; with bootstrap weights one a resample."""

    def classes(self, found: L, home: M | None, source: L | None, options: O) -> Classes:
        """Names by code over both markets, those of the home model first; None where labels are values."""
        return None

    def estimated(self, problem: RowProblem[O, M], found: Transfer) -> Transfer:
        """What was found where nothing could be measured, with what can be told all the same."""
        return found

    def measured(
        self, problem: RowProblem[O, M], found: Transfer, candidates: Sequence[Candidate]
    ) -> Transfer:
        """What was found of candidates where something was measured, with what the evidence says beside."""
        return found

    def at_home_predictor(self, home: M, classes: Classes) -> Predictor:
        """The home model's predictor, over all classes."""
        return home.predictor

    def check(self, problem: RowProblem[O, M]) -> None:
        """Refuse options that ask for what these rows do not have, before anything is fitted."""

    def notes(self, problem: RowProblem[O, M]) -> list[str]:
        """What is to be said of the labels, one line each."""
        return []

    def unlabelled_fit(self, model: M, source: pa.Table, target: pa.Table) -> dict[str, float]:
        """What can be told without labels of how well a home model fits a target; measures by name."""
        return {}

    def at_home(self, asked: Asked) -> RowProblem[O, M]:
        """The labelled rows of one market; those whose label is NULL are left out."""
        where, options = asked.where, self.options.of(asked.where, asked.options)
        options.refuse_label(where, asked.label, ("group", "weight"))
        found = self.labels(where, asked.data, asked.label)
        self.refuse(where, asked.label, found, at_home=True)
        classes = self.classes(found, None, None, options)
        rows = Labelled(asked.data, found.present, self.coded(found, classes))
        known = rows.known
        refuse_personal(where, known, asked.label, options.told)
        asked.step(0.0, f"reading {known.num_rows} rows")
        reader = fit_reader(options.read_of(known), asked.label, options.roles, options.keeping)
        x = reader.read(known)
        group = grouped_rows(options, where, rows, Read(reader, x), classes)
        sample = Sample(x, rows.y, group=group, sampling=options.sampling(where, known))
        problem = RowProblem(self, asked, options, reader, rows, sample, Features({}), classes)
        self.check(problem)
        return problem

    def abroad(
        self, asked: Asked, base: Model | None, source: pa.Table | None, read: Read | None = None
    ) -> RowProblem[O, M]:
        """The target's rows, labelled or not, and the source; without `base` a home model is fitted first.

        What was `read` of the same rows before, whatever labels they had, need not be read again.
        """
        where, label, data = asked.where, asked.label, asked.data
        options = self.options.of(where, asked.options, described(CrossingOptions))
        options.refuse_label(where, label, ("group", "weight"))
        if not data.num_rows:
            raise errors.invalid(where, "the target has no rows", "give its rows, labelled or not")
        found = self.labels(where, data, label)
        self.refuse(where, label, found, at_home=False)
        if read is None:
            refuse_personal(where, data, label, options.told)
        if base is None:
            home = fitted_at_home(self, options.unweighted(source), label, asked.options, asked.step)
        else:
            home = mine(where, base, self.fitted)
        if not options.keep_rows:
            refuse_rows(where, home)
        asked.step(0.0, f"reading {data.num_rows} rows")
        options.refuse_read(where, home.reader.schema.names)
        reader, x = read or self.read_abroad(home, data, label, options, found.present)
        theirs = None if source is None else self.labels(where, source, label)
        classes = self.classes(found, home, theirs, options)
        rows = Labelled(data, found.present, self.coded(found, classes))
        own, pool = x.take(rows.present), x.take(~rows.present)
        group = grouped_rows(options, where, rows, Read(reader, own), classes)
        sample = Sample(own, rows.y, group=group, sampling=options.sampling(where, rows.known))
        origin, given = Source(self.at_home_predictor(home, classes)), None
        if source is not None and theirs is not None:
            given = Labelled(source, theirs.present, self.coded(theirs, classes))
            origin = source_of(
                where, given, data, reader, origin.predictor, options.source_market, named=options.keep_rows
            )
        problem = RowProblem(self, asked, options, reader, rows, sample, pool, classes, home, origin, given)
        self.check(problem)
        return problem

    def read_abroad(
        self, home: M, data: pa.Table, label: str, options: O, present: NDArray[np.bool_]
    ) -> Read:
        """The rows of a target, of which some have a label, as the home model's reader sees them."""
        reader = self.reader_abroad(home, options.read_of(data), label, options)
        return Read(reader, reader.read(data, present))

    def reader_abroad(self, home: M, target: pa.Table, label: str, options: O) -> Reader:
        """The home model's reader for the columns of a target."""
        return home.reader.abroad(target, label, options.roles, options.keeping)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """The task's scores of the rows with a label, and of groups of them by a column.

        Of very many rows of many classes some are drawn at random, as many as say it to half a percent.
        """
        where, known = "xb.evaluate", mine("xb.evaluate", model, self.fitted)
        found = self.labels(where, table, label)
        if not found.present.any():
            raise errors.invalid(where, f"no row has a label in column '{label}'", "give labelled rows")
        classes = self.classes(found, known, None, self.options())
        told = Labelled(table, found.present, self.coded(found, classes))
        some = drawn(len(told.y), max(FEWEST_ASKED, MOST_CELLS // len(classes or (1,))))
        rows, y = told.known.take(some), told.y[some]
        prediction = self._predicted(known, rows, classes)
        tell(0.9, "scoring")
        scores, read = self.scoring(known, rows, prediction, classes), known.reader.at_home(rows)
        own = None if known.seen is None else known.seen.among(read, label)
        return [
            {"group": group, **row}
            for group, members in grouped(where, rows, by)
            for row in (
                *measured(y[members], prediction[members], scores(members)),
                *seen_rows(own, members),
            )
        ]

    def _predicted(self, model: M, rows: pa.Table, classes: Classes) -> Floats:
        """What the model says of rows, some at a time, so that it can be told how far they are."""
        if rows.num_rows <= ASKED:
            return self.prediction(model, rows, classes)
        parts = []
        for start in range(0, rows.num_rows, ASKED):
            tell(0.9 * start / rows.num_rows, f"asking about {rows.num_rows} rows")
            parts.append(self.prediction(model, rows.slice(start, ASKED), classes))
        return np.concatenate(parts)


def grouped_rows(
    options: RowOptions, where: str, rows: Labelled, read: Read, classes: Classes
) -> NDArray[np.int64] | None:
    """The group of each labelled row, see `RowOptions.groups`."""
    y = None if classes is None else np.asarray(rows.y, np.int64)
    seen = np.asarray(read.x["picture"], np.float32) if "picture" in read.x else None
    return options.groups(where, rows.known, read.reader, y, seen)


AnyRowTask: TypeAlias = RowTask[RowOptions, LabelColumn, RowModel]
"""A task of rows, for callers to which it does not matter which."""
