"""The trees of a LightGBM text, field by field: over a broken one LightGBM ends the process.

Numbers are held to LightGBM's way of writing them by one expression, a line at a time, and turned into
numbers only where one has to be compared with another: so a model of the store takes little longer to load.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, TypeAlias

Fields: TypeAlias = dict[bytes, bytes]

_VALUE: Final = rb"-?+(?:[0-9]{1,18}+(?:\.[0-9]{1,40}+)?+(?:e[+-][0-9]{2,3}+)?+|inf|nan)"
_LINE: Final = re.compile(rb"([a-z_]++)=((?:" + _VALUE + rb"(?: " + _VALUE + rb")*+)?+)\n")

_NO_INTEGER: Final = re.compile(rb"[.ean]")

_ONE, _LEAF, _NODE, _CODES = range(4)
"""How many values a field has: one, one a leaf, one a node, or as many as categories take."""
_COUNTS: Final = {
    b"num_leaves": _ONE, b"num_cat": _ONE, b"is_linear": _ONE, b"shrinkage": _ONE,
    b"leaf_value": _LEAF, b"leaf_weight": _LEAF, b"leaf_count": _LEAF,
    b"split_feature": _NODE, b"split_gain": _NODE, b"threshold": _NODE, b"decision_type": _NODE,
    b"left_child": _NODE, b"right_child": _NODE,
    b"internal_value": _NODE, b"internal_weight": _NODE, b"internal_count": _NODE,
    b"cat_boundaries": _CODES, b"cat_threshold": _CODES,
}  # fmt: skip
_INTEGERS: Final = (
    b"num_leaves", b"num_cat", b"is_linear", b"leaf_count", b"split_feature", b"decision_type", b"left_child",
    b"right_child", b"internal_count", b"cat_boundaries", b"cat_threshold",
)  # fmt: skip
_NEEDED: Final = (b"split_feature", b"threshold", b"decision_type", b"left_child", b"right_child")
_MOST_LINES: Final = 22  # that LightGBM reads of a tree
_DECISIONS: Final = frozenset(b"%d" % kind for kind in range(12))
"""1: of a category, 2: missing goes left, 4 and 8: what is missing."""
MOST_VALUE: Final = 1e100
"""Values of leaves beyond it add up to no number."""


def broken_trees(body: bytes, sizes: list[int], features: int) -> str:
    """What is wrong with trees; '' for nothing.

    Args:
        body: from the first 'Tree=' to the line 'end of trees', without it.
        sizes: bytes of each tree, as the header says.
        features: how many columns the model reads.
    """
    if sum(sizes) != len(body):
        return "tree_sizes are not those of its trees"
    start, columns = 0, frozenset(b"%d" % column for column in range(features))
    for number, size in enumerate(sizes):
        found = _fields(body, start, start + size, b"Tree=%d\n" % number)
        problem = "is not whole" if found is None else _broken(found, columns)
        if problem:
            return f"tree {number} {problem}"
        start += size
    return ""


def _fields(body: bytes, start: int, stop: int, title: bytes) -> Fields | None:
    """The lines of one tree; None where there is anything else, or one comes twice."""
    if not body.startswith(title, start):
        return None
    lines = _LINE.findall(body, start + len(title), stop)
    end = start + len(title) + sum(len(name) + len(values) + 2 for name, values in lines)
    found = dict(lines)
    empty = stop - end  # lines at the end; LightGBM reads no further than the first
    right = empty in (1, 2) and body.find(b"\n\n", start, stop) == end - 1
    return found if right and len(found) == len(lines) <= _MOST_LINES else None


def _broken(found: Fields, columns: frozenset[bytes]) -> str:
    if not found.keys() <= _COUNTS.keys():
        return "has a field of another LightGBM"
    if any(_NO_INTEGER.search(values) for values in map(found.get, _INTEGERS) if values):
        return "holds a number that is not whole"
    leaves = int(found.get(b"num_leaves") or b"0")
    if leaves < 1 or found.get(b"is_linear", b"0") != b"0" or not found.get(b"leaf_value"):
        return "has no leaves, or linear ones"
    for name, values in found.items():
        if not _counts(name, values.count(b" ") + 1 if values else 0, leaves):
            return f"has too few or too many values of {name.decode()} for {leaves} leaves"
    if b"n" in found[b"leaf_value"] or _largest(found[b"leaf_value"]) > MOST_VALUE:
        return "has a leaf whose value is no number, or beyond all"
    return "" if leaves == 1 else _disjoint(found, leaves, columns)


def _largest(values: bytes) -> float:
    """The largest size among numbers, where one could be large; else 0."""
    return max(abs(float(value)) for value in values.split(b" ")) if b"e+" in values else 0.0


def _counts(name: bytes, found: int, leaves: int) -> bool:
    """Whether a field has as many values as it should; what a lone leaf does not need may be left out."""
    kind = _COUNTS[name]
    if kind == _CODES:
        return True
    if name != b"leaf_value" and leaves == 1:
        return found <= 1
    return found == (1 if kind == _ONE else leaves if kind == _LEAF else leaves - 1)


def _disjoint(found: Fields, leaves: int, columns: frozenset[bytes]) -> str:
    """What is wrong with the way nodes, leaves and categories hang together."""
    if not found.keys() >= set(_NEEDED):
        return "lacks what its nodes need"
    if b"nan" in found[b"threshold"]:
        return "splits at what is no number"
    left, right = found[b"left_child"].split(b" "), found[b"right_child"].split(b" ")
    if {*left, *right} != _places(leaves):
        return "has a leaf or a node that hangs nowhere, or twice"
    for side in (left, right):
        if any(0 <= child <= node for node, child in enumerate(map(int, side))):
            return "has a node below itself"
    if not columns.issuperset(found[b"split_feature"].split(b" ")):
        return "splits on a column that there is not"
    decisions = found[b"decision_type"].split(b" ")
    if not _DECISIONS.issuperset(decisions):
        return "decides in a way that LightGBM does not know"
    return _categories(found, decisions)


@cache
def _places(leaves: int) -> frozenset[bytes]:
    """What stands below the nodes of a tree: each leaf and each node but the first, once."""
    return frozenset(b"%d" % place for place in [*range(-leaves, 0), *range(1, leaves - 1)])


def _categories(found: Fields, decisions: list[bytes]) -> str:
    """What is wrong with the sets of codes that categories are split by."""
    count = int(found.get(b"num_cat") or b"0")
    kinds = zip(decisions, found[b"threshold"].split(b" "), strict=True)
    asked = {value for kind, value in kinds if int(kind) & 1}
    bounds, codes = (_whole(found.get(name, b"")) for name in (b"cat_boundaries", b"cat_threshold"))
    if not count:
        return "splits on categories that it does not list" if asked or bounds or codes else ""
    ascending = len(bounds) == count + 1 and bounds[0] == 0 and sorted(set(bounds)) == bounds
    if not ascending or len(codes) != bounds[-1] or not 0 <= min(codes) <= max(codes) < 2**32:
        return "lists categories that do not fit together"
    right = asked <= {b"%d" % place for place in range(count)}
    return "" if right else "splits on categories that it does not list"


def _whole(values: bytes) -> list[int]:
    return [int(value) for value in values.split(b" ")] if values else []
