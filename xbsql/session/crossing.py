"""A transfer as a session runs it: the target's columns aligned, its units compared, and both said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.engine.importance import importance
from xbsql.harmonise.align import Pair, align, renames
from xbsql.harmonise.contradictions import contradictions, refuse
from xbsql.harmonise.profile import known_profiles, profiles, read_profiles
from xbsql.session.harmonise import encoded

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

    from xbsql.engine.verdict import Verdict
    from xbsql.harmonise.align import Encode
    from xbsql.harmonise.contradictions import Side
    from xbsql.session.session import Session

WHERE = "xb.transfer"

COLUMNS = ("text", "category", "ignore", "intervals_by")
"""Options that name columns; a user names them as the target does."""


@dataclass(frozen=True)
class Crossing:
    """What a transfer starts from.

    Attributes:
        data: the target's rows under the home market's names.
        home: the home model; None where none is needed yet.
        options: those of the task.
        names: what the target calls a column -> what the home market calls it.
        notes: what was aligned, one line each.
    """

    data: pa.Table
    home: Any
    options: Mapping[str, Any]
    names: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def arrived(self, model: Any, verdict: Verdict) -> tuple[Any, Verdict]:  # noqa: ANN401 - a task's model
        """The transferred model, which reads the target's own names, and the verdict with the notes."""
        if self.names:
            model = replace(model, reader=replace(model.reader, names=self.names))
        return model, replace(verdict, notes=(*verdict.notes, *self.notes))


def prepared(
    session: Session,
    task: ModuleType,
    data: pa.Table,
    label: str,
    home: Any,  # noqa: ANN401 - a task's model
    source: pa.Table | None,
    options: Mapping[str, Any],
) -> Crossing:
    """Make a target ready for its task.

    Args:
        session: whose encoder is used.
        task: its module; fits the home model where columns are aligned and there is none.
        data: the target's rows.
        label: the label column.
        home: the home model, or None.
        source: the home market's rows, or None.
        options: 'align' (true, or the target's columns by the source's: {'gewicht': 'weight'}), 'units'
            ('same' says that contradicting units are none), and the task's own.

    Raises:
        XbsqlError: units or currencies contradict each other, or an option is none of these.
    """
    if task.__name__ == "xbsql.tasks.forecast":  # reads the columns that its options name, and no others
        return Crossing(data, home, options, {})
    given = dict(options)
    wanted, units = given.pop("align", False), given.pop("units", None)
    if units not in (None, "same"):
        raise errors.invalid(WHERE, f"the option 'units' is {units!r}", "say 'same', or leave it out")
    own = set(data.column_names)
    known = home.reader.names if home is not None else {}
    names = {name: theirs for name, theirs in known.items() if name in own and theirs not in own}
    data = _renamed(data, names)
    theirs, ours = _sides(data, label, home, source, given)
    pairs = _pairs(wanted, theirs, ours, partial(encoded, session))
    if units is None:
        at_home = theirs if source is None else read_profiles(source, label, theirs)
        refuse(WHERE, contradictions(at_home, ours, renames(pairs)))
    notes: tuple[str, ...] = ()
    names |= renames(pairs)
    given = {name: _translated(value, names) if name in COLUMNS else value for name, value in given.items()}
    if wanted:
        home = home or _at_home(session, task, source, label, given)
        notes = (*_said(pairs), _covered(home, pairs))
    return Crossing(_renamed(data, renames(pairs)), home, given, names, notes)


def _at_home(
    session: Session, task: ModuleType, source: pa.Table | None, label: str, options: Mapping[str, Any]
) -> Any:  # noqa: ANN401 - a task's model
    """The home model of a transfer without `base`, as the task itself would fit it."""
    own = {name: value for name, value in options.items() if name != "classes"}
    return task.fit(source, label, options=own, progress=session.progress)[0]


def _sides(
    data: pa.Table,
    label: str,
    home: Any,  # noqa: ANN401 - a task's model
    source: pa.Table | None,
    options: Mapping[str, Any],
) -> tuple[Side, Side]:
    """The profiles of both sides, without the label and what is not to be read."""
    theirs = known_profiles(home.reader.schema, home.reader.table) if source is None else profiles(source)
    ignored = options.get("ignore") or ()
    unread = {label, options.get("group"), *([ignored] if isinstance(ignored, str) else ignored)}
    kept = [
        {name: profile for name, profile in side.items() if name not in unread}
        for side in (theirs, profiles(data))
    ]
    return kept[0], kept[1]


def _pairs(wanted: object, source: Side, target: Side, encode: Encode) -> list[Pair]:
    """The aligned columns; without the option those of one name."""
    if isinstance(wanted, Mapping):
        for name, home in wanted.items():
            if name not in target:
                raise errors.unknown(WHERE, "column to align", str(name), target, place="the target has")
            if home not in source or home in target:
                free = [column for column in source if column not in target]
                raise errors.unknown(WHERE, "column to align with", str(home), free, place="the source has")
        alone = [Pair(None, name, None, None) for name in target if name not in source and name not in wanted]
        given = [Pair(str(home), str(name), "given", 1.0) for name, home in wanted.items()]
        return _same(source, target) + given + alone
    if wanted is True:
        return align(source, target, encode)
    if wanted is False or wanted is None:
        return _same(source, target)
    raise errors.invalid(WHERE, f"the option 'align' is {wanted!r}", "give true, or {'theirs': 'home'}")


def _translated(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - a name, or a list of them
    """The home market's names for the target's."""
    if isinstance(value, str):
        return names.get(value, value)
    return [names.get(name, name) for name in value] if isinstance(value, list | tuple) else value


def _same(source: Side, target: Side) -> list[Pair]:
    return [Pair(name, name, "name", 1.0) for name in source if name in target]


def _renamed(data: pa.Table, names: Mapping[str, str]) -> pa.Table:
    return data.rename_columns([names.get(name, name) for name in data.column_names]) if names else data


def _said(pairs: list[Pair]) -> list[str]:
    """One note a column that is read under another name, one for those that nothing was found for."""
    read = [
        f"column '{pair.target}' is read as '{pair.source}' ({pair.how}, {pair.score:.2f})"
        for pair in pairs
        if pair.source and pair.target and pair.source != pair.target
    ]
    alone = [f"'{pair.target}'" for pair in pairs if pair.source is None]
    return read + ([f"not aligned with any column of the source: {', '.join(alone)}"] if alone else [])


def _covered(home: Any, pairs: list[Pair]) -> str:  # noqa: ANN401 - a task's model
    """How much of what the home model rests on is there in the target."""
    encoder = home.reader.table
    there = {pair.source for pair in pairs if pair.target is not None}
    known = importance(home.predictor, len(encoder.names)) if encoder.columns else None
    if known is None:
        columns = [name for name in home.reader.schema.names if name in there]
        return f"the target has {len(columns)} of the {len(home.reader.schema)} columns of the home model"
    owner = [column.name for column in encoder.columns for _ in column.outputs]
    share = sum(value for name, value in zip(owner, known, strict=True) if name in there)
    return f"the target's columns carry {share:.0%} of what the home model's columns do"
