"""Versions that follow their market, with the line that they come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import digest, one_chunk
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.progress import tell
from xbsql.session.cards import shown_weights, verdict_card
from xbsql.session.fits import key_of
from xbsql.session.insight import of_rows
from xbsql.store.model import restore
from xbsql.store.names import check_name
from xbsql.tasks import road
from xbsql.tasks.options import CrossingOptions, described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.online.track import Track
    from xbsql.session.session import Session
    from xbsql.store.model import Model, Signature, State
    from xbsql.store.store import Artifact
    from xbsql.tasks.adapt import Followed
    from xbsql.tasks.follow import Follow
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_options import RowOptions
    from xbsql.tasks.row_task import AnyRowTask

WHERE = "xb.adapt"
NESTED = 4
"""Fits that may stand on one another; a later one starts from the line's first version."""

FEWEST_OLDER = 30
"""Labelled rows from before a change that take part in a fit as its source."""

KEPT = ("verdict", "weights", "market", "base", "report", "data")
"""What the card of a version with other weights has from the one before."""


class Tracked(NamedTuple):
    """A model with what its experts did, as the store keeps both.

    Attributes:
        model: what predicts.
        track: see `engine.online.track`.
    """

    model: Model
    track: Track

    @property
    def signature(self) -> Signature:
        """The model's."""
        return self.model.signature

    def state(self) -> State:
        """The model's, with the track beside its parts."""
        state = self.model.state()
        return replace(state, parts={**state.parts, "track": self.track.state()})


@dataclass(frozen=True)
class Line:
    """A version that labels come in for.

    Attributes:
        found: the version.
        task: its task.
        model: itself.
        track: what its experts did so far.
    """

    found: Artifact
    task: AnyRowTask
    model: RowModel
    track: Track

    @classmethod
    def of(cls, session: Session, name: str) -> Line:
        """The version that the bare name stands for.

        Raises:
            XbsqlError: no such model, one of another kind, or a broken one.
        """
        from xbsql.tasks.adapt import begun, blend_of

        found = session.store.artifact(WHERE, name)
        reference = f"{name}@{found.version}"
        task, model = of_rows(session, WHERE, reference)
        parts = session.store.read(WHERE, reference).parts
        if "track" not in parts:
            return cls(found, task, model, begun(model, found.card["key"][:32]))
        try:
            track: Track = restore(parts["track"])
            track.check(list(blend_of(model).members))
        except Exception as error:  # digests are right and values are not: no xbsql has written that
            problem = f"holds a track that does not fit its model ({errors.shown(error, 80)})"
            raise errors.broken_artifact(reference, problem) from error
        return cls(found, task, model, track)

    @property
    def labels(self) -> int:
        """How many labels its fit had."""
        card = self.found.card
        report: Mapping[str, Any] = next(iter(card.get("report", [])), {})
        return int(card["verdict"]["labels"] if "verdict" in card else report.get("rows", card["rows"]))

    @property
    def before(self) -> Mapping[str, Any]:
        """What was said of the version when it was adapted; empty of one that was fitted."""
        found: Mapping[str, Any] = self.found.card.get("adapted", {})
        return found


