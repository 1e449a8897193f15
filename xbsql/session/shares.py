"""Which market and which kind of data the score of a transfer comes from, by leaving each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, tasks
from xbsql.features.roles import as_text
from xbsql.metrics import rows as metrics
from xbsql.progress import tell
from xbsql.tasks import road
from xbsql.tasks.options import listed
from xbsql.tasks.row_options import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xbsql.engine.evidence import Evidence
    from xbsql.engine.transfer import Transfer
    from xbsql.session.session import Session
    from xbsql.tasks.row_task import AnyRowTask

WHERE = "xb.gain_shares"
DRAWS = 400


class Left(NamedTuple):
    """A transfer without a part.

    Attributes:
        part: 'market' or 'kind'.
        name: of it.
        data: the target's rows.
        source: the home rows; None where nothing is left of them.
        gone: columns that are left out.
    """

    part: str
    name: str
    data: pa.Table
    source: pa.Table | None
    gone: tuple[str, ...] = ()

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options without the columns that are left out."""
        kept = {
            role: [name for name in listed(given[role]) if name not in self.gone]
            for role in ROLES
            if role in given
        }
        return {**given, **kept}


def gain_shares(
    session: Session, data: pa.Table, label: str, source: pa.Table, options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row a home market, where `source_market` names several, and one a kind of data.

    Raises:
        XbsqlError: as xb.transfer, or the labels are no classes or numbers of rows.
    """
    from xbsql.tasks.row_task import RowTask

    with session.calls.record("gain_shares", "", len(data)) as call:
        call.kernel = "leave one out"
        if label not in source.column_names:
            raise errors.unknown(WHERE, "label column", label, source.column_names, place="the source has")
        task = tasks.task_of(WHERE, source.schema, label, options)
        if not isinstance(task, RowTask):
            raise errors.invalid(WHERE, f"the task is {task.name}", "give labels that are classes or numbers")
        whole = _run(task, data, label, source, options)
        rows = []
        parts = [*_markets(data, source, options), *_kinds(whole[0], data, source, label)]
        for place, left in enumerate(parts):
            tell(place / len(parts), f"without {left.name}")
            given = left.options(options)
            less = None if left.source is None else _run(task, left.data, label, left.source, given)[1]
            rows.append({"part": left.part, "name": left.name, **_lost(whole[1], less)})
        return _shared(rows)


def _run(
    task: AnyRowTask, data: pa.Table, label: str, source: pa.Table, options: Mapping[str, Any]
) -> tuple[Any, Transfer]:
    return road.transfer(task, data, label, source=source, options=options)


def _markets(data: pa.Table, source: pa.Table, options: Mapping[str, Any]) -> Iterator[Left]:
    column = options.get("source_market")
    if column is None or column not in source.column_names:
        return
    names = as_text(source[column], column)
    for name in sorted(pc.unique(names.drop_null()).to_pylist()):
        kept = source.filter(pc.fill_null(pc.not_equal(names, name), True))
        yield Left("market", name, data, kept if len(kept) else None)


def _kinds(model: Any, data: pa.Table, source: pa.Table, label: str) -> Iterator[Left]:  # noqa: ANN401
    """Text, vectors and tables, as the model reads them."""
    reader = model.reader
    roles = {column.name: "vector" if column.role == "vector" else "table" for column in reader.table.columns}
    roles |= dict.fromkeys(reader.text, "text")
    for kind in sorted(set(roles.values())):
        gone = [name for name, found in roles.items() if found == kind]
        if len(gone) == len(roles):
            yield Left("kind", kind, data, None)
            continue
        both = [
            side.drop_columns([name for name in gone if name in side.column_names]) for side in (data, source)
        ]
        yield Left("kind", kind, both[0], both[1], tuple(gone))


def _lost(whole: Transfer, less: Transfer | None) -> dict[str, Any]:
    """The score of the blend, without the part, and what is lost with its 95 % interval."""
    row: dict[str, Any] = {"metric": whole.verdict.metric, "score": None, "without": None, "lost": None}
    if whole.evidence is None or whole.held_out is None:
        return row
    row["score"] = whole.verdict.value("blend")
    if less is None or less.evidence is None or less.held_out is None:
        return row
    row["without"] = less.verdict.value("blend")
    row["lost"] = row["score"] - row["without"]
    if whole.verdict.metric == less.verdict.metric and len(whole.evidence.y) == len(less.evidence.y):
        row |= dict(zip(("lo", "hi"), _interval(whole.evidence, whole, less), strict=True))
    return row


def _interval(evidence: Evidence, whole: Transfer, less: Transfer) -> tuple[float, float]:
    from xbsql.engine.objective import SCORES

    y, group = evidence.y, evidence.group
    score = SCORES.get(whole.verdict.metric, metrics.r2)
    counts = metrics.bootstrap_counts(len(y), DRAWS, 0, group)
    both = [
        np.mean([score(y, each, counts) for each in np.asarray(t.held_out)], axis=0) for t in (whole, less)
    ]
    return metrics.interval(both[0] - both[1])


def _shared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The share of each part in what all parts of its sort lose; a part that loses nothing has none."""
    for sort in ("market", "kind"):
        own = [row for row in rows if row["part"] == sort]
        if len(own) == 1:
            own[0]["share"] = 1.0
            continue
        lost = [max(row["lost"] or 0.0, 0.0) for row in own]
        for row, each in zip(own, lost, strict=True):
            row["share"] = each / sum(lost) if sum(lost) > 0 else None
    return sorted(rows, key=lambda row: (row["part"], -(row["share"] or 0.0), row["name"]))
