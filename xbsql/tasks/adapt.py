"""A model that follows its market: new labels move its weights, and a change has it fitted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql.engine.blend import Blend, sum_of
from xbsql.engine.evidence import of_units, trimmed
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.engine.online.track import Alarm, Track, Units, broken
from xbsql.tasks.arrivals import arrivals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.objective import Objective
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.arrivals import Arrivals
    from xbsql.tasks.follow import Follow
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import AnyRowTask

NORMAL_MEDIAN = 0.4549
"""The median of the square of a standard normal: squared errors over it and their median have variance 1."""


@dataclass(frozen=True)
class Followed:
    """What became of the labels of a call.

    Attributes:
        model: with the weights that follow; the same where there were no new labels.
        track: with them.
        arrived: the rows of the call.
        metric: the name of the score of the two below.
        before: of the version that was there, on the new labels; None without any.
        after: of the weights as they followed: of each label by those before it.
        alarm: the newest change that no fit has answered; None where there is none.
        recent: bool, shape (rows of the call,): labelled rows since the change, or, without one, those that
            the version was not fitted on.
        reason: why it would be, one line; '' where there is none.
    """

    model: RowModel
    track: Track
    arrived: Arrivals
    metric: str
    before: float | None
    after: float | None
    alarm: Alarm | None
    recent: NDArray[np.bool_]
    reason: str

    @property
    def refit(self) -> bool:
        """Whether there is reason and labels enough to fit again."""
        return bool(self.reason) and int(self.recent.sum()) >= FEWEST_LABELS


def begun(
    model: RowModel, secret: str, used: NDArray[np.int64] | None = None, began: int | None = None
) -> Track:
    """The track of a version that no label has come in for, see there."""
    blend = blend_of(model)
    names = list(blend.members)
    own = np.array([name.startswith("target_only") for name in names])
    fitted = np.array([blend.weights[name] for name in names])
    return Track.begun(names, fitted, own, secret, used, began)


def blend_of(model: RowModel) -> Blend:
    """What the model predicts by; a single predictor is a blend of one."""
    found = model.predictor
    return found if isinstance(found, Blend) else Blend({"model": found}, {"model": 1.0})


def follow(
    where: str, task: AnyRowTask, model: RowModel, track: Track, table: pa.Table, asked: Follow, fitted: int
) -> Followed:
    """Take the new labels of a table in.

    Args:
        where: the function, for errors.
        task: the model's.
        model: that the labels are for.
        track: of the model.
        table: its rows, labelled or not, known or not.
        asked: which columns.
        fitted: how many labels the model was fitted on.

    Raises:
        XbsqlError: no such column, or labels of another kind.
    """
    came = arrivals(where, model, track, table, asked)
    rows = table.filter(pa.array(came.fresh))
    objective, before, after, promise = None, None, None, None
    if len(rows):
        fresh = _Fresh.of(where, task, model, rows, asked.label)
        objective = fresh.objective
        units, keys = fresh.units(track, came, rows, asked)
        track = track.with_units(units, keys, fresh.scale(track))
        moment = came.moment[came.fresh]
        before, after = fresh.scores(blend_of(model), track, came.key[came.fresh], moment)
        promise = fresh.promise(model, track, came, rows, asked)
        weights = dict(zip(track.names, trimmed(track.weights).tolist(), strict=True))
        blend = replace(blend_of(model), weights=weights)
        model = model.refitted(blend, model.spare, getattr(model, "classes", None))
    alarms = track.alarms() if len(rows) else []
    alarms = alarms or ([] if promise is None else [promise])
    recent, reason = _occasion(model, track, table, came, alarms, asked, fitted)
    metric = task.metric if objective is None else objective.metric
    return Followed(model, track, came, metric, before, after, alarms[-1] if alarms else None, recent, reason)


def _occasion(
    model: RowModel, track: Track, table: pa.Table, came: Arrivals, alarms: list[Alarm], asked: Follow,
    fitted: int,
) -> tuple[NDArray[np.bool_], str]:  # fmt: skip
    """The rows that a new fit would be for, and why."""
    labelled = _labelled(table, asked.label) & ~came.again
    if alarms:
        last = alarms[-1]
        since = int(track.units.moment[last.since])
        return labelled & (came.moment >= since), _change(last)
    if model.seen is None or not came.fresh.any():
        return np.zeros(len(table), bool), ""
    new = labelled & ~came.learnt
    if track.began is not None:
        new &= came.moment >= track.began
    group = _groups(table.filter(pa.array(new)), asked)
    count = int(new.sum()) if group is None else len(np.unique(group))
    if count < max(asked.grown * fitted, FEWEST_LABELS):
        return new, ""
    return new, f"{count} labels beside the {fitted} that it was fitted on"


def since_then(
    base: RowModel, track: Track, table: pa.Table, came: Arrivals, label: str
) -> NDArray[np.bool_]:
    """The labelled rows that a fit without a new change is for: those since the last one, else all new ones.

    Args:
        base: the model that the fit starts from; it has seen none of them.
        track: of the version.
        table: the rows of a call.
        came: about them.
        label: the label column.

    Returns:
        bool, shape (rows,).
    """
    labelled = _labelled(table, label) & ~came.again
    if track.began is not None:
        return labelled & (came.moment >= track.began)
    seen = (
        np.zeros(len(table), bool)
        if base.seen is None
        else base.seen.among(base.reader.at_home(table), label)
    )
    return labelled & ~seen


def _change(alarm: Alarm) -> str:
    """What turned, on a scale of 0 to 1; a gain falls where the difference that is watched rises."""
    if alarm.watched == "promise":
        return f"right in {alarm.after:.0%} where {alarm.before:.0%} was promised"
    if alarm.watched == "loss":
        return f"its loss rose from {alarm.before:.3f} to {alarm.after:.3f}"
    gain = [1.0 - 2.0 * value for value in (alarm.before, alarm.after)]
    return f"what its source brings fell from {gain[0]:+.3f} to {gain[1]:+.3f}"


def _labelled(table: pa.Table, label: str) -> NDArray[np.bool_]:
    return np.asarray(table[label].is_valid().combine_chunks().to_numpy(zero_copy_only=False), bool)


def with_home(model: RowModel, home: RowModel, classes: tuple[str, ...] | None, task: AnyRowTask) -> RowModel:
    """A model that was fitted again, with the one before among its members, so that it can come back."""
    blend, name = blend_of(model), "source_only:home"
    if name in blend.members:
        return model
    from xbsql.engine.candidates.relation import SourceScore

    source = blend.source or task.at_home_predictor(home, classes)
    members = {**blend.members, name: SourceScore()}
    whole = replace(blend, members=members, weights={**blend.weights, name: 0.0}, source=source)
    return model.refitted(whole, model.spare, classes)


def _groups(rows: pa.Table, asked: Follow) -> NDArray[np.int64] | None:
    """The unit of each row; None where each is its own. NULL is a unit of its own."""
    if asked.group is None:
        return None
    codes = rows[asked.group].combine_chunks().dictionary_encode().indices
    group = codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(group < 0, -1 - np.arange(len(group)), group)


@dataclass(frozen=True)
class _Fresh:
    """New labelled rows, and what each member says of them.

    Attributes:
        y: labels as the engine has them, shape (n,).
        parts: predictions by member, shape (n,) or (n, classes).
        objective: how they are judged.
    """

    y: NDArray[np.generic]
    parts: Mapping[str, Floats]
    objective: Objective

    @classmethod
    def of(cls, where: str, task: AnyRowTask, model: RowModel, rows: pa.Table, label: str) -> _Fresh:
        found = task.labels(where, rows, label)
        known: Any = model
        classes = task.classes(found, known, None, task.options())
        y = task.coded(found, classes)
        parts = blend_of(model).parts(model.reader.read(rows))
        if classes is not None:  # a class that the model does not know has no probability
            parts = {
                name: np.pad(part, ((0, 0), (0, len(classes) - part.shape[1])))
                for name, part in parts.items()
            }
        return cls(y, parts, task.judge(classes))

    def losses(self, fitted: Mapping[str, float]) -> Floats:
        """Of the members and, last, of their blend as it was fitted; shape (n, K)."""
        every = [*self.parts.values(), sum_of(self.parts, fitted)]
        return np.stack([self.objective.loss(self.y, part) for part in every], axis=1)

    def units(
        self, track: Track, came: Arrivals, rows: pa.Table, asked: Follow
    ) -> tuple[Units, NDArray[np.int64]]:
        """The losses of units, and the keys of all rows."""
        fitted = dict(zip(track.names, track.fitted.tolist(), strict=True))
        losses, fresh = self.losses(fitted), came.fresh
        keys = came.key[fresh]
        alone = Units(came.moment[fresh], keys, came.label[fresh], losses)
        group = _groups(rows, asked)
        if group is None:
            return alone, keys
        _, first = np.unique(group, return_index=True)
        head = alone.take(first)
        return head._replace(losses=of_units(losses.T, group).T), keys

    def promise(
        self, model: RowModel, track: Track, came: Arrivals, rows: pa.Table, asked: Follow
    ) -> Alarm | None:
        """Whether the version that was there kept what it promised of these rows."""
        found = model.promised(self.y, sum_of(self.parts, blend_of(model).weights), rows)
        if found is None:
            return None
        moment, kept = came.moment[came.fresh], found.kept.astype(np.float64)
        group = _groups(rows, asked)
        if group is not None:
            _, first = np.unique(group, return_index=True)
            kept, expected = of_units(np.stack([kept, found.expected]), group)
            moment, found = moment[first], found._replace(expected=expected)
        order = np.argsort(moment, kind="stable")
        kept, expected = kept[order], found.expected[order]
        cut = broken(kept, expected, found.tried)
        if cut is None:
            return None
        since = int(np.searchsorted(track.units.moment, moment[order][cut]))
        return Alarm("promise", len(track.units.key) - 1, since, expected[cut:].mean(), kept[cut:].mean())

    def scale(self, track: Track) -> float:
        """Twice the usual squared error of values; 1 for probabilities."""
        if self.objective.classes is not None:
            return 1.0
        fitted = dict(zip(track.names, track.fitted.tolist(), strict=True))
        typical = float(np.median(self.losses(fitted)[:, -1])) / NORMAL_MEDIAN
        return max(2.0 * typical, 1e-12)

    def scores(
        self, blend: Blend, track: Track, keys: NDArray[np.int64], moment: NDArray[np.int64]
    ) -> tuple[float | None, float | None]:
        """The score of the version that was there, and of the weights before each label."""
        place = np.searchsorted(track.units.moment, moment)
        order = np.argsort(track.units.key, kind="stable")
        near = order[np.minimum(np.searchsorted(track.units.key[order], keys), len(order) - 1)]
        path = track.path[np.where(track.units.key[near] == keys, near, place)]
        weights = path[:, :-1] + path[:, -1:] * track.fitted
        moving = sum(
            (weights[:, [k]] if self.parts[name].ndim == 2 else weights[:, k]) * self.parts[name]
            for k, name in enumerate(track.names)
        )
        still = sum_of(self.parts, blend.weights)
        scores = [float(self.objective.score(self.y, np.asarray(each))) for each in (still, moving)]
        before, after = (None if np.isnan(score) else score for score in scores)
        return before, after
