"""A taxonomy whose nodes name their parents, as paths; whatever is wrong with a node is said beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from xbsql.taxonomy.levels import JOINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Given(NamedTuple):
    """One row of a table of nodes.

    Attributes:
        id: of the node.
        parents: ids of those above it, none at the first level.
        name: what it is called; None for no name.
        language: of the name; None where none is said.
    """

    id: str
    parents: Sequence[str]
    name: str | None
    language: str | None


class Path(NamedTuple):
    """One name of a node.

    Attributes:
        id: of the node.
        path: from the first level down, in the language that most nodes have a name in.
        level: how many nodes the path has.
        name: of the node.
        language: of the name.
        note: what was wrong with the node; None where nothing was.
    """

    id: str
    path: str
    level: int
    name: str | None
    language: str | None
    note: str | None


@dataclass
class _Node:
    parents: dict[str, None] = field(default_factory=dict)
    names: dict[str | None, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def paths(rows: Iterable[Given]) -> list[Path]:
    """The nodes as paths, one row for each name of each, in the order of the paths.

    A node under several parents stands under the first of them in order of their ids; in a cycle the node
    whose id comes first has none; a parent that is no node is none; a node without a name is called by its
    id; of two names in one language both count and the first is shown. '>' in a name becomes '/'.
    """
    nodes = _read(rows)
    above = _above(nodes)
    languages = Counter(language for node in nodes.values() for language in node.names)
    main = min(languages, key=lambda each: (-languages[each], str(each))) if languages else None
    shown = {key: _shown(key, node, main) for key, node in nodes.items()}
    found = []
    for key, node in nodes.items():
        chain = [key]
        while (parent := above[chain[-1]]) is not None:
            chain.append(parent)
        path, note = JOINED.join(shown[each] for each in reversed(chain)), "; ".join(node.notes) or None
        named: list[tuple[str | None, str | None]]
        named = [(name, language) for language, names in node.names.items() for name in names]
        found += [Path(key, path, len(chain), *each, note) for each in named or [(None, None)]]
    return sorted(found, key=lambda each: (each.path, each.id, str(each.language), str(each.name)))


def _read(rows: Iterable[Given]) -> dict[str, _Node]:
    """The nodes by id."""
    nodes: dict[str, _Node] = {}
    for row in rows:
        node = nodes.setdefault(row.id, _Node())
        node.parents.update(dict.fromkeys(row.parents))
        name = (row.name or "").strip().replace(">", "/")
        told = node.names.setdefault(row.language, []) if name else []
        if name and name not in told:
            told.append(name)
    for key, node in nodes.items():
        node.notes += [] if node.names else [f"it has no name and is called '{key}'"]
        twice = {language: names for language, names in node.names.items() if len(names) > 1}
        for language, names in twice.items():
            where = "" if language is None else f" in '{language}'"
            node.notes.append(f"it has {len(names)} names{where}: {', '.join(sorted(names))}")
            names.sort()
    return nodes


def _above(nodes: dict[str, _Node]) -> dict[str, str | None]:
    """The one parent of each node."""
    above: dict[str, str | None] = {}
    for key, node in nodes.items():
        known = sorted(each for each in node.parents if each in nodes and each != key)
        node.notes += [f"its parent '{each}' is no node" for each in node.parents if each not in nodes]
        node.notes += ["it is its own parent"] if key in node.parents else []
        if len(known) > 1:
            node.notes.append(f"it stands under {len(known)} parents: under '{known[0]}' here")
        above[key] = known[0] if known else None
    for key in sorted(nodes):
        if (cycle := _cycle(key, above)) is not None:
            first = min(cycle)
            shown = " > ".join([*reversed(cycle), cycle[-1]])
            nodes[first].notes.append(f"a cycle, {shown}: it has no parent here")
            above[first] = None
    return above


def _cycle(key: str, above: dict[str, str | None]) -> list[str] | None:
    """The nodes of a cycle above a node, each followed by its parent; None where there is none."""
    seen: dict[str, int] = {}
    chain: list[str] = []
    here: str | None = key
    while here is not None:
        if here in seen:
            return chain[seen[here] :]
        seen[here] = len(chain)
        chain.append(here)
        here = above[here]
    return None


def _shown(key: str, node: _Node, main: str | None) -> str:
    """The name of a node in a path."""
    if main in node.names:
        return node.names[main][0]
    return next((names[0] for names in node.names.values()), key)
