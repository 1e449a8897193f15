"""What a user may decide beside the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.engine.candidate import Sample
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.tasks.reader import Reader

EVERYWHERE = ("text", "category", "ignore", "group", "keep_rows", "seed", "abstain", "source_market")
KNOWN = {
    "classify": (*EVERYWHERE, "classes", "finetune"),
    "predict": (*EVERYWHERE, "level", "intervals_by"),
}
"""Options of each task."""

CROSSING = ("align", "units")
"""Options of a transfer alone, which it takes care of before the task sees the rows."""

ROLES = ("text", "category", "ignore")


@dataclass(frozen=True)
class Options:
    """Options of `fit` and `transfer`, checked.

    Attributes:
        roles: 'text', 'category' and 'ignore': lists of columns whose role is given.
        group: a column; its rows of one value never stand on both sides of a fold. Without it rows of one
            text are a group.
        class_names: 'classes': class -> its name or names in the target's language, for `transfer`.
        keep_rows: whether a model may hold embeddings of its training rows. False leaves the learners that
            need them out: then only weights leave a market.
        finetune: whether the encoder's dense head is fine-tuned as one more candidate of `transfer`. It takes
            some ten times as long as all others together, and on short titles it did not pay.
        seed: of folds and resamples; another seed is another fit.
        level: the share of labels that a value's interval shall hold.
        intervals_by: a column that is read: its values with labels enough have a width of their own.
        abstain: the least score of a class, or the largest shift of a value, that is answered; None answers
            every row.
        source_market: a column of the home rows: each of its values is a home market with a model and a
            weight of its own.
    """

    roles: Mapping[str, Any]
    group: str | None
    class_names: Mapping[str, list[str]]
    keep_rows: bool
    finetune: bool
    seed: int
    level: float
    intervals_by: str | None = None
    abstain: float | None = None
    source_market: str | None = None

    @classmethod
    def of(cls, where: str, options: Mapping[str, Any] | None, task: str) -> Self:
        """The options as a user gives them to a task.

        Raises:
            XbsqlError: an option that the task does not have, class names that are no names, a level or bound
                that is no share, or a bound on the shift where no row is kept to measure it by.
        """
        given = dict(options or {})
        for name in given:
            if name not in KNOWN[task]:
                more = CROSSING if where == "xb.transfer" else ()
                raise errors.unknown(where, "option", name, (*KNOWN[task], *more))
        names = given.get("classes") or {}
        if not hasattr(names, "items"):
            raise errors.invalid(where, "the option 'classes' is no map", "give {'class': ['name', ...]}")
        listed = {str(k): [v] if isinstance(v, str) else [str(n) for n in v] for k, v in names.items()}
        roles = {name: given[name] for name in ROLES if name in given}
        keep, tune = bool(given.get("keep_rows", True)), bool(given.get("finetune", False))
        seed, level = int(given.get("seed", 0)), _share(where, "level", given.get("level", 0.9))
        abstain = None if given.get("abstain") is None else _share(where, "abstain", given["abstain"])
        if task == "predict" and abstain is not None and not keep:
            problem = (
                "the option 'abstain' bounds the shift, and 'keep_rows' false keeps no row to measure it by"
            )
            raise errors.invalid(where, problem, "leave one of the two out")
        by, homes = given.get("intervals_by"), given.get("source_market")
        return cls(roles, given.get("group"), listed, keep, tune, seed, level, by, abstain, homes)

    def without_group(self, table: pa.Table) -> pa.Table:
        """The table without the column of groups, which is not read."""
        return table.drop_columns([self.group]) if self.group in table.column_names else table

    def groups(self, where: str, table: pa.Table, reader: Reader) -> NDArray[np.int64] | None:
        """The group of each row, int64; None where every row stands for itself.

        Raises:
            XbsqlError: the table lacks the column of groups.
        """
        if self.group is None:
            alone = reader.text and not reader.table.columns
            return _codes(reader.texts(table)) if alone else None
        if self.group not in table.column_names:
            raise errors.unknown(where, "column for the option 'group'", self.group, table.column_names)
        return _codes(as_text(table[self.group]).combine_chunks())

    def markets(self, where: str, table: pa.Table, reader: Reader) -> pa.ChunkedArray | None:
        """The value of each row that its interval goes by, as text; None where all rows share one width.

        Raises:
            XbsqlError: the model does not read that column.
        """
        if self.intervals_by is None:
            return None
        if self.intervals_by not in reader.schema.names:
            what = "column for the option 'intervals_by'"
            raise errors.unknown(where, what, self.intervals_by, reader.schema.names, place="the model reads")
        return as_text(table[self.intervals_by])

    def named(self, classes: tuple[str, ...], reader: Reader) -> Sample | None:
        """The class names as labelled rows; None without names or where no text is read."""
        if not self.class_names or not reader.text:
            return None
        pairs = [(name, classes.index(key)) for key, names in self.class_names.items() for name in names]
        columns = {column: pa.nulls(len(pairs), pa.string()) for column in reader.text}
        columns[reader.text[0]] = pa.array([name for name, _ in pairs], pa.string())
        return Sample(reader.read(pa.table(columns)), np.array([code for _, code in pairs], np.int64))


def _share(where: str, option: str, value: object) -> float:
    if not isinstance(value, int | float) or not 0 < value < 1:
        raise errors.invalid(where, f"the option '{option}' is {value}", "give a share between 0 and 1: 0.9")
    return float(value)


def _codes(values: pa.Array) -> NDArray[np.int64]:
    """The same number for the same value; NULL is a value of its own for each row."""
    codes = values.dictionary_encode().indices.cast(pa.int64())
    own = pa.array(-1 - np.arange(len(values)), pa.int64())
    return np.asarray(pc.if_else(pc.is_valid(codes), codes, own).to_numpy(zero_copy_only=False), np.int64)
