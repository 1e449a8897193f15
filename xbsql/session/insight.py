"""What looks inside models and markets: why a model says so, what labels bring, how markets differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, tasks
from xbsql.arrow import digest, one_chunk
from xbsql.progress import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.session.session import Session
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import AnyRowTask


def explain(
    session: Session, reference: str, rows: pa.Array, background: pa.Array | None, *, per_row: bool
) -> pa.Table:
    """What each feature adds to each prediction.

    Args:
        session: whose models are used.
        reference: a model.
        rows: the rows as STRUCT.
        background: rows to compare them with, as STRUCT; None compares them with one another.
        per_row: one line a row and feature, else one a feature, over at most 2,000 of the rows.

    Returns:
        row (int64, from 1), label, feature, value (strings) and contribution (float64), see `Explanation`.

    Raises:
        XbsqlError: no such model, a column that it reads is missing, or nothing to compare one row with.
    """
    from xbsql.tasks.explain import explain as run
    from xbsql.tasks.explain import summed

    where = "xb.explain"
    _, model = of_rows(session, where, reference)
    table = pa.Table.from_batches([model.signature.batch(where, reference, rows)])
    behind = None
    if background is not None:
        behind = pa.Table.from_batches([model.signature.batch(where, reference, background)])
    with session.calls.record("explain", reference, len(rows)) as call:
        call.kernel = "tree SHAP"
        return run(model, table, behind).per_row() if per_row else summed(model, table, behind)


def label_curve(
    session: Session, reference: str, data: pa.Table, label: str | None, options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The score by number of labels of the target alone and of the transfer from the model.

    A transferred model stands for its base, which has seen no label of the target. The target alone is shown
    where the model was fitted on these very rows, or transferred from rows without a base.

    Raises:
        XbsqlError: no such model or column, or fewer than 30 labelled rows.
    """
    from xbsql.tasks.curve import label_curve as run

    where = "xb.label_curve"
    task, model = of_rows(session, where, reference)
    column = label or model.signature.label
    if column not in data.column_names:
        raise errors.unknown(where, "label column", column, data.column_names, place="the table has")
    card = session.store.artifact(where, reference).card
    home: RowModel | None = model
    if "verdict" in card:
        home = of_rows(session, where, card["base"])[1] if card["base"] else None
    elif card.get("data") == digest(data):
        home = None
    with session.calls.record("label_curve", reference, len(data)):
        return run(task, model, home, data, column, options=options, progress=tell)


def suggest_labels(
    session: Session, reference: str, data: pa.Table, n: int, by: str | None, seed: int
) -> pa.Table:
    """Which rows to label next: row (int64, from 1), part, weight and doubt, see `tasks.suggest`.

    Raises:
        XbsqlError: no such model or column, a column that the model reads is missing, or no row is free.
    """
    from xbsql.tasks.suggest import suggest

    where = "xb.suggest_labels"
    _, model = of_rows(session, where, reference)
    model.signature.batch(where, reference, one_chunk(data.to_struct_array()))
    with session.calls.record("suggest_labels", reference, len(data)) as call:
        call.kernel = "experimental design"
        return suggest(model, data, n, by=by, seed=seed).table()


def weights(
    session: Session, source: pa.Table, target: pa.Table, method: str, columns: Sequence[str] | None
) -> pa.Table:
    """Row (int64, from 1) and weight (float64) of each source row, see `tasks.compare.weights`."""
    from xbsql.tasks.compare import weights as run

    with session.calls.record("weights", "", len(source)) as call:
        call.kernel = method
        found = run(source, target, method, columns)
    return pa.table({"row": pc.add(pa.array(range(len(found)), pa.int64()), 1), "weight": found})


def domain_similarity(
    session: Session,
    source: pa.Table,
    target: pa.Table,
    columns: Sequence[str] | None,
    reference: str | None,
) -> list[dict[str, Any]]:
    """Rows measure, column, value: what a home model is worth, then `tasks.compare.similarity`.

    Args:
        session: whose models are used.
        source: the home market's rows.
        target: the foreign market's rows.
        columns: those to compare; None compares all that both have.
        reference: a home model, see `tasks.home_fit`; None leaves it out.

    Raises:
        XbsqlError: no such model, it reads series, or a column that it reads is missing.
    """
    from xbsql.tasks.compare import similarity
    from xbsql.tasks.home_fit import home_fit

    where = "xb.domain_similarity"
    known = None if reference is None else of_rows(session, where, reference)
    with session.calls.record("domain_similarity", reference or "", len(source)) as call:
        call.kernel = "mmd2"
        alike = similarity(source, target, columns)
        if known is None or reference is None:
            return alike
        task, model = known
        for side in (source, target):
            model.signature.batch(where, reference, one_chunk(side.to_struct_array()))
        return [*home_fit(task, model, source, target), *alike]


def of_rows(session: Session, where: str, reference: str) -> tuple[AnyRowTask, RowModel]:
    """A model that reads whole rows, and its task.

    Raises:
        XbsqlError: no such model, or it is of another task.
    """
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import RowTask

    model = session.model(where, reference)
    task = tasks.task_named(where, model.signature.task)
    if isinstance(task, RowTask) and isinstance(model, RowModel):
        return task, model
    known = [name for name in tasks.TASKS if isinstance(tasks.task_named(where, name), RowTask)]
    problem = f"'{reference}' was fitted for {model.signature.task}"
    raise errors.invalid(where, problem, f"give a model of the task {' or '.join(known)}")
