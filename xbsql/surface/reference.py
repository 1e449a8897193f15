"""The SQL reference, made from the declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.surface.functions import FUNCTIONS
from xbsql.surface.help import call_of

if TYPE_CHECKING:
    from xbsql.surface.function import Function

HEAD = """# SQL reference

Made from the declarations in `xbsql/surface/` by `make docs`; a test fails when the two differ, and runs
every example. In a shell the same is `FROM xb.help()` and `FROM xb.help('fit')`.

Tables are given by name (`home`, `'home'`, `'main.home'`), as a CTE, or as an Arrow or Polars object or
a Python variable. A model is named `'m'` (its promoted version) or `'m@3'` (exactly that one). Options
are a STRUCT. A table whose default is `'xb._nothing'` may be left out. A row function answers NULL with
NULL; over a table without rows it is never asked, so a model that is missing goes unnoticed there. The
tables of the examples are in [examples](examples.md). Python has every function under the same name
with the same arguments: `xbsql.fit(con, ...)`.
"""
KINDS = {
    "row": "Row by row: in SELECT, WHERE, JOIN, ORDER BY",
    "set": "Whole sets: in FROM",
    "action": "Actions: after CALL or FROM; an identical call finds what the first one made",
}


def reference() -> str:
    """The whole page, Markdown."""
    parts = [HEAD]
    for kind, title in KINDS.items():
        parts.append(f"\n## {title}\n")
        parts += [section(function) for function in FUNCTIONS if function.kind == kind]
    return "\n".join(parts)


def section(function: Function) -> str:
    """One function, Markdown."""
    rows = [
        f"| `{a.name}` | {a.kind.type} | {_cell(a.doc)} | {_code(a.default)} |" for a in function.arguments
    ]
    table = ["| argument | type | meaning | default |", "|---|---|---|---|", *rows, ""] if rows else []
    before = f"every column of `{function.beside}`, " if function.beside else ""
    lines = [f"### xb.{function.name}({call_of(function)})", "", function.doc, "", *table]
    lines += [f"Returns {before}`{function.shown}`", "", "```sql", function.example, "```", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """A text in a table, where a bar would end the cell."""
    return text.replace("|", "\\|")


def _code(text: str | None) -> str:
    return "" if text is None else f"`{text}`"
