"""Regression: a number for each row of columns, text or both, with an interval of its own market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from xbsql.engine.folds import FEWEST_LABELS, groups_of
from xbsql.engine.objective import regression
from xbsql.features.roles import kind_of
from xbsql.metrics import rows as metrics
from xbsql.tasks.predict.candidates import home_candidates, transfer_candidates
from xbsql.tasks.predict.intervals import fit_radii
from xbsql.tasks.predict.options import PredictOptions
from xbsql.tasks.predict.regressor import Regressor
from xbsql.tasks.predict.values import ValueLabels, values_of, varied
from xbsql.tasks.row_task import RowTask
from xbsql.tasks.scores import VALUES, answering, coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Candidate
    from xbsql.engine.objective import Objective
    from xbsql.engine.transfer import Transfer
    from xbsql.metrics.rows import Floats, Labels
    from xbsql.tasks.row_problem import Classes, RowProblem
    from xbsql.tasks.scores import Members, Score

    Problem = RowProblem[PredictOptions, Regressor]


class Predict(RowTask[PredictOptions, ValueLabels, Regressor]):
    """Labels are finite numbers, not all the same; a target of under 30 may have all the same."""

    name = "predict"
    options = PredictOptions
    fitted = Regressor
    metric = "r2"

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Numbers; such as are codes of a tree have levels."""
        kind = schema.field(label).type
        return (
            options.get("levels") is None and not pa.types.is_dictionary(kind) and kind_of(kind) == "number"
        )

    def labels(self, where: str, table: pa.Table, label: str) -> ValueLabels:
        """The labels as float64."""
        return values_of(where, table, label)

    def refuse(self, where: str, label: str, found: ValueLabels, *, at_home: bool) -> None:
        """One value alone."""
        varied(where, label, found, 0 if at_home else FEWEST_LABELS)

    def coded(self, found: ValueLabels, classes: Classes) -> NDArray[np.float64]:
        """The labels as they are."""
        return found.y

    def judge(self, classes: Classes) -> Objective:
        """Squared error, told as R2."""
        return regression()

    def candidates(self, problem: Problem) -> list[Candidate]:
        """See `predict.candidates`."""
        if problem.origin is None:
            return home_candidates(problem.reader)
        return transfer_candidates(problem.reader, problem.origin)

    def check(self, problem: Problem) -> None:
        """A column of intervals that is not read."""
        problem.options.widths_by(problem.asked.where, problem.target.known, problem.reader)

    def model(self, problem: Problem, found: Transfer) -> Regressor:
        """The blend, its interval from residuals that are out of fold; without these there is none."""
        asked, options, rows = problem.asked, problem.options, problem.sample
        radius = None
        if found.held_out is not None:
            widths = options.widths_by(asked.where, problem.target.known, problem.reader)
            if found.tried is not None:
                rows, widths = rows.take(found.tried), widths and widths.filter(pa.array(found.tried))
            radius = fit_radii(
                rows.y, found.held_out, options.level, groups_of(rows), options.intervals_by, widths,
                rows.sampling,
            )  # fmt: skip
        blend = found.blend
        if not options.keep_rows:
            radius, blend = radius and radius.concealed(), blend.rounded()
        return Regressor(
            problem.reader, blend, asked.label, radius, options.level, asked.market, problem.reach,
            options.abstain, problem.seen,
        )  # fmt: skip

    def scores(self, classes: Classes) -> Mapping[str, Score]:
        """R2, MAE and RMSE."""
        return VALUES

    def prediction(self, model: Regressor, rows: pa.Table, classes: Classes) -> Floats:
        """Values."""
        return model.values(rows)

    def scoring(
        self, model: Regressor, rows: pa.Table, prediction: Floats, classes: Classes
    ) -> Callable[[Members], Mapping[str, Score]]:
        """The scores of `fit`, 'coverage' of intervals, and 'answered' and 'mae_answered' of an abstainer."""
        radius = None if model.radius is None else model.radius.of(model.reader.at_home(rows))
        answered = model.answers(rows)

        def scores(members: Members) -> Mapping[str, Score]:
            found = dict(VALUES)
            if radius is not None:
                found["coverage"] = coverage(radius[members])
            if answered is not None:
                found |= answering(answered[members], "mae", VALUES["mae"])
            return found

        return scores

    def truth(self, found: ValueLabels) -> Labels:
        """The values."""
        return found.y

    def answers(self, prediction: Floats, classes: Classes) -> Labels:
        """The value of each row, whether the model abstains or not."""
        return prediction

    def agreement(self, truth: Labels, answers: Labels, weight: Floats | None) -> Floats:
        """R2."""
        return metrics.r2(truth, answers, weight)


TASK: Final = Predict()
