"""One fit or transfer of rows: read and checked, ready for the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import numpy as np

from xbsql.engine.candidate import Candidate, Sample, Source
from xbsql.engine.held_out import judged_once
from xbsql.engine.transfer import Home, Transfer, Trial, carried
from xbsql.engine.transfer import transfer as run
from xbsql.features.views import Features, stack
from xbsql.tasks.leaks import leak_notes
from xbsql.tasks.notes import kind_notes, lacking_notes, reading_notes
from xbsql.tasks.reach import fit_reach
from xbsql.tasks.row_model import RowModel
from xbsql.tasks.row_options import RowOptions
from xbsql.tasks.rows import Labelled, market_notes
from xbsql.tasks.scores import measured
from xbsql.tasks.seen import copies_notes, seen
from xbsql.tasks.task import Asked, Problem
from xbsql.tasks.trial import Known, home_rows, known_at_home, known_notes, refitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.blend import Blend
    from xbsql.engine.candidate import Predictor
    from xbsql.engine.objective import Objective
    from xbsql.progress import Progress
    from xbsql.tasks.reach import Reach
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.scores import Score
    from xbsql.tasks.seen import Seen

    Classes = tuple[str, ...] | None

O = TypeVar("O", bound=RowOptions)  # noqa: E741 - the options of a task
M = TypeVar("M", bound=RowModel)


class Rows(Protocol[O, M]):
    """What a problem asks of its task, see `row_task.RowTask`."""

    @property
    def metric(self) -> str:
        """The score that is reported first."""
        ...

    def objective(self, problem: RowProblem[O, M]) -> Objective:
        """How predictions are judged."""
        ...

    def candidates(self, problem: RowProblem[O, M]) -> list[Candidate]:
        """What can be tried."""
        ...

    def estimated(self, problem: RowProblem[O, M], found: Transfer) -> Transfer:
        """What was found where nothing could be measured."""
        ...

    def measured(
        self, problem: RowProblem[O, M], found: Transfer, candidates: Sequence[Candidate]
    ) -> Transfer:
        """What was found where something was."""
        ...

    def model(self, problem: RowProblem[O, M], found: Transfer) -> M:
        """The model of what came out."""
        ...

    def scores(self, classes: Classes) -> Mapping[str, Score]:
        """What `fit` reports, by name."""
        ...

    def notes(self, problem: RowProblem[O, M]) -> list[str]:
        """What is to be said of the labels."""
        ...

    def at_home_predictor(self, home: M, classes: Classes) -> Predictor:
        """The home model's predictor, over all classes."""
        ...


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

    task: Rows[O, M]
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
            *reading_notes(self.reader, read, label, self.options.roles, home=self.home is not None),
            *leak_notes(self.reader, rows.known, self.sample, classes, quoted=keep, home=self.at_home),
            *market_notes(found.predictors),
        ]
