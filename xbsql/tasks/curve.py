"""The label curve: what a market's labels are worth, and what more of them would bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.engine.folds import FEWEST_LABELS, assign_folds
from xbsql.features.drawn import drawn
from xbsql.metrics import rows as metrics
from xbsql.progress import quiet
from xbsql.tasks.task import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats, Labels
    from xbsql.progress import Progress
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import AnyRowTask, Read

SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Numbers of labels that are tried, as far as there are labels, and then as many as the folds leave."""

FOLDS = 5
DRAWS = 400

MOST_UNLABELLED = 2000
"""Unlabelled rows that take part: each size reads them five times."""

TIMES = (2, 4)
"""The curve is followed to so many times the labels there are."""

LAST_POINTS = 3
"""Points at the curve's end that it is followed from: its beginning is steeper."""


@dataclass(frozen=True)
class Measured:
    """One arm with so many labels.

    Attributes:
        labels: how many it was fitted on.
        arm: 'source only', 'target only' or 'blend'.
        value: its score.
        draws: the score in each bootstrap resample, shape (draws,).
        basis: 'measured' or 'extrapolated'.
    """

    labels: int
    arm: str
    value: float
    draws: Floats
    basis: str = "measured"

    def row(self, metric: str) -> dict[str, Any]:
        """The point with its 95 % interval."""
        lo, hi = metrics.interval(self.draws)
        shown = {"labels": self.labels, "arm": self.arm, "basis": self.basis, "metric": metric}
        numbers = {"value": self.value, "lo": lo, "hi": hi}
        return shown | {name: None if np.isnan(number) else number for name, number in numbers.items()}


