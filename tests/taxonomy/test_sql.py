"""Taxonomies from SQL: mapping, nodes with parents, and mistakes of one line."""

import numpy as np
import pytest

import xbsql
from xbsql.taxonomy.levels import Levels
from xbsql.taxonomy.mapping import mapping
from xbsql.taxonomy.nodes import Nodes

LEFT = [
    "Kleidung", "Kleidung > Schuhe", "Kleidung > Schuhe > Stiefel", "Kleidung > Schuhe > Sandalen",
    "Küche", "Küche > Messer", "Küche > Pfannen", "Garten", "Garten > Blumentöpfe",
]  # fmt: skip
RIGHT = [
    "Clothing", "Clothing > Shoes", "Clothing > Shoes > Boots", "Clothing > Shoes > Sandals",
    "Kitchen", "Kitchen > Knives", "Kitchen > Pans", "Garden", "Garden > Flower pots",
]  # fmt: skip


@pytest.fixture(scope="module")
def con():
    con = xbsql.connect()
    for name, paths in (("l", LEFT), ("r", RIGHT)):
        con.execute(f"CREATE TABLE {name} AS SELECT unnest(?::VARCHAR[]) AS path", [paths])
    con.execute(
        "CREATE TABLE codes AS FROM (VALUES ('64', 'Footwear'), ('6403', 'Boots of leather'), "
        "('82', 'Tools and cutlery'), ('8211', 'Knives')) t(path, name)"
    )
    con.execute(
        "CREATE TABLE nodes AS FROM (VALUES (1, NULL, 'A'), (2, 1, 'B'), (3, 9, 'C')) t(id, up, name)"
    )
    yield con
    con.close()


def test_nodes_are_mapped_across_languages(con):
    rows = con.sql("FROM xb.map_taxonomy(l, r, label := 'path')").fetchall()
    found = {row[0]: row[1] for row in rows}
    assert found == dict(zip(LEFT, RIGHT, strict=True))
    for _, mapped, score, sure, sure_score, level, scores, best in rows:
        assert mapped == best[0]["label"]
        assert score == best[0]["score"]
        assert sure is None or (mapped.startswith(sure) and level == sure.count(" > ") + 1)
        assert sure_score == scores[max(level - 1, 0)]


def test_codes_are_mapped_by_their_names(con):
    options = "{'levels': [2, 4], 'right_levels': ' > '}"
    query = f"FROM xb.map_taxonomy(codes, named, 'path', name := 'name', options := {options})"
    con.execute("CREATE OR REPLACE TABLE named AS SELECT path, NULL::VARCHAR AS name FROM r")
    found = {row[0]: row[1] for row in con.sql(query).fetchall()}
    assert found["6403"] == "Clothing > Shoes > Boots"
    assert found["8211"] == "Kitchen > Knives"


def test_a_mapping_does_not_depend_on_the_order_of_the_rows():
    levels = Levels.of(" > ")
    sides = [Nodes.of("xb", paths, None, levels) for paths in (LEFT, RIGHT)]
    again = [Nodes.of("xb", paths[::-1], None, levels) for paths in (LEFT, RIGHT)]
    np.testing.assert_array_equal(mapping("xb", *sides), mapping("xb", *again))


def test_nodes_with_parents_are_paths_and_what_is_wrong_stands_beside(con):
    found = con.sql("FROM xb.taxonomy_paths(nodes, id := 'id', parent := 'up', name := 'name')").fetchall()
    assert [row[:3] for row in found] == [("1", "A", 1), ("2", "A > B", 2), ("3", "C", 1)]
    assert [row[5] for row in found] == [None, None, "its parent '9' is no node"]


def test_a_table_without_rows_is_answered(con):
    con.execute(
        "CREATE OR REPLACE TABLE named AS SELECT path, regexp_extract(path, '[^>]*$') AS title FROM r"
    )
    options = "{'levels': ' > ', 'nodes': true, 'text': ['title']}"
    con.execute(f"CALL xb.fit('tree', named, 'path', options := {options})")
    assert con.sql("SELECT xb.classify('tree', title).best FROM named WHERE false").fetchall() == []
    assert con.sql("SELECT xb.classify('tree', NULL)").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "xb.map_taxonomy(codes, r, label := 'path', options := {'levels': [2, 4]})",
            "labels are codes, which say",
        ),
        ("xb.map_taxonomy(l, r, label := 'pfad')", "no label column 'pfad'; the table has path"),
        ("xb.map_taxonomy(l, r, label := 'path', options := {'levels': '/'})", "no label holds '/'"),
        ("xb.map_taxonomy(l, r, label := 'path', options := {'deep': 1})", "no option 'deep'"),
        (
            "xb.taxonomy_paths(nodes, id := 'up', parent := 'id', name := 'name')",
            "1 row has no id in column 'up'",
        ),
        ("xb.taxonomy_paths(nodes, 'id', 'above', 'name')", "no column 'above'"),
    ],
)
def test_mistakes_are_one_line(con, query, error):
    with pytest.raises(Exception, match=error) as raised:
        con.sql(f"FROM {query}").fetchall()
    assert "\n" not in str(raised.value).strip()


