"""Classification: rows with text, columns or both into named classes; the engine's first task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.engine.candidate import Source
from xbsql.engine.objective import classification
from xbsql.engine.transfer import transfer as run
from xbsql.features.views import Features, stack
from xbsql.tasks.candidates import home_candidates, restricted, transfer_candidates
from xbsql.tasks.classifier import Classifier
from xbsql.tasks.labels import coded, labels_of, merged
from xbsql.tasks.leaks import leak_notes
from xbsql.tasks.markets import fitted_at_home, home_of, market_notes, source_of, target_of
from xbsql.tasks.notes import class_notes, lacking_notes, reading_notes, report
from xbsql.tasks.options import Options
from xbsql.tasks.progress import fitting, quiet
from xbsql.tasks.reach import fit_reach
from xbsql.tasks.scores import CLASSES, answering, class_scores, grouped, measured
from xbsql.tasks.widened import widened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.engine.transfer import Transfer
    from xbsql.tasks.labels import Labels
    from xbsql.tasks.progress import Progress
    from xbsql.tasks.reader import Reader


def fit(
    data: pa.Table,
    label: str,
    *,
    market: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Classifier, list[dict[str, Any]]]:
    """Fit a classifier on the rows of one market.

    Args:
        data: rows with the label column; those whose label is NULL are left out.
        label: text, integers or booleans; at least two classes.
        market: what the rows are from, for the record.
        options: see `Options`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The classifier, and one row a metric: metric, value, lo, hi (out of fold; None with too few labels),
        rows, note.

    Raises:
        XbsqlError: no such column, no label or one class only, no column that can be read.
    """
    where, chosen = "xb.fit", Options.of("xb.fit", options, "classify")
    step = progress or quiet
    found = labels_of(where, data, label)
    if len(found.classes) < 2:
        only = f"only one class, '{found.classes[0]}'" if found.classes else "no label, every row is NULL"
        raise errors.invalid(
            where, f"label column '{label}' holds {only}", "give rows of two classes or more"
        )
    y = coded(found, found.classes)
    reader, sample, notes = home_of(where, data, label, found.present, y, chosen, step)
    x = sample.x
    candidates = home_candidates(x, len(found.classes), reader.table.categorical, chosen)
    objective = classification(len(found.classes))
    done = run(candidates, None, sample, Features({}), objective, seed=chosen.seed, progress=fitting(step))
    reach = fit_reach(x, reader.table.categorical) if chosen.keep_rows else None
    kept = {name: done.predictors[name] for name in done.predictors if name not in done.blend.members}
    kept = {name: part for name, part in kept.items() if name.endswith((":process", ":text"))}
    model = Classifier(reader, found.classes, done.blend, label, market, reach, kept, chosen.abstain)
    notes += leak_notes(reader, sample, len(found.classes))
    step(1.0, "fitted")
    scores = []
    if done.held_out is not None:
        scores = measured(sample.y, done.held_out.mean(axis=0), class_scores(len(found.classes)))
    return model, report(scores, "accuracy", len(sample), notes)


def transfer(
    data: pa.Table,
    label: str,
    *,
    base: Classifier | None = None,
    source: pa.Table | None = None,
    market: str | None = None,
    method: str = "auto",
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Classifier, Transfer]:
    """Carry a home market's classes to the market of `data`, and say whether that helped.

    Args:
        data: the target; rows whose label is NULL, or all of them, are unlabelled.
        label: the label column, of the same name on both sides.
        base: the home market's model.
        source: the home market's rows; without `base` a home model is fitted on them first.
        market: what the target is, for the record.
        method: 'auto', a family or a candidate; target-only candidates always stay.
        options: see `Options`.
        progress: told the share done, 0 to 1, and what is being done.

    Returns:
        The transferred classifier over the classes of both sides, and all that the engine found: the verdict
        with notes, every candidate, its weight and evidence.

    Raises:
        XbsqlError: neither base nor source, no row, a column that is missing or of another type, no such
            method.
    """
    where, chosen = "xb.transfer", Options.of("xb.transfer", options, "classify")
    step = progress or quiet
    if not data.num_rows:
        raise errors.invalid(where, "the target has no rows", "give its rows, labelled or not")
    found = labels_of(where, data, label)
    at_home = {name: value for name, value in (options or {}).items() if name != "classes"}
    home = base or fitted_at_home(fit, source, label, at_home, step)
    step(0.0, f"reading {data.num_rows} rows")
    reader = home.reader.abroad(chosen.without_group(data), label, chosen.roles, pooled=chosen.finetune)
    theirs = None if source is None else labels_of(where, source, label)
    classes = merged(home.classes, theirs, found, chosen.class_names)
    target = target_of(where, data, found.present, coded(found, classes), reader, chosen)
    origin = _origin(where, data, source, theirs, classes, reader, home, chosen)
    candidates = transfer_candidates(
        target.pool, len(classes), reader, origin, home, chosen.named(classes, reader), chosen
    )
    done = run(
        restricted(where, candidates, method),
        origin,
        target.labelled,
        target.pool,
        classification(len(classes)),
        seed=chosen.seed,
        progress=fitting(step),
    )
    everyone = stack([target.labelled.x, target.pool])
    reach = fit_reach(everyone, reader.table.categorical) if chosen.keep_rows else None
    model = Classifier(reader, classes, done.blend, label, market, reach, abstain=chosen.abstain)
    notes = class_notes(found, home.classes if theirs is None else (*home.classes, *theirs.classes))
    notes += lacking_notes(home.reader, data) + reading_notes(reader, chosen.without_group(data), label)
    notes += leak_notes(reader, target.labelled, len(classes)) + market_notes(done.predictors)
    step(1.0, "transferred")
    verdict = replace(done.verdict, notes=(*done.verdict.notes, *notes))
    return model, replace(done, verdict=verdict)


def evaluate(model: Classifier, table: pa.Table, label: str, by: str | None = None) -> list[dict[str, Any]]:
    """Measure a classifier on labelled rows.

    Args:
        model: from `fit` or `transfer`.
        table: rows with the model's columns and the label; rows without a label do not count.
        label: the label column; a class that the model does not know counts as missed.
        by: a column; one more group of rows for each of its values.

    Returns:
        One row a group and metric, all rows first: group (None for these), metric ('accuracy', 'macro_f1',
        'log_loss', 'calibration_error', for two classes 'auc', for a model that abstains 'answered' and
        'accuracy_answered'), value, lo and hi (95 % bootstrap interval), rows.

    Raises:
        XbsqlError: no such column, no labelled row.
    """
    found = labels_of("xb.evaluate", table, label)
    if not found.present.any():
        raise errors.invalid("xb.evaluate", f"no row has a label in column '{label}'", "give labelled rows")
    rows = table.filter(pa.array(found.present))
    classes = merged(model.classes, None, found)
    known = model.probabilities(rows)
    probability = np.pad(known, ((0, 0), (0, len(classes) - known.shape[1])))
    y = coded(found, classes)
    answered = None if model.abstain is None else known.max(axis=1) >= model.abstain
    measures = []
    for group, members in grouped("xb.evaluate", rows, by):
        scores = class_scores(len(classes))
        if answered is not None:
            scores |= answering(answered[members], "accuracy", CLASSES["accuracy"])
        measures += [{"group": group, **row} for row in measured(y[members], probability[members], scores)]
    return measures


def _origin(
    where: str,
    data: pa.Table,
    source: pa.Table | None,
    labels: Labels | None,
    classes: tuple[str, ...],
    reader: Reader,
    home: Classifier,
    chosen: Options,
) -> Source:
    """The home model over all classes, and the home rows as the target's reader sees them."""
    model = widened(home.predictor, len(home.classes), len(classes))
    if source is None or labels is None:
        return Source(model)
    return source_of(where, data, source, labels.present, coded(labels, classes), reader, model, chosen)