def label_curve(
    task: AnyRowTask,
    model: RowModel,
    home: RowModel | None,
    table: pa.Table,
    label: str,
    *,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """The out-of-fold score by number of labels: of the target alone, and of the transfer from a home model.

    In each of five folds models are fitted on growing, nested draws of the other folds' labels and asked
    about the fold's rows, so that every label judges once at every size. Beyond the labels there are, what
    the score lacks of 1 is taken to fall as a power of their number, through the last three measured points
    (Cortes et al., NIPS 1994): an optimist's curve where part of it is noise that no label removes.

    Args:
        task: the model's.
        model: says how rows are read and labels are judged.
        home: the home model that has seen none of these rows; None for the target alone.
        table: rows of the target; of those whose label is NULL 2,000 take part and stay unlabelled.
        label: the label column.
        options: of the fits, see the task's.
        progress: told the share done.

    Returns:
        Rows labels, arm, basis ('measured', 'extrapolated'), metric ('accuracy' or 'r2'), value, lo, hi (95 %
        bootstrap interval), by arm and labels. A size at which a fit is not possible is left out.

    Raises:
        XbsqlError: fewer than 30 labelled rows, or labels that are none of the task.
    """
    asked = _Asked(task, model, home, table, label, options or {})
    arms = {"target only": asked.alone, **({} if home is None else {"blend": asked.carried})}
    step, done, total = progress or quiet, 0, len(arms) * len(asked.sizes)
    points = [] if home is None else asked.without_labels(home)
    for arm, fitted in arms.items():
        measured = []
        for size in asked.sizes:
            found = asked.out_of_fold(arm, size, fitted)
            measured += [] if found is None else [found]
            done += 1
            step(done / total, f"{arm}, {size} labels")
        points += measured + list(_followed(measured, len(asked.rows)))
    order = {"source only": 0, "target only": 1, "blend": 2}
    points.sort(key=lambda point: (order[point.arm], point.labels))
    return [point.row(task.metric) for point in points]


class _Asked:
    """One curve's rows, folds and bootstrap."""

    def __init__(
        self, task: AnyRowTask, model: RowModel, home: RowModel | None, table: pa.Table, label: str,
        options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        where = "xb.label_curve"
        self.task, self.model, self.home = task, model, home
        self.label, self.options = label, options
        self.table = table.take(pa.array(_taking_part(pc.is_valid(table[label]).to_numpy())))
        self.rows = np.flatnonzero(pc.is_valid(self.table[label]).to_numpy())
        if len(self.rows) < FEWEST_LABELS:
            problem = f"{len(self.rows)} rows have a label in column '{label}'"
            raise errors.invalid(where, problem, f"give {FEWEST_LABELS} or more")
        self.known = self.table.take(pa.array(self.rows))
        self.truth = task.truth(task.labels(where, self.known, label))
        chosen = task.options.of(where, options)
        codes = np.unique(self.truth, return_inverse=True)[1]
        kinds = codes if self.truth.dtype == object else None
        group = chosen.groups(where, self.known, model.reader, kinds)
        units = np.arange(len(self.rows)) if group is None else group
        self.folds = assign_folds(codes, units, FOLDS, np.random.default_rng(chosen.seed))
        self.weight = chosen.sampling(where, self.known)
        counts = metrics.bootstrap_counts(len(self.rows), DRAWS, chosen.seed, units)
        self.counts = counts if self.weight is None else counts * self.weight
        most = len(self.rows) - int(np.bincount(self.folds).max())
        self.sizes = [*(size for size in SIZES if size < 0.8 * most), most]

    @cached_property
    def read(self) -> Read:
        """The whole table, read once for every transfer."""
        assert self.home is not None
        chosen = self.task.options.of("xb.label_curve", self.options)
        labelled = np.zeros(len(self.table), bool)
        labelled[self.rows] = True
        return self.task.read_abroad(self.home, self.table, self.label, chosen, labelled)

    def alone(self, chosen: NDArray[np.int64], asked: NDArray[np.int64]) -> Labels:
        """The answers to some labelled rows of a model fitted on others."""
        rows = self.known.take(pa.array(chosen))
        problem = self.task.at_home(Asked("xb.fit", rows, self.label, None, self.options, quiet))
        x = problem.reader.read(self.known.take(pa.array(asked)))
        return self.task.answers(problem.carried().predict(x), problem.classes)

    def carried(self, chosen: NDArray[np.int64], asked: NDArray[np.int64]) -> Labels:
        """The same of the home model, carried to the whole table with the labels of the chosen rows shown."""
        shown = np.zeros(len(self.table), bool)
        shown[self.rows[chosen]] = True
        column = self.table[self.label]
        masked = pc.if_else(pa.array(shown), column, pa.scalar(None, column.type))
        data = self.table.set_column(self.table.column_names.index(self.label), self.label, masked)
        where = Asked("xb.transfer", data, self.label, None, self.options, quiet)
        problem = self.task.abroad(where, self.home, None, self.read)
        x = self.read.x.take(self.rows[asked])
        return self.task.answers(problem.carried().predict(x), problem.classes)

    def without_labels(self, home: RowModel) -> list[Measured]:
        """The home model as it is, and carried without a label."""
        task, everyone = self.task, np.arange(len(self.rows))
        classes = task.classes(
            task.labels("xb.label_curve", self.known, self.label), home, None, task.options()
        )
        alone = task.answers(task.prediction(home, self.known, classes), classes)
        found = [("source only", alone), ("blend", self.carried(np.empty(0, np.int64), everyone))]
        return [self._point(arm, 0, answers) for arm, answers in found]

    def out_of_fold(
        self, arm: str, size: int, fitted: Callable[[NDArray[np.int64], NDArray[np.int64]], Labels]
    ) -> Measured | None:
        """The arm's score with so many labels; None where it cannot be fitted on some draw."""
        answers = np.empty(len(self.rows), self.truth.dtype)
        for fold in range(FOLDS):
            own = self.folds == fold
            drawn = np.random.default_rng([fold, FOLDS]).permutation(np.flatnonzero(~own))[:size]
            try:
                answers[own] = fitted(np.sort(drawn), np.flatnonzero(own))
            except errors.XbsqlError:
                return None
        return self._point(arm, size, answers)

    def _point(self, arm: str, labels: int, answers: Labels) -> Measured:
        score = partial(self.task.agreement, self.truth, answers)
        return Measured(labels, arm, float(score(self.weight)), score(self.counts))


def _taking_part(labelled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Every labelled row and some of the others."""
    others = np.flatnonzero(~labelled)
    return np.sort(np.concatenate([np.flatnonzero(labelled), others[drawn(len(others), MOST_UNLABELLED)]]))


def _followed(measured: list[Measured], labels: int) -> Iterator[Measured]:
    """Points beyond the labels there are, on the power law through the last measured ones; it never falls."""
    last = measured[-LAST_POINTS:]
    if len(last) < 2:
        return
    sizes = np.log([point.labels for point in last])
    scores = np.column_stack([np.append(point.value, point.draws) for point in last])
    lack = np.log(np.maximum(1.0 - scores, 0.5 / labels))
    away = sizes - sizes.mean()
    slope = np.minimum(lack @ away / (away @ away), 0.0)
    for times in TIMES:
        found = 1.0 - np.exp(lack.mean(axis=1) + slope * (np.log(times * labels) - sizes.mean()))
        yield Measured(times * labels, last[0].arm, float(found[0]), found[1:], "extrapolated")
