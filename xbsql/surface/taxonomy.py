"""Taxonomies: two laid upon each other."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from xbsql.session import taxonomy as run
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, Given, Name, Rows, Text
from xbsql.surface.function import Columns, function

Side = Annotated[pa.Table, Rows(), DATA]
MAPPED: Columns = {
    "label": "VARCHAR", "mapped": "VARCHAR", "score": "DOUBLE", "sure": "VARCHAR", "sure_score": "DOUBLE",
    "level": "INTEGER", "scores": "DOUBLE[]", "best": "STRUCT(label VARCHAR, score DOUBLE)[]",
}  # fmt: skip


@function(MAPPED, example="FROM xb.map_taxonomy(shelves_de, shelves, label := 'path') LIMIT 3")
def map_taxonomy(
    session: Session,
    left: Side,
    right: Side,
    label: Annotated[Name, "the column of both tables that holds paths or codes"],
    name: Annotated[
        Text, "the column of both tables that names the nodes; NULL takes the last part of each path"
    ] = None,
    options: Annotated[
        Given, "levels (' > ', or code lengths [2, 4, 6]), right_levels where they differ, sure, best"
    ] = None,
) -> pa.Table:
    """What each node of one taxonomy is in another, across languages and without a label: names, paths,
    parents and children are compared, and the nodes are chosen together, so that two share a counterpart only
    where they have no better one. One row a left label: `mapped` is the likeliest right label and `score` its
    probability; `sure` is the deepest right node above or at it that is sure, NULL where not even its first
    level is, with its own `level` and probability; `scores` of every level of the likeliest path, and `best`
    the likeliest labels, to choose from where a person reviews the table. It supposes that every left node
    has a counterpart; one whose names have no word ('???', '12345'), and are none of the right side's, is
    NULL in all but its label.
    """
    return run.map_taxonomy(session, left, right, label, name, options or {})


@function(
    {
        "id": "VARCHAR", "path": "VARCHAR", "level": "INTEGER", "name": "VARCHAR", "language": "VARCHAR",
        "note": "VARCHAR",
    },
    example="FROM xb.taxonomy_paths(shelf_nodes, id := 'node', parent := 'above', name := 'name')",
)  # fmt: skip
def taxonomy_paths(
    session: Session,
    tbl: Annotated[pa.Table, Rows(), f"a row a node, or a row a name of one; {DATA}"],
    id: Annotated[Name, "the column of ids"],
    parent: Annotated[Name, "the column of the parents' ids, one or a list; NULL at the first level"],
    name: Annotated[Name, "the column of names"],
    language: Annotated[Text, "the column of their languages; NULL where all are of one"] = None,
) -> pa.Table:
    """The nodes of a taxonomy that name their parents, as paths 'A > B > C' for xb.fit and xb.map_taxonomy:
    one row for each name of each node, in the order of the paths. Paths are in the language that most nodes
    have a name in. `note` says what is wrong with a node: a cycle, several parents, one that is no node, no
    name, two names in one language; it is NULL where nothing is.
    """
    return run.taxonomy_paths(session, tbl, id, parent, name, language)