def adapt(
    session: Session, name: str, data: pa.Table, asked: Follow, options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Take new labels in, see `xb.adapt`; one row."""
    from xbsql.tasks.adapt import follow

    check_name(WHERE, name)
    with session.calls.record("adapt", name, len(data)) as call:
        call.kernel = "fixed share"
        line = Line.of(session, name)
        table = _under(line.model, data, asked.label)
        chosen = _checked(line, table, asked.label, options)
        asked = replace(asked, label=line.model.signature.label)
        content = [digest(data), *(value for value in asdict(asked).values()), dict(options)]
        key = key_of(WHERE, [line.found.card["key"], *content])
        if line.before.get("content") == key_of(WHERE, content):  # the same call again
            return [_row(line.found, line.before)]
        followed = follow(WHERE, line.task, line.model, line.track, table, asked, line.labels)
        if not followed.arrived.fresh.any():
            return [_row(line.found, _report(followed, table, asked, "nothing new"))]

        def run() -> tuple[Any, dict[str, Any]]:
            if session.store.resolve(WHERE, name)[1] != line.found.version:
                raise errors.invalid(WHERE, f"'{name}' was changed meanwhile", "run the call again")
            tracked, card = _kept(line, followed, table, asked)
            if followed.refit:
                again = _refitted(session, line, followed, table, asked, options, chosen)
                tracked, card = again or (tracked, card)
            own = {"parent": line.found.version, "content": key_of(WHERE, content)}
            return tracked, {**card, "adapted": {**card["adapted"], **own}}

        artifact, seconds = session.fits.once(WHERE, name, key, len(data), asked.label, run)
        return [_row(artifact, {**artifact.card["adapted"], "seconds": seconds})]


def history(session: Session, name: str) -> list[dict[str, Any]]:
    """One row a version: what happened, when and why; a broken one says so."""
    check_name("xb.history", name)
    session.store.resolve("xb.history", name)
    rows: list[dict[str, Any]] = []
    for version in session.store.versions(name):
        try:
            found = session.store.artifact("xb.history", f"{name}@{version}")
        except errors.XbsqlError as error:
            rows.append({"version": version, "event": "broken", "reason": str(error)})
            continue
        card = found.card
        told = card.get("adapted") or (_added(card) if "updates" in card else None) or {
            "event": "transferred" if "verdict" in card else "fitted", "labels": card.get("rows")
        }  # fmt: skip
        rows.append({**_row(found, told), "promoted": found.promoted, "created": found.created})
    return rows


def _added(card: Mapping[str, Any]) -> dict[str, Any]:
    """A recommender's version that knows further events."""
    return {"event": "events added", "labels": card.get("rows"), "parent": card.get("parent")}


def _checked(line: Line, table: pa.Table, label: str, options: Mapping[str, Any]) -> RowOptions:
    """The options of a new fit, if it would not stumble over them.

    Raises:
        XbsqlError: an option that there is not or of another type, weights that are missing, none or read
            by the model, or the label of another model.
    """
    _, given = CrossingOptions.split(WHERE, options)
    chosen: RowOptions = line.task.options.of(WHERE, given, described(CrossingOptions))
    chosen.refuse_read(WHERE, line.model.signature.inputs.names)
    chosen.sampling(WHERE, table)
    wanted = line.model.signature.label
    if label not in (wanted, line.found.card.get("label")) and line.model.reader.names.get(label) != wanted:
        problem = f"'{line.found.name}' was fitted for '{wanted}', and label is '{errors.shown(label)}'"
        raise errors.invalid(WHERE, problem, f"give label := '{wanted}', or call the column so")
    return chosen


def _under(model: RowModel, data: pa.Table, label: str) -> pa.Table:
    """The rows with the label under the model's name for it.

    Raises:
        XbsqlError: a column is missing or of another type.
    """
    if label not in data.column_names:
        raise errors.unknown(WHERE, "label column", label, data.column_names, place="the table has")
    model.signature.batch(WHERE, model.signature.label, one_chunk(data.to_struct_array()))
    wanted = model.signature.label
    if label == wanted:
        return data
    kept = [name for name in data.column_names if name != wanted]
    return data.select(kept).rename_columns([wanted if name == label else name for name in kept])


def _kept(line: Line, followed: Followed, table: pa.Table, asked: Follow) -> tuple[Tracked, dict[str, Any]]:
    """The version with other weights, and its card."""
    from xbsql.tasks.adapt import blend_of

    card = {name: value for name, value in line.found.card.items() if name in KEPT}
    weights = shown_weights(blend_of(followed.model).weights)
    event = "waiting" if followed.reason else "reweighted"
    known = {name: line.before[name] for name in ("from", "nested") if name in line.before}
    report = {**_report(followed, table, asked, event), **known}
    if event == "waiting":
        report["reason"] = f"{followed.reason}; {_lack(followed)}"
    return Tracked(followed.model, followed.track), {**card, "weights": weights, "adapted": report}


def _refitted(
    session: Session, line: Line, followed: Followed, table: pa.Table, asked: Follow,
    options: Mapping[str, Any], chosen: RowOptions,
) -> tuple[Tracked, dict[str, Any]] | None:  # fmt: skip
    """The version that was fitted again, and its card; None where its labels cannot judge it."""
    from xbsql.session.crossing import prepared
    from xbsql.tasks.adapt import begun, since_then, with_home

    alarm, came = followed.alarm, followed.arrived
    start = line.found.version if alarm else line.before.get("from", line.found.version)
    base, start = _base(session, line, followed, start)
    began, rows = followed.track.began, followed.recent
    if alarm is not None:
        began = int(followed.track.units.moment[alarm.since])
    else:
        rows = since_then(base, followed.track, table, came, asked.label)
    recent, source = _split(line.model, rows, came.again, table, asked, chosen)
    crossing = prepared(session, line.task, recent, asked.label, base, source, options)
    found, done = road.transfer(
        line.task, crossing.data, asked.label, base=crossing.home, source=source,
        market=line.found.card.get("market"), options=crossing.options, progress=tell,
    )  # fmt: skip
    if done.verdict.basis != "evidence":
        return None
    fitted, verdict = crossing.arrived(found, done.verdict)
    again: Any = fitted
    again = with_home(again, base, getattr(again, "classes", None), line.task)
    reference = f"{line.found.name}@{start}"
    nested = line.before.get("nested", 0) + 1 if alarm else line.before.get("nested", 0)
    report = {**_report(followed, table, asked, "refitted"), "nested": nested, "from": start}
    card = {
        "verdict": verdict_card(verdict), "weights": shown_weights(done.weights), "base": reference,
        "market": line.found.card.get("market"), "adapted": report,
    }  # fmt: skip
    track = begun(again, line.track.secret, followed.track.used, began)
    return Tracked(again, replace(track, learnt=np.stack([came.key[rows], came.label[rows]]))), card


def _lack(followed: Followed) -> str:
    """What a new fit waits for."""
    since = int(followed.recent.sum())
    if followed.refit:
        return f"the {since} labels since cannot judge a new fit: too few lie outside one class"
    return f"{since} of the labels since are in the table, a new fit needs {FEWEST_LABELS}: give all of them"


def _base(session: Session, line: Line, followed: Followed, version: int) -> tuple[RowModel, int]:
    """What a new fit starts from, and its version.

    That is the version there is, or the one that the last fit started from; where fits stand on one another
    too deep the line's first one. One that was dropped is replaced by what there is.
    """
    name, own = line.found.name, line.found.version
    if line.before.get("nested", 0) >= NESTED:
        version = _first(session, line)
    try:
        found = session.store.artifact(WHERE, f"{name}@{version}")
    except errors.XbsqlError:
        return followed.model, own
    return (
        (followed.model, own)
        if found.version == own
        else (of_rows(session, WHERE, f"{name}@{version}")[1], version)
    )


def _first(session: Session, line: Line) -> int:
    """The first version of a line that is still there."""
    found = line.found
    while "adapted" in found.card:
        try:
            reference = f"{found.name}@{found.card['adapted']['parent']}"
            found = session.store.artifact(WHERE, reference)
        except errors.XbsqlError:
            break
    return found.version


def _split(
    model: RowModel, wanted: NDArray[np.bool_], again: NDArray[np.bool_], table: pa.Table, asked: Follow,
    chosen: RowOptions,
) -> tuple[pa.Table, pa.Table | None]:  # fmt: skip
    """The rows that a new fit is for with those that have no label, and the earlier labelled ones."""
    beside = (name for name in (asked.group, *chosen.beside) if name is not None)
    names = list(dict.fromkeys([*model.signature.inputs.names, asked.label, *beside]))
    rows, labelled = table.select(names), table[asked.label].is_valid().combine_chunks()
    recent = pa.array(wanted)
    older = rows.filter(pc.and_not(pc.and_not(labelled, recent), pa.array(again)))
    target = rows.filter(pc.or_(pc.invert(labelled), recent))
    return target, older if len(older) >= FEWEST_OLDER else None


def _report(followed: Followed, table: pa.Table, asked: Follow, event: str) -> dict[str, Any]:
    """What is told of a call."""
    from xbsql.tasks.arrivals import shown_moment

    alarm, came = followed.alarm, followed.arrived
    since = None
    if alarm is not None:
        since = shown_moment(table, asked.ts, int(followed.track.units.moment[alarm.since]))
    return {
        "event": event, "labels": int(came.fresh.sum()), "open": came.open, "metric": followed.metric,
        "before": followed.before, "after": followed.after, "alarm": alarm and alarm.watched, "since": since,
        "reason": followed.reason or None, "note": came.note or None,
    }  # fmt: skip


def _row(found: Artifact, told: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": found.name, "version": found.version, **told}
