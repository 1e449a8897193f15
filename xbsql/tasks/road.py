"""The road that every task takes: fit, transfer, evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from xbsql import errors
from xbsql.engine.candidate import Family
from xbsql.progress import quiet
from xbsql.tasks.progress import fitting
from xbsql.tasks.task import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from xbsql.progress import Progress
    from xbsql.store.model import Model
    from xbsql.tasks.task import Done, Entrant, Fitted, Found, Problem, Task


def fit(
    task: Task[Fitted, Done],
    data: pa.Table,
    label: str,
    *,
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Fitted, list[dict[str, Any]]]:
    """Fit a model on the rows of one market.

    Args:
        task: the kind of problem.
        data: rows with the label column; what a NULL label means is the task's.
        label: the column that is learnt.
        market: what the rows are from, for the record.
        options: see the task's options.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The model, and one row a metric: metric, value, lo, hi (out of fold; None with too few labels), rows,
        note.

    Raises:
        XbsqlError: an option that there is not, no such column, labels that cannot be learnt,
            nothing to read.
    """
    step = progress or quiet
    task.options.refuse_abroad("xb.fit", options or {})
    problem = task.at_home(Asked("xb.fit", data, label, market, options or {}, step))
    model, found = solved(problem, step=step)
    step(1.0, "fitted")
    return model, _report(problem, problem.scores(found), found.verdict.notes)


def transfer(
    task: Task[Fitted, Found],
    data: pa.Table,
    label: str,
    *,
    base: Model | None = None,
    source: pa.Table | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Fitted, Found]:
    """Carry what a home market knows to the market of `data`, and say whether that helped.

    Args:
        task: the kind of problem.
        data: the target; rows whose label is NULL, or all of them, are unlabelled.
        label: the label column, of the same name on both sides.
        base: the home market's model.
        source: the home market's rows.
        market: what the target is, for the record.
        method: 'auto', a family or a candidate; target-only candidates always stay.
        options: see the task's options.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The transferred model, and all that the engine found: the verdict with notes, every candidate, its
        weight and evidence. Intervals are calibrated on the target's labels alone.

    Raises:
        XbsqlError: neither base nor source, no row where the task asks for one, an option that there is
            not, a column that is missing or of another type, labels that cannot be learnt, no such method.
    """
    where, step = "xb.transfer", progress or quiet
    if base is None and source is None:
        raise errors.invalid(where, "neither base nor source is given", "name a home model or its rows")
    if not data.num_rows and not task.unsold:
        raise errors.invalid(where, "data has no rows", "give a table with at least one row")
    problem = task.abroad(Asked(where, data, label, market, options or {}, step), base, source)
    model, found = solved(problem, method, step)
    step(1.0, "transferred")
    return model, found


def evaluate(
    task: Task[Model, Done], model: Model, table: pa.Table, label: str, by: str | None = None
) -> list[dict[str, Any]]:
    """Measure a model on labelled rows; a forecast on the last steps of each series.

    Args:
        task: the model's.
        model: from `fit` or `transfer`; best one that has not seen these rows.
        table: rows with the model's columns and the label; rows without a label do not count.
        label: the label column.
        by: a column: one more group of rows for each of its values. Of a forecast 'step'.

    Returns:
        One row a group and metric, all rows first: group (None for these), metric, value, lo and hi (95 %
        bootstrap interval), rows. A value is None where a group leaves it undefined.

    Raises:
        XbsqlError: no such column, labels of another kind, no labelled row, another `by`.
    """
    return task.evaluated(model, table, label, by)


def solved(
    problem: Problem[Entrant, Found, Fitted], method: str = "auto", step: Progress = quiet
) -> tuple[Fitted, Found]:
    """The model of a problem, and all that the engine found, the notes in its verdict.

    Raises:
        XbsqlError: no such method.
    """
    chosen = restricted("xb.transfer", problem.candidates(), method)
    found = problem.weighed(chosen, fitting(step))
    return problem.model(found), found.noted(problem.notes(found))


def fitted_at_home(
    task: Task[Fitted, Done],
    source: pa.Table | None,
    label: str,
    options: Mapping[str, Any],
    progress: Progress,
) -> Fitted:
    """The model that a transfer without `base` starts from: fitted on the home rows.

    Options that say nothing of the home model are left out.

    Raises:
        XbsqlError: there are no home rows, or they cannot be learnt from.
    """
    if source is None:
        raise errors.invalid(
            "xb.transfer", "neither base nor source is given", "name a home model or its rows"
        )

    def step(share: float, text: str) -> None:
        progress(0.0, f"home: {text}")

    try:
        problem = task.at_home(Asked("xb.fit", source, label, None, task.options.at_home(options), step))
        return problem.model(problem.weighed(problem.candidates(), fitting(step)))
    except errors.XbsqlError as error:
        raise errors.invalid("xb.transfer", f"in the source, {error.said}") from error


def restricted(where: str, candidates: Sequence[Entrant], method: str) -> list[Entrant]:
    """The candidates of a family or of one name; target-only ones always stay, to compare with.

    Raises:
        XbsqlError: no such family or candidate.
    """
    if method == "auto":
        return list(candidates)
    chosen = [c for c in candidates if method in (c.family, c.name)]
    if not chosen:
        names = ["auto", *get_args(Family), *(c.name for c in candidates)]
        if method in names:
            raise errors.invalid(where, f"no candidate of the family '{method}' serves here", "use 'auto'")
        raise errors.unknown(where, "method", method, names)
    return [c for c in candidates if c in chosen or c.family == "target"]


def _report(
    problem: Problem[Any, Any, Any], scores: Sequence[dict[str, Any]], notes: Sequence[str]
) -> list[dict[str, Any]]:
    """The rows of `xb.fit`: one a metric, the notes beside each.

    Args:
        problem: whose scores they are.
        scores: what was measured; empty where that cannot be: one row of the task's first metric says so.
        notes: one line each.
    """
    if scores:
        return [{**row, "note": "; ".join(notes) or None} for row in scores]
    note = "; ".join([problem.unmeasured, *notes])
    nothing = {"metric": problem.metric, "value": None, "lo": None, "hi": None}
    return [{**nothing, "rows": len(problem), "note": note}]
