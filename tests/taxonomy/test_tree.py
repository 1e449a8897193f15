"""A tree over classes: probabilities add up, paths hang together, answers stop where they are not sure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbsql.metrics.rows import accuracy
from xbsql.taxonomy.levels import Levels
from xbsql.taxonomy.scores import Answered
from xbsql.taxonomy.tree import Tree, sure_from

LEVELS = Levels.of(">")
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(">".join)
LABELS = st.lists(PATHS, min_size=2, max_size=20, unique=True)


def probabilities(classes, seed, rows=30):
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), rows)


@given(LABELS, st.integers(0, 99))
def test_a_node_has_the_probability_of_the_classes_below_it(labels, seed):
    tree, found = Tree.of(labels, LEVELS), probabilities(len(labels), seed)
    nodes = tree.of_nodes(found)
    for node, name in enumerate(tree.labels):
        below = [place for place, label in enumerate(labels) if label == name or label.startswith(name + ">")]
        np.testing.assert_allclose(nodes[:, node], found[:, below].sum(axis=1), atol=1e-12)


@given(LABELS, st.integers(0, 99))
def test_the_likeliest_path_goes_from_child_to_child_and_is_never_surer_below(labels, seed):
    tree, found = Tree.of(labels, LEVELS), probabilities(len(labels), seed)
    path = tree.descent(found)
    for level in range(1, tree.depth):
        there = path.nodes[:, level] >= 0
        assert (tree.parent[path.nodes[there, level]] == path.nodes[there, level - 1]).all()
        assert (path.scores[there, level] <= path.scores[there, level - 1] + 1e-12).all()
        for row in np.flatnonzero(path.nodes[:, level - 1] >= 0).tolist():
            above = path.nodes[row, level - 1]
            children = np.flatnonzero(tree.parent == above)
            itself = found[row, tree.node == above].sum()
            best = max(path.weight[row, children], default=-1.0)
            ends = best < itself
            assert path.nodes[row, level] == (-1 if ends else children[path.weight[row, children].argmax()])
    assert (path.nodes[:, 0] >= 0).all()
    levels = np.random.default_rng(seed).integers(0, (path.nodes >= 0).sum(axis=1))
    rivals, likely = tree.rivals(path, levels)
    own = path.nodes[np.arange(len(levels)), levels]
    for row in range(len(levels)):
        others = np.flatnonzero((tree.level == levels[row]) & (np.arange(len(tree.labels)) != own[row]))
        expected = max(path.weight[row, others], default=0.0)
        assert likely[row] == expected
        assert (rivals[row] == -1) == (expected <= 0)


def test_an_inner_node_that_is_a_class_itself_is_where_a_path_may_end():
    tree = Tree.of(["a", "a>b", "c"], LEVELS)
    path = tree.descent(np.array([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]]))
    assert [tree.labels[node] if node >= 0 else None for node in path.nodes[:, 1]] == [None, "a>b"]


def test_answers_are_right_as_often_as_asked_on_other_rows():
    """Scores that say too much: the threshold is found from rows, not believed."""
    generator = np.random.default_rng(0)
    rates = []
    for _ in range(30):
        score = generator.uniform(0.2, 1.0, (800, 1))
        right = generator.random((800, 1)) < score**2
        least = sure_from(right[:400], score[:400], 0.8)
        rates.append(right[400:][score[400:] >= least].mean())
    assert np.mean(rates) > 0.8 - 0.01
    assert np.mean(rates) < 0.86


def test_where_nothing_is_sure_enough_nothing_is():
    assert sure_from(np.zeros((50, 2), bool), np.full((50, 2), 0.9), 0.95) > 1
    assert sure_from(np.zeros((0, 2), bool), np.zeros((0, 2)), 0.95) > 1


@given(LABELS, st.integers(0, 99))
def test_scores_by_level_are_of_the_rows_that_have_the_level(labels, seed):
    tree, found = Tree.of(labels, LEVELS), probabilities(len(labels), seed)
    y = np.random.default_rng(seed).integers(0, len(labels), len(found))
    path = tree.descent(found)
    scores = Answered(tree, path.nodes, path.depth(0.0)).scores()
    truth = tree.ancestors[tree.node[y]]
    for level in range(tree.depth):
        rows = truth[:, level] >= 0
        value = scores[f"accuracy_level_{level + 1}"](y, found, None)
        expected = (path.nodes[rows, level] == truth[rows, level]).mean() if rows.any() else np.nan
        assert value == pytest.approx(expected, nan_ok=True)
    assert 0 <= scores["hierarchical_f1"](y, found, None) <= 1
    counts = np.ones((2, len(y)))
    assert scores["hierarchical_f1"](y, found, counts).shape == (2,)
    whole = Answered(tree, truth, (truth >= 0).sum(axis=1)).scores()
    assert whole["hierarchical_f1"](y, found, None) == pytest.approx(1.0)
    assert whole["answered_depth"](y, found, None) == pytest.approx(1.0)
    assert accuracy(y, np.eye(len(labels))[y]) == 1.0
