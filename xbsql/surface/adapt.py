"""Models that follow their market: drift, new labels, what happened when and why."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa

from xbsql.session import adapt as run
from xbsql.session.drift import drift as run_drift
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Given, Model, Name, Rows, Share, Text
from xbsql.surface.function import Columns, function
from xbsql.tasks.follow import Follow

HAPPENED: Columns = {
    "event": "VARCHAR", "labels": "BIGINT", "open": "BIGINT", "alarm": "VARCHAR", "since": "VARCHAR",
    "metric": "VARCHAR", "before": "DOUBLE", "after": "DOUBLE", "reason": "VARCHAR", "note": "VARCHAR",
}  # fmt: skip


@function(
    {"model": "VARCHAR", "version": "INTEGER", **HAPPENED, "seconds": "DOUBLE"},
    example="CALL xb.adapt('days_home', parcels, 'days')",
    action=True,
)
def adapt(
    session: Session,
    model: Annotated[Name, "its name, without a version: the promoted one is adapted"],
    data: Annotated[
        pa.Table, Rows(), f"labelled rows, new and known, and those that wait for a label: {DATA}"
    ],
    label: Annotated[Name, "the label column; NULL where the label has not arrived"],
    ts: Annotated[
        Text,
        "the column that says when each row was; NULL: the rows of a call are of one moment, in no order",
    ] = None,
    id: Annotated[
        Text, "the column that names a row; NULL: rows are told apart by their values and moments"
    ] = None,
    options: Annotated[
        Given, "of a new fit, see xb.options; the rows of one `group`, such as an order, count as one label"
    ] = None,
) -> list[dict[str, Any]]:
    """Let a model follow its market. Each new label moves the weights of the members of its blend (fixed
    share); ADWIN watches its loss and what its source brings, and where one of them turned for the worse the
    model is fitted again on the labels since, with itself as the source: a transfer in time. So it is where
    the new labels are a fifth as many as those it was fitted on. A new version is stored and promoted, and
    xb.promote goes back. Labels may come late and in any order: with `ts` the weights are those of the right
    order. `event` is 'reweighted', 'refitted', 'waiting' (a change with too few labels since) or 'nothing
    new'; `since` is when the change was, as far as can be told; `before` and `after` are the scores of the
    version that was there and of the weights as they moved, on the new labels. Labels that contradict each
    other under one `id`, belong to no row or are too old do not count, and `note` counts them. The same call
    on the same rows gives the version that is already there.
    """
    given = dict(options or {})
    return run.adapt(session, model, data, Follow(label, ts, id, given.get("group")), given)


@function(
    {
        "version": "INTEGER", "parent": "INTEGER", "promoted": "BOOLEAN", "created": "VARCHAR", **HAPPENED,
    },
    example="FROM xb.history('days_home')",
)  # fmt: skip
def history(session: Session, model: Annotated[Name, "its name, without a version"]) -> list[dict[str, Any]]:
    """What happened to a model, one row a version: when it was made, from which version, what moved it and
    why, see xb.adapt. A version whose parent is not the one before was made after a roll-back.
    """
    return run.history(session, model)


@function(
    {
        "column": "VARCHAR", "measure": "VARCHAR", "value": "DOUBLE", "p": "DOUBLE", "alarm": "BOOLEAN",
        "evidence": "VARCHAR",
    },
    example="FROM xb.drift('days_home', parcels)",
)  # fmt: skip
def drift(
    session: Session,
    model: Model,
    tbl: Annotated[pa.Table, Rows(order=""), f"rows of late, labelled or not: {DATA}"],
    reference: Annotated[
        pa.Table | None,
        Rows(order="", optional=True),
        "rows to compare with; NULL: up to 2,048 rows that the model keeps of its fit",
    ] = None,
    alpha: Annotated[Share, "the probability that any alarm of a column is a false one"] = 0.01,
) -> list[dict[str, Any]]:
    """How far rows have moved from those that a model was fitted on. Numbers and dates have 'ks', the
    Kolmogorov-Smirnov distance, and the PSI beside it in `evidence`; categories and booleans 'psi', the
    population stability index; columns with NULL, blank texts or pictures that cannot be read have
    'missing', and texts and pictures 'mmd2' of their embeddings against permutations. `p` is corrected for
    their number (Holm), and an alarm also needs a distance that matters: ks or missing .05, psi .1. Of the
    label: 'psi' or 'ks' where both sides have labels, 'label_shift' of the classes' shares told without
    labels, 'expected accuracy' without labels, and the model's score on labelled rows that it was not fitted
    on. The largest come first. A drift of inputs need not hurt; xb.adapt goes by the loss.
    """
    return run_drift(session, model, tbl, reference, alpha)
