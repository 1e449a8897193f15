"""Tasks whose unit is a row: read into views, tried over folds, blended by the engine."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from xbsql import errors
from xbsql.engine.candidate import Candidate, Sample, Source
from xbsql.engine.held_out import judged_once
from xbsql.engine.transfer import Home, Transfer, Trial, carried
from xbsql.engine.transfer import transfer as run
from xbsql.features.drawn import drawn
from xbsql.features.views import Features, stack
from xbsql.progress import tell
from xbsql.tasks.leaks import leak_notes
from xbsql.tasks.notes import kind_notes, lacking_notes, reading_notes
from xbsql.tasks.options import CrossingOptions, described
from xbsql.tasks.personal import refuse_personal
from xbsql.tasks.reach import fit_reach
from xbsql.tasks.reader import fit_reader
from xbsql.tasks.road import fitted_at_home
from xbsql.tasks.row_model import RowModel, refuse_rows
from xbsql.tasks.row_options import RowOptions
from xbsql.tasks.rows import Labelled, market_notes, source_of
from xbsql.tasks.scores import grouped, measured
from xbsql.tasks.seen import copies_notes, seen, seen_rows
from xbsql.tasks.task import Asked, Problem, Task, mine
from xbsql.tasks.trial import Known, home_rows, known_at_home, known_notes, refitted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.blend import Blend
    from xbsql.engine.candidate import Predictor
    from xbsql.engine.objective import Objective
    from xbsql.metrics.rows import Floats, Labels
    from xbsql.progress import Progress
    from xbsql.store.model import Model
    from xbsql.tasks.reach import Reach
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.scores import Members, Score
    from xbsql.tasks.seen import Seen

    Classes = tuple[str, ...] | None


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

O = TypeVar("O", bound=RowOptions)  # noqa: E741 - the options of a task
L = TypeVar("L", bound=LabelColumn)
M = TypeVar("M", bound=RowModel)


class Read(NamedTuple):
    """Rows as they are read, whatever labels they have."""

    reader: Reader
    x: Features


@dataclass(frozen=True)
class RowProblem(Problem[Candidate, Transfer, M], Generic[O, M]):
    """Rows of one market, or of a target with a source, ready for the engine.

    Attributes:
        task: what kind of problem it is.
        asked: what the user asked for.
        options: of the user, checked.
        reader: of the target's columns.
        target: the rows of `asked.data` and their labels.
        sample: the labelled ones, read.
        pool: the others, read; empty at home.
        classes: names by code, over both markets; None where labels are values.
        home: the home model; None at home.
        origin: the home model over all classes, with the home rows where they may be read; None at home.
        source: those rows and their labels; None where they may not be read.
    """

    task: RowTask[O, Any, M]
    asked: Asked
    options: O
    reader: Reader
    target: Labelled
    sample: Sample
    pool: Features
    classes: Classes
    home: M | None = None
    origin: Source | None = None
    source: Labelled | None = None

    @cached_property
    def home_rows(self) -> Sample | None:
        """The home rows, where there are any to fit on again."""
        return None if self.home is None or self.origin is None else home_rows(self.home, self.origin)

    @cached_property
    def known(self) -> Known:
        """What home knows of the labelled rows."""
        if self.home is None:
            return Known(np.zeros(len(self), bool))
        source = None if self.source is None else self.source.known
        views, codes = (self.sample.x, self.pool), None
        if self.classes is not None:
            codes = np.asarray(self.sample.y, np.int64)
        return known_at_home(
            self.target.known, self.asked.label, self.home, source, views, self.home_rows, codes
        )

    @cached_property
    def seen(self) -> Seen | None:
        """Hashes of the rows that the model is fitted on, for the model."""
        before = None if self.home is None else self.home.seen
        keep = self.options.keep_rows
        before = None if before is None or (before.labelled and not keep) else before
        if not len(self):
            return before
        return seen(
            self.target.known, self.reader.schema.names, self.asked.label, labelled=keep, before=before
        )

    @property
    def at_home(self) -> tuple[pa.Table, Sample] | None:
        """The labelled home rows, and the same read for the target; None where they may not be read."""
        rows = None if self.origin is None else self.origin.sample
        return None if rows is None or self.source is None else (self.source.known, rows)

    def without(self, left: NDArray[np.bool_]) -> Self | None:
        """The same target with a home market of these home rows alone.

        Returns:
            None where the home model cannot be fitted on them again.
        """
        if self.home is None or self.origin is None or self.home_rows is None:
            return None
        rows, market = self.home_rows.take(left), self.origin.market
        alone = replace(self, sample=rows, pool=Features({}), home=None, origin=None)
        again = refitted(self.home, alone.candidates(), rows, self.classes)
        if again is None:
            return None
        predictor = self.task.at_home_predictor(again, self.classes)
        given = None if self.origin.sample is None else rows
        source = Source(predictor, given, None if market is None else market[left], self.origin.markets)
        return replace(self, home=again, origin=source)

    def trial(self, candidates: Sequence[Candidate]) -> Trial | None:
        """What candidates are tried on; None: on what they are fitted on, as home knows no labelled row.

        Where home cannot be fitted again without the rows that it knows, these are not judged on.
        """
        known = self.known
        if known.nothing or self.origin is None:
            return None
        once = self.classes is not None and judged_once(len(self), len(self.classes))
        if known.apart and not once and (homes := self._homes(candidates)):
            return Trial(homes, listed=known.twins is not None)
        if not known.copies.any():
            return None
        return Trial([Home(candidates, self.origin, ~known.copies)], ~known.copies)

    def _homes(self, candidates: Sequence[Candidate]) -> list[Home]:
        """Homes that do not know the rows they judge; none where the home model cannot be fitted again."""
        names, homes = {candidate.name for candidate in candidates}, []
        for rows in self.known.parts(self.options.seed):
            fresh = self.without(self.known.left(rows))
            again = [] if fresh is None else [c for c in fresh.candidates() if c.name in names]
            if fresh is None or fresh.origin is None or len(again) < len(names):
                return []
            homes.append(Home(again, fresh.origin, rows))
        return homes

    @property
    def _measures(self) -> bool:
        """Whether several numbers are read: categories, and the values of one number, meet by chance."""
        return sum(column.role == "number" for column in self.reader.table.columns) > 1

    @property
    def metric(self) -> str:  # type: ignore[override]
        """The score that the task reports first."""
        return self.task.metric

    @property
    def reach(self) -> Reach | None:
        """The rows that `shift` is measured by; None where none may leave the market."""
        if not self.options.keep_rows:
            return None
        everyone = self.sample.x if self.home is None else stack([self.sample.x, self.pool])
        return fit_reach(everyone, self.reader.table.categorical)

    def __len__(self) -> int:
        return len(self.sample)

    def candidates(self) -> list[Candidate]:
        """See the task."""
        return self.task.candidates(self)

    def weighed(self, candidates: Sequence[Candidate], progress: Progress) -> Transfer:
        """The engine, over folds of the labelled rows whose groups stay whole."""
        judge, seed = self.task.objective(self), self.options.seed
        trial = None if self.home is None else self.trial(candidates)
        found = run(
            candidates, self.origin, self.sample, self.pool, judge, seed=seed, progress=progress, trial=trial
        )
        if found.evidence is None:
            return self.task.estimated(self, found)
        return self.task.measured(self, found, candidates)

    def carried(self) -> Blend:
        """The blend of all candidates, without a verdict."""
        judge, seed = self.task.objective(self), self.options.seed
        return carried(self.candidates(), self.origin, self.sample, self.pool, judge, seed=seed)

    def model(self, found: Transfer) -> M:
        """See the task."""
        return self.task.model(self, found)

    def scores(self, found: Transfer) -> list[dict[str, Any]]:
        """The task's scores of the blend's out-of-fold predictions, averaged over the repeats."""
        if found.held_out is None or found.evidence is None:
            return []
        seen, scores = found.evidence, self.task.scores(self.classes)
        return measured(seen.y, found.held_out.mean(axis=0), scores, weight=seen.sampling)

    def notes(self, found: Transfer) -> list[str]:
        """What the reader makes of the columns, what the target lacks, and columns that give labels away."""
        label, rows = self.asked.label, self.target
        read = self.options.read_of(rows.known if self.home is None else rows.table)
        classes, keep = None if self.classes is None else len(self.classes), self.options.keep_rows
        return [
            *self.task.notes(self),
            *known_notes(self.known, found.tried, [arm.name for arm in found.verdict.arms]),
            *(copies_notes(self.seen, len(self)) if self._measures and not self.options.group else []),
            *([] if self.home is None else lacking_notes(self.home.reader, rows.table)),
            *([] if self.home is None else kind_notes(self.home.reader, rows.table)),
            *reading_notes(self.reader, read, label),
            *leak_notes(self.reader, rows.known, self.sample, classes, quoted=keep, home=self.at_home),
            *market_notes(found.predictors),
        ]


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
        reader, x = read or self.read_abroad(home, data, label, options)
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

    def read_abroad(self, home: M, data: pa.Table, label: str, options: O) -> Read:
        """The rows of a target as the home model's reader sees them."""
        reader = self.reader_abroad(home, options.read_of(data), label, options)
        return Read(reader, reader.read(data))

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
