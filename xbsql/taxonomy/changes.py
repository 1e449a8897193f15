"""A taxonomy that changed: which nodes are new, moved or retired."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.taxonomy.levels import Levels


@dataclass(frozen=True)
class Changes:
    """What became of nodes.

    Attributes:
        kept: old label -> the same, for nodes that are still there.
        moved: old label -> new label, of a node whose name stands in one other place now.
        new: labels that were not there.
        retired: labels that are no more.
    """

    kept: Mapping[str, str]
    moved: Mapping[str, str]
    new: Sequence[str]
    retired: Sequence[str]

    @classmethod
    def between(cls, old: Sequence[str], new: Sequence[str], levels: Levels) -> Changes:
        """The changes from one set of labels to another; codes do not move."""
        was, now = set(old), set(new)
        gone = [label for label in old if label not in now]
        come = [label for label in new if label not in was]
        names = Counter(map(levels.name, gone)), Counter(map(levels.name, come))
        places = {levels.name(label): label for label in come}
        moved = {
            label: places[name]
            for label in gone
            if names[0][name := levels.name(label)] == 1 and names[1][name] == 1
        }
        arrived = set(moved.values())
        return cls(
            {label: label for label in old if label in now},
            moved,
            [label for label in come if label not in arrived],
            [label for label in gone if label not in moved],
        )

    def notes(self) -> list[str]:
        """One line for each kind of change, with an example."""
        said = []
        if self.new:
            said.append(f"{_nodes(len(self.new))} new ('{_shown(self.new[0])}'): known by name alone")
        if self.moved:
            old, new = next(iter(self.moved.items()))
            said.append(f"{_nodes(len(self.moved))} moved: '{_shown(old)}' is '{_shown(new)}' now")
        if self.retired:
            gone = _shown(self.retired[0])
            said.append(
                f"{_nodes(len(self.retired))} retired ('{gone}'): no more answered, their rows are left out"
            )
        return said or ["the taxonomy is the same"]


def _nodes(count: int) -> str:
    return "1 node is" if count == 1 else f"{count} nodes are"


def _shown(label: str) -> str:
    return errors.shown(label, 80)
