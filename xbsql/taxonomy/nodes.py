"""The nodes of a taxonomy as texts: what each is called, and what stands above it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from xbsql import errors
from xbsql.engine.design import unit
from xbsql.features.encoder import encoder
from xbsql.features.text import embed_texts
from xbsql.matching.blank import has_words
from xbsql.taxonomy.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.taxonomy.levels import Levels


_OF_EACH = 24

_LETTERS = (
    ("abcdefghijklmnopqrstuvwxyz", (3, 12)),
    ("bcdfghjklmnpqrstvwxz", (3, 8)),
    ("".join(map(chr, range(0x430, 0x450))), (3, 12)),
    ("".join(map(chr, range(0x627, 0x64B))), (3, 10)),
    ("".join(map(chr, range(0xE01, 0xE2F))), (3, 10)),
    ("".join(map(chr, range(0x3042, 0x3094))), (2, 8)),
    ("".join(map(chr, range(0x4E00, 0x9000, 7))), (1, 6)),
    ("".join(map(chr, range(0xAC00, 0xD7A0, 37))), (1, 6)),
)
"""Letters of scripts that the encoder reads, and between how many of them a text has."""


@dataclass(frozen=True)
class Nodes:
    """A taxonomy: its tree, every node a class in the tree's order, and the names of each.

    Attributes:
        tree: of all nodes, those above the given ones as well.
        names: of each node, the first one is how it is shown; a code without a name has none.
    """

    tree: Tree
    names: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, where: str, labels: Sequence[str], names: Sequence[str | None] | None, levels: Levels
    ) -> Nodes:
        """The taxonomy of some labels, and of the nodes above them.

        Args:
            where: the SQL function.
            labels: of the nodes, in one spelling; one that has several names stands several times.
            names: beside each label; None takes the last part of each path.
            levels: how labels say their paths.

        Raises:
            XbsqlError: labels are codes and have no names.
        """
        if names is None and levels.lengths:
            raise errors.invalid(
                where, "labels are codes, which say nothing", "name the column of their names"
            )
        above = Tree.of(tuple(dict.fromkeys(labels)), levels)
        tree = Tree.of(above.labels, levels)
        told: list[dict[str, None]] = [{} for _ in tree.labels]
        place = {label: node for node, label in enumerate(tree.labels)}
        for label, name in zip(labels, names or [None] * len(labels), strict=True):
            if name and name.strip():
                told[place[label]][name.strip()] = None
        own = [() if levels.lengths else (levels.name(label),) for label in tree.labels]
        return cls(tree, tuple(tuple(found) or own[node] for node, found in enumerate(told)))

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        """The node above each; -1 for the first level."""
        return self.tree.parent

    @cached_property
    def nameless(self) -> NDArray[np.bool_]:
        """Nodes without any name."""
        return np.array([not names for names in self.names])

    @cached_property
    def silent(self) -> NDArray[np.bool_]:
        """Nodes that nothing is known of: no name of theirs, nor of a node above, has a word."""
        found: list[bool] = []
        for names, above in zip(self.names, self.parents.tolist(), strict=True):
            found.append((above < 0 or found[above]) and not any(map(has_words, names)))
        return np.array(found, np.bool_)

    @cached_property
    def paths(self) -> list[str]:
        """The first names from the first level down to each node, in one text."""
        found: list[str] = []
        for node, above in enumerate(self.tree.parent.tolist()):
            own = self.names[node][0] if self.names[node] else ""
            found.append(f"{found[above]} {own}".strip() if above >= 0 else own)
        return found

    @cached_property
    def name_vectors(self) -> NDArray[np.float32]:
        """The mean vector of the names of each node, of length one; that of its path where it has none."""
        flat = [name for names in self.names for name in names]
        owner = np.repeat(np.arange(len(self.names)), [len(names) for names in self.names])
        found = np.where(self.nameless[:, None], self.path_vectors, np.float32(0))
        np.add.at(found, owner, embedded(flat))
        return unit(found)

    @cached_property
    def path_vectors(self) -> NDArray[np.float32]:
        """The vector of the path of each node."""
        return embedded(self.paths)


def embedded(texts: Sequence[str]) -> NDArray[np.float32]:
    """The mean vectors of texts as they are written and in small letters, equal ones read once.

    The encoder reads 'Hiking Boots' and 'hiking boots' as two things; across languages the mean of both is
    nearer to what is meant.
    """
    both = [*texts, *(text.lower() for text in texts)]
    places = {text: i for i, text in enumerate(dict.fromkeys(both))}
    vectors = embed_texts(list(places), encoder())[[places[text] for text in both]]
    return unit(vectors[: len(texts)] + vectors[len(texts) :])


@cache
def nonsense() -> NDArray[np.float32]:
    """Vectors of texts that mean nothing, random letters of many scripts, the same ones always; read-only."""
    generator = np.random.default_rng(0)
    texts = [
        "".join(generator.choice(list(letters), generator.integers(*lengths)))
        for letters, lengths in _LETTERS
        for _ in range(_OF_EACH)
    ]
    found = embedded(texts)
    found.flags.writeable = False
    return found
