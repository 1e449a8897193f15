"""Next spend and return of customers: profiles of a past day, learnt as rows, by the engine's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, tasks
from xbsql.customers import profile as profiles
from xbsql.customers.orders import Lines, typed
from xbsql.features.personal import personal
from xbsql.recommendation.events import as_ids
from xbsql.tasks.profile.options import SPEND, ProfileOptions
from xbsql.tasks.task import Asked, Problem, Task, mine

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from xbsql.engine.candidate import Candidate
    from xbsql.engine.transfer import Transfer
    from xbsql.progress import Progress
    from xbsql.store.model import Model
    from xbsql.tasks.row_model import RowModel

LEVEL, SEGMENTS = 0.9, 5
NAMES: Final = {"spend": "later_spend", "return": "returns"}
"""What the label is called in a table of profiles, by the option `ahead`."""

UNREAD: Final = ("user", "first_order", "last_order", "basis", "nearest", "later_orders", "later_spend")
"""Columns of a profile that are names, dates or the future."""


class Past(NamedTuple):
    """Profiles of a past day.

    Attributes:
        rows: one a customer who had ordered, with the label; NULL where it is not known yet.
        whole: the same as `xb.profile` gives them.
        note: which day it was.
    """

    rows: pa.Table
    whole: pa.Table
    note: str


@dataclass(frozen=True)
class ProfileProblem(Problem["Candidate", "Transfer", "RowModel"]):
    """The problem of the profiles as rows.

    Attributes:
        inner: that of the task of values or classes.
        said: notes, one line each.
    """

    inner: Problem[Any, Any, Any]
    said: tuple[str, ...]

    @property
    def metric(self) -> str:  # type: ignore[override]
        """The inner task's."""
        return self.inner.metric

    def __len__(self) -> int:
        return len(self.inner)

    def candidates(self) -> Sequence[Candidate]:
        """Those of rows."""
        return self.inner.candidates()

    def weighed(self, candidates: Sequence[Candidate], progress: Progress) -> Transfer:
        """As of rows."""
        found: Transfer = self.inner.weighed(candidates, progress)
        return found

    def model(self, found: Transfer) -> RowModel:
        """A model of values or classes that reads profiles."""
        model: RowModel = self.inner.model(found)
        return model

    def scores(self, found: Transfer) -> list[dict[str, Any]]:
        """As of rows."""
        return self.inner.scores(found)

    def notes(self, found: Transfer) -> list[str]:
        """Of which day the profiles are, then as of rows."""
        return [*self.said, *self.inner.notes(found)]


class Profiling(Task["RowModel", "Transfer"]):
    """A table holds one row a line of a sale, as for `xb.profile`; the label is the column of amounts.

    What is fitted is a model of values ('predict') or classes ('classify') that reads profiles.
    """

    name = "profile"
    options = ProfileOptions

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Never by itself: a table of sales looks like any other."""
        return False

    def at_home(self, asked: Asked) -> Problem[Any, Any, RowModel]:
        """The profiles of one market, and what came later."""
        options = ProfileOptions.of(asked.where, asked.options)
        past = _past(asked.where, asked.data, asked.label, options, None)
        task = _inner(asked.where, options)
        return ProfileProblem(task.at_home(_as_rows(asked, options, past.rows)), (past.note,))

    def abroad(
        self, asked: Asked, base: Model | None, source: pa.Table | None
    ) -> Problem[Any, Any, RowModel]:
        """The target's profiles, with home's process as the prior where its sales are given."""
        options, where = ProfileOptions.of(asked.where, asked.options), asked.where
        task = _inner(where, options)
        home = None if base is None else mine(where, base, task.fitted)
        if home is not None and home.signature.label != NAMES[options.ahead]:
            problem = f"the base predicts '{home.signature.label}', and 'ahead' is '{options.ahead}'"
            raise errors.invalid(where, problem, "give a base of the task 'profile' that was fitted for that")
        try:
            theirs = None if source is None else _past(where, source, asked.label, options, None)
        except errors.XbsqlError as error:
            raise errors.invalid(where, f"in the source, {error.said}") from error
        past = _past(where, asked.data, asked.label, options, None if theirs is None else theirs.whole)
        rows = _as_rows(asked, options, past.rows)
        return ProfileProblem(task.abroad(rows, home, None if theirs is None else theirs.rows), (past.note,))

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """Never asked: its models are those of values and classes.

        Raises:
            XbsqlError: always.
        """
        raise errors.invalid("xb.evaluate", f"'{model.signature.task}' has an evaluation of its own")


def _inner(where: str, options: ProfileOptions) -> Any:  # noqa: ANN401 - one of two tasks of rows
    return tasks.task_named(where, "predict" if options.ahead == SPEND else "classify")


def _as_rows(asked: Asked, options: ProfileOptions, rows: pa.Table) -> Asked:
    """What the task of rows is asked for."""
    return replace(asked, data=rows, label=NAMES[options.ahead], options=options.of_rows)


def _past(where: str, table: pa.Table, amount: str, options: ProfileOptions, home: pa.Table | None) -> Past:
    """The profiles of the day from which on a whole horizon is known, and what came within it.

    A market that is younger than that is profiled on its last day, without a label.

    Raises:
        XbsqlError: a column is missing or of another type, or whatever `profile` refuses.
    """
    named = {
        "user": options.user, "ts": options.ts, "amount": amount, "basket": options.basket,
        "category": options.category,
    }  # fmt: skip
    for name in named.values():
        if name is not None and name not in table.column_names:
            raise errors.unknown(where, "column", name, table.column_names, place="the table has")
    if options.category is not None:
        for kind in personal(table.select([options.category])).values():
            problem = f"column '{options.category}' looks like {kind}, and categories are kept in the model"
            raise errors.invalid(where, problem, "leave the option 'category' out, or give one of goods")
    none = pa.nulls(len(table), pa.string())
    given = {key: none if name is None else table[name] for key, name in named.items()}
    given["user"] = as_ids(where, options.user, table[options.user])
    sales = typed(where, pa.table(given))
    day = options.day(where)
    if day is None:
        day = _early(Lines.of(sales), options.horizon)
    whole = profiles.profile(where, sales, profiles.Asked(day, options.horizon, LEVEL, SEGMENTS), home)
    ordered = whole.filter(pc.greater(whole["orders"], 0)).sort_by("user")  # no order of rows matters
    rows = ordered.drop_columns(list(UNREAD))
    label = ordered["later_spend"] if options.ahead == SPEND else pc.greater(ordered["later_orders"], 0)
    known = label.null_count < len(label)
    what = f"what came within {options.horizon} days" if known else "no label: the table ends too early"
    note = f"profiles of {'the last day' if day is None else day}: {len(rows)} customers, {what}"
    return Past(rows.append_column(NAMES[options.ahead], label), ordered, note)


def _early(lines: Lines, horizon: int) -> dt.date | None:
    """One horizon before the last day, where somebody had ordered by then; else None: the last day."""
    day = lines.day[lines.amount > 0]
    if not len(day) or lines.day.max() - horizon < day.min():
        return None
    found: dt.date = np.datetime64(int(lines.day.max()) - horizon, "D").item()
    return found


TASK: Final = Profiling()
