"""What a transfer does before its task sees the rows: it aligns the target's columns and compares units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from xbsql import errors
from xbsql.engine.importance import importance
from xbsql.harmonise.align import Pair, align, renames
from xbsql.harmonise.contradictions import contradictions, refuse
from xbsql.harmonise.profile import known_profiles, profiles, read_profiles
from xbsql.progress import tell
from xbsql.session.harmonise import encoded
from xbsql.tasks.notes import in_quotes
from xbsql.tasks.options import CrossingOptions, listed
from xbsql.tasks.road import fitted_at_home

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from xbsql.engine.verdict import Verdict
    from xbsql.harmonise.align import Encode
    from xbsql.harmonise.contradictions import Side
    from xbsql.session.session import Session
    from xbsql.store.model import Model
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.task import Done, Task

WHERE = "xb.transfer"


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
    home: Model | None
    options: Mapping[str, Any]
    names: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def arrived(self, model: Model, verdict: Verdict) -> tuple[Model, Verdict]:
        """The transferred model, which reads the target's own names, and the verdict with the notes."""
        from xbsql.tasks.row_model import RowModel

        if self.names and isinstance(model, RowModel):
            model = model.under(self.names)
        return model, verdict.noted(self.notes)


def prepared(
    session: Session,
    task: Task[Model, Done],
    data: pa.Table,
    label: str,
    home: Model | None,
    source: pa.Table | None,
    options: Mapping[str, Any],
) -> Crossing:
    """Make a target ready for its task.

    Args:
        session: whose encoder is used.
        task: what is transferred; fits the home model where columns are aligned and there is none.
        data: the target's rows.
        label: the label column.
        home: the home model, or None.
        source: the home market's rows, or None.
        options: `CrossingOptions`, and the task's own.

    Raises:
        XbsqlError: units or currencies contradict each other, or an option is none of these.
    """
    from xbsql.tasks.row_model import RowModel
    from xbsql.tasks.row_task import RowTask

    if not isinstance(task, RowTask):  # it reads the columns that its options name, and no others
        return Crossing(data, home, options, {})
    model = home if isinstance(home, RowModel) else None
    chosen, given = CrossingOptions.split(WHERE, options)
    names = _known_names(model, data)
    data = _renamed(data, names)
    theirs, ours = _sides(data, label, model, source, given)
    pairs = _pairs(chosen.align, theirs, ours, partial(encoded, session))
    if chosen.units is None:
        at_home = theirs if source is None else read_profiles(source, label, theirs)
        refuse(WHERE, contradictions(at_home, ours, renames(pairs)))
    names |= renames(pairs)
    given = task.options.under(names, given)
    notes = _hint(model, theirs, ours)
    if chosen.align:
        model = model or fitted_at_home(task, source, label, given, tell)
        notes = (*_said(pairs), _covered(model, pairs))
    return Crossing(_renamed(data, renames(pairs)), model, given, names, notes)


def _known_names(home: RowModel | None, data: pa.Table) -> dict[str, str]:
    """Columns that the home model itself reads under other names, by the names that these rows have."""
    own = set(data.column_names)
    known = {} if home is None else home.reader.names
    return {name: theirs for name, theirs in known.items() if name in own and theirs not in own}


def _sides(
    data: pa.Table,
    label: str,
    home: RowModel | None,
    source: pa.Table | None,
    options: Mapping[str, Any],
) -> tuple[Side, Side]:
    """The profiles of both sides, without the label and what is not to be read."""
    if source is not None:
        theirs = profiles(source)
    else:
        theirs = {} if home is None else known_profiles(home.reader.schema, home.reader.table)
    unread = {label, options.get("group"), options.get("weight"), *listed(options.get("ignore") or ())}
    kept = [
        {name: profile for name, profile in side.items() if name not in unread}
        for side in (theirs, profiles(data))
    ]
    return kept[0], kept[1]


def _pairs(wanted: bool | Mapping[str, str], source: Side, target: Side, encode: Encode) -> list[Pair]:
    """The aligned columns; without the option those of one name."""
    if not isinstance(wanted, bool):
        for name, home in wanted.items():
            if name not in target:
                raise errors.unknown(WHERE, "column to align", str(name), target, place="the target has")
            if home not in source or home in target:
                free = [column for column in source if column not in target]
                raise errors.unknown(WHERE, "column to align with", str(home), free, place="the source has")
        alone = [Pair(None, name, None, None) for name in target if name not in source and name not in wanted]
        given = [Pair(str(home), str(name), "given", 1.0) for name, home in wanted.items()]
        return _same(source, target) + given + alone
    return align(source, target, encode) if wanted else _same(source, target)


def _same(source: Side, target: Side) -> list[Pair]:
    return [Pair(name, name, "name", 1.0) for name in source if name in target]


def _renamed(data: pa.Table, names: Mapping[str, str]) -> pa.Table:
    return data.rename_columns([names.get(name, name) for name in data.column_names]) if names else data


def _hint(home: RowModel | None, source: Side, target: Side) -> tuple[str, ...]:
    """That `align` may find what the target lacks among the columns that it has instead."""
    read = source if home is None else home.reader.schema.names
    lacking = [name for name in read if name not in target]
    others = [name for name in target if name not in source and name not in read]
    if not lacking or not others:
        return ()
    found = f"the target lacks {in_quotes(lacking)} and has {in_quotes(others)}"
    return (f"{found}: where these are the same in other words, options {{'align': true}} reads them so",)


def _said(pairs: list[Pair]) -> list[str]:
    """One note a column that is read under another name, one for those that nothing was found for."""
    read = [
        f"column '{pair.target}' is read as '{pair.source}' ({pair.how}, {pair.score:.2f})"
        for pair in pairs
        if pair.source and pair.target and pair.source != pair.target
    ]
    alone = [f"'{pair.target}'" for pair in pairs if pair.source is None]
    return read + ([f"not aligned with any column of the source: {', '.join(alone)}"] if alone else [])


def _covered(home: RowModel, pairs: list[Pair]) -> str:
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
