"""Nodes that name their parents: every fault is answered and said beside the node."""

from xbsql.taxonomy.parents import Given, paths


def found(*rows):
    return {each.id: each for each in paths([Given(*row) for row in rows])}


def test_paths_are_of_the_language_that_most_nodes_have():
    both = paths(
        [
            Given("1", [], "Food", "en"), Given("1", [], "Essen", "de"),
            Given("2", ["1"], "Tea", "en"), Given("2", ["1"], "Tee", "de"),
            Given("3", ["2"], "Green tea", "en"),
        ]
    )  # fmt: skip
    assert [(each.path, each.language, each.name) for each in both] == [
        ("Food", "de", "Essen"), ("Food", "en", "Food"),
        ("Food > Tea", "de", "Tee"), ("Food > Tea", "en", "Tea"),
        ("Food > Tea > Green tea", "en", "Green tea"),
    ]  # fmt: skip
    assert all(each.note is None for each in both)


def test_what_is_wrong_with_a_node_is_said():
    nodes = found(
        ("a", [], "A", None), ("b", [], "B", None),
        ("two", ["b", "a"], "Two", None), ("none", ["a"], None, None),
        ("x", ["y"], "X", None), ("y", ["x"], "Y", None), ("lost", ["gone"], "Lost", None),
        ("self", ["self"], "Self", None), ("named", ["a"], "N1", "en"), ("named", ["a"], "N2", "en"),
    )  # fmt: skip
    assert nodes["two"].path == "A > Two"
    assert "under 2 parents" in nodes["two"].note
    assert nodes["none"].path == "A > none"
    assert "no name" in nodes["none"].note
    assert (nodes["x"].path, nodes["y"].path) == ("X", "X > Y")
    assert "a cycle" in nodes["x"].note
    assert nodes["lost"].path == "Lost"
    assert "'gone' is no node" in nodes["lost"].note
    assert "its own parent" in nodes["self"].note
    assert "2 names in 'en': N1, N2" in nodes["named"].note
