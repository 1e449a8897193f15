"""Whether the trees of a LightGBM text hold together: over one that does not, LightGBM ends the process."""

from __future__ import annotations

import re
from typing import TypeAlias

Fields: TypeAlias = dict[str, list[float]]

_NODES = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_OPTIONAL = {
    "leaf_weight": 0, "leaf_count": 0, "internal_value": 1, "internal_weight": 1, "internal_count": 1,
}  # fmt: skip
"""Fields that may be missing, and how many entries fewer than leaves they have."""


def sound(text: str, features: int) -> bool:
    """Whether every tree has what it needs, in the right number and range.

    Args:
        text: of `Booster.save_model`, from 'tree' to its end.
        features: how many columns the model reads.
    """
    body = text.encode()[text.encode().index(b"\nTree=") + 1 :]
    sizes = re.search(r"(?m)^tree_sizes=([\d ]*)$", text)
    start = 0
    for number, size in enumerate(sizes[1].split() if sizes else []):
        tree = body[start : start + int(size)].decode(errors="replace")
        start += int(size)
        try:
            whole = tree.startswith(f"Tree={number}\n") and _whole(_fields(tree), features)
        except (ValueError, OverflowError, IndexError):  # no number, an infinite one, none at all
            return False
        if not whole:
            return False
    return start > 0 and body[start:].startswith(b"end of trees")


def _fields(tree: str) -> Fields:
    lines = [line.partition("=") for line in tree.splitlines()[1:]]
    return {name: [float(value) for value in values.split()] for name, _, values in lines if values}


def _whole(found: Fields, features: int) -> bool:
    leaves = int(found.get("num_leaves", [0])[0])
    if leaves < 1 or found.get("is_linear", [0]) != [0] or len(found.get("leaf_value", ())) != leaves:
        return False
    if leaves == 1:
        return True
    if any(len(found.get(name, ())) != leaves - 1 for name in _NODES):
        return False
    if any(name in found and len(found[name]) != leaves - less for name, less in _OPTIONAL.items()):
        return False
    return _joined(found, leaves) and _categories(found) and _within(found["split_feature"], features)


def _joined(found: Fields, leaves: int) -> bool:
    """Whether every leaf, and every node but the first, hangs below exactly one node that comes before it."""
    below = [*found["left_child"], *found["right_child"]]
    after = all(
        child < 0 or child > node
        for side in ("left_child", "right_child")
        for node, child in enumerate(found[side])
    )
    return after and sorted(below) == [*range(-leaves, 0), *range(1, leaves - 1)]


def _categories(found: Fields) -> bool:
    """Whether the sets of codes that categories are split by are there."""
    count = int(found.get("num_cat", [0])[0])
    kinds = zip(found["decision_type"], found["threshold"], strict=True)
    asked = [threshold for kind, threshold in kinds if int(kind) & 1]
    if not count:
        return not asked
    bounds = found.get("cat_boundaries", [])
    ascending = len(bounds) == count + 1 and bounds[0] == 0 and sorted(bounds) == bounds
    return ascending and len(found.get("cat_threshold", ())) == bounds[-1] and _within(asked, count)


def _within(places: list[float], most: int) -> bool:
    return all(0 <= place < most for place in places)