def test_a_flat_list_is_mapped_like_any_other(con):
    con.sql("CREATE OR REPLACE TABLE flat_l AS SELECT unnest(['Shoes', 'Hats / Caps', 'Bags']) AS path")
    con.sql("CREATE OR REPLACE TABLE flat_r AS SELECT unnest(['Hüte / Mützen', 'Taschen', 'Schuhe']) AS path")
    rows = con.sql("SELECT label, mapped FROM xb.map_taxonomy(flat_l, flat_r, label := 'path')").fetchall()
    assert dict(rows) == {"Shoes": "Schuhe", "Hats / Caps": "Hüte / Mützen", "Bags": "Taschen"}


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["Home > > Lamp", "Home"], "labels of 1 rows skip a level"),
        (["> Lamp", "Home > Bed"], "labels of 1 rows have no first level"),
        (["Home|Lamp", "Home|Bed"], "no label holds ' > '"),
    ],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_broken_taxonomy_is_told_with_its_side(con, labels, told, side):
    con.execute("CREATE OR REPLACE TABLE holed AS SELECT unnest(?) AS path", [labels])
    con.sql("CREATE OR REPLACE TABLE whole AS SELECT unnest(['Home > Lamp', 'Home > Bed']) AS path")
    both = "holed, whole" if side == "left" else "whole, holed"
    with pytest.raises(Exception, match=f"xb.map_taxonomy: {side} table: {told}"):
        con.sql(f"FROM xb.map_taxonomy({both}, label := 'path')").fetchall()


def test_a_name_without_a_word_has_no_counterpart(con):
    paths = ["Schuhe", "12345", "???", "\U0001f600", "Garten", "Garten > ???"]
    con.execute("CREATE OR REPLACE TABLE odd AS SELECT unnest(?) AS path", [paths])
    rows = con.sql("FROM xb.map_taxonomy(odd, r, label := 'path')").fetchall()
    told = {row[0]: row[1:] for row in rows}
    assert all(told[path] == (None,) * 7 for path in paths[1:4])
    assert told["Schuhe"][0] == "Clothing > Shoes"
    assert told["Garten > ???"][0].startswith("Garden"), "what stands above is a word"
    con.execute("CREATE OR REPLACE TABLE letters AS SELECT unnest(['A', 'B', '12345', '???']) AS path")
    rows = con.sql("SELECT label, mapped FROM xb.map_taxonomy(odd, letters, label := 'path')").fetchall()
    assert dict(rows)["12345"] == "12345", "it is the very name"
    rows = con.sql("SELECT label, mapped FROM xb.map_taxonomy(letters, letters, label := 'path')").fetchall()
    assert all(label == mapped for label, mapped in rows)


@pytest.mark.parametrize("kind", ["[path]", "{'a': path}", "encode(path)", "map {path: 1}"])
@pytest.mark.parametrize(
    "query",
    [
        "FROM xb.map_taxonomy(odd, r, label := 'path')",
        "FROM xb.taxonomy_paths(odd, id := 'path', parent := 'plain', name := 'plain')",
        "FROM xb.taxonomy_paths(odd, id := 'plain', parent := 'none', name := 'path')",
        "FROM xb.taxonomy_paths(odd, id := 'plain', parent := 'none', name := 'plain', language := 'path')",
        "CALL xb.fit('odd', odd, 'path', options := {'levels': ' > ', 'nodes': true, 'text': ['plain']})",
        "CALL xb.fit('odd', odd, 'plain', options := {'levels': ['path', 'plain'], 'text': ['plain']})",
    ],
)
def test_a_column_of_another_type_is_named(con, kind, query):
    con.execute(
        f"CREATE OR REPLACE TABLE odd AS SELECT {kind} AS path, path AS plain, NULL::VARCHAR AS none FROM r"
    )
    with pytest.raises(Exception, match=r"column 'path' (is|holds)") as raised:
        con.sql(query).fetchall()
    assert "fault of xbsql" not in str(raised.value)
