"""Taxonomies of a user: two mapped on one another, and nodes with parents as paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import is_blob, is_text
from xbsql.features.normal import normal
from xbsql.features.roles import as_text
from xbsql.tasks.classify.options import LEVELS
from xbsql.tasks.options import SHARE, Option, Options, whole
from xbsql.taxonomy.levels import Levels, read_labels
from xbsql.taxonomy.parents import Given, Path, paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.session.session import Session
    from xbsql.taxonomy.nodes import Nodes


@dataclass(frozen=True)
class MapOptions(Options):
    """What a user may decide of a mapping beside the tables."""

    levels: Annotated[str | tuple[str | int, ...], Option(LEVELS, "how labels say their paths")] = " > "
    right_levels: Annotated[
        str | tuple[str | int, ...] | None, Option(LEVELS, "the same of the right table, where it differs")
    ] = None
    sure: Annotated[float, Option(SHARE, "the probability from which on a level is sure")] = 0.9
    best: Annotated[int, Option(whole(1, 100), "how many of the likeliest right nodes `best` lists")] = 3


def map_taxonomy(
    session: Session,
    left: pa.Table,
    right: pa.Table,
    label: str,
    name: str | None,
    options: Mapping[str, Any],
) -> pa.Table:
    """What each left node is on the right; one row a left label, in the order of their paths.

    A node whose names and those above have no word is NULL in all but its label, where the right side has no
    node of its name.

    Args:
        session: whose log it is told.
        left: nodes.
        right: nodes.
        label: the column of paths or codes, of both tables.
        name: the column of names, of both tables; None takes the last part of each path.
        options: see `MapOptions`.

    Raises:
        XbsqlError: no such column, labels that cannot be read, codes without names, too many nodes.
    """
    from xbsql.tasks.classify.path_answers import PathAnswers
    from xbsql.taxonomy.mapping import mapping

    where = "xb.map_taxonomy"
    said = MapOptions.of(where, options)
    levels = Levels.of(said.levels), Levels.of(said.right_levels or said.levels)
    sides = [
        _nodes(f"{where}: {side} table", table, label, name, each)
        for side, table, each in zip(("left", "right"), (left, right), levels, strict=True)
    ]
    (own, given), (other, there) = sides
    found = mapping(where, own, other)
    rows = np.flatnonzero(np.isin(np.array(own.tree.labels, object), given))
    kept = np.flatnonzero(np.isin(np.array(other.tree.labels, object), there))
    chosen = found[np.ix_(rows, kept)]
    chosen /= np.maximum(chosen.sum(axis=1, keepdims=True), 1e-300)
    names = tuple(other.tree.labels[node] for node in kept)
    answers = PathAnswers(names, levels[1], said.sure, said.best)
    label_, score, _, _, _, level, scores, best = answers.answers(chosen)
    listed = [own.tree.labels[node] for node in rows]
    mapped = pa.array(names, pa.string()).take(pa.array(chosen.argmax(axis=1)))
    likely = pa.array(chosen.max(axis=1))
    answered = [mapped, likely, label_, score, level, scores, best]
    theirs = {name.casefold() for names in other.names for name in names}
    same = [any(name.casefold() in theirs for name in own.names[node]) for node in rows.tolist()]
    silent = pa.array(own.silent[rows] & ~np.array(same, np.bool_))
    told = [pc.if_else(silent, pa.scalar(None, column.type), column) for column in answered]
    names_ = ["label", "mapped", "score", "sure", "sure_score", "level", "scores", "best"]
    return pa.table([pa.array(listed, pa.string()), *told], names=names_)


def _nodes(
    where: str, table: pa.Table, label: str, name: str | None, levels: Levels
) -> tuple[Nodes, list[str]]:
    """A table's nodes, and which of them it names itself."""
    known = read_labels(where, table, label, levels, flat=True)
    read = known.table
    if known.holes:
        raise errors.invalid(where, known.holes[0], "name every level, or leave these rows out")
    if name is not None and name not in read.column_names:
        raise errors.unknown(where, "column of names", name, read.column_names, place="the table has")
    if name is not None and not is_text(read[name].type):
        raise errors.invalid(where, f"column '{name}' is {read[name].type}, not text", "cast it to VARCHAR")
    read = read.filter(read[label].is_valid())
    if not read.num_rows:
        raise errors.invalid(where, f"no row has a label in column '{label}'", "give the nodes")
    labels = read[label].to_pylist()
    names = None if name is None else read[name].to_pylist()
    from xbsql.taxonomy.nodes import Nodes

    return Nodes.of(where, labels, names, levels), list(dict.fromkeys(labels))


def taxonomy_paths(
    session: Session, tbl: pa.Table, id: str, parent: str, name: str, language: str | None
) -> pa.Table:
    """The nodes of a table as paths, one row for each name of each node, see `xbsql.taxonomy.parents`.

    Args:
        session: whose log it is told.
        tbl: a row a node, or a row a name of one.
        id: the column of ids.
        parent: the column of the parents' ids, one or a list of them; NULL at the first level.
        name: the column of names.
        language: the column of their languages; None where all are of one.

    Raises:
        XbsqlError: no such column, or a node without an id.
    """
    where = "xb.taxonomy_paths"
    columns = [id, parent, name, *([language] if language is not None else [])]
    for column in columns:
        if column not in tbl.column_names:
            raise errors.unknown(where, "column", column, tbl.column_names, place="the table has")
    if tbl[id].null_count:
        count = tbl[id].null_count
        who = "1 row has" if count == 1 else f"{count} rows have"
        raise errors.invalid(where, f"{who} no id in column '{id}' (NULL)", "give one, or leave them out")
    ids = _written(where, tbl, id)
    names = [None if each is None else normal(each) for each in _written(where, tbl, name)]
    told = [None] * len(ids) if language is None else _written(where, tbl, language)
    rows = zip(ids, _listed(where, tbl, parent), names, told, strict=True)
    found = paths(Given(*row) for row in rows)
    kinds = {"level": pa.int32()}
    values = zip(*found, strict=True)
    return pa.table(
        {
            field: pa.array(column, kinds.get(field, pa.string()))
            for field, column in zip(Path._fields, values, strict=True)
        }
    )


def _written(where: str, table: pa.Table, name: str) -> list[Any]:
    """The values of a column as text; str, None for NULL.

    Raises:
        XbsqlError: it holds BLOBs, lists or structs.
    """
    column = table[name]
    if is_blob(column.type) or pa.types.is_nested(column.type):
        raise errors.invalid(where, f"column '{name}' is {column.type}", f"cast it ({name}::VARCHAR)")
    found: list[Any] = as_text(column, name).to_pylist()
    return found


def _listed(where: str, table: pa.Table, name: str) -> list[list[str]]:
    """The parents of each row, whether the column holds one or a list of them."""
    column = table[name]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [[str(each) for each in value or () if each is not None] for value in column.to_pylist()]
    found = _written(where, table, name)
    return [[] if value is None or not value.strip() else [value] for value in found]
