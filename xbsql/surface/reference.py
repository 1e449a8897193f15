"""The SQL reference, made from the functions themselves: `python -m xbsql.surface.reference docs/sql.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from xbsql.surface.functions import FUNCTIONS

if TYPE_CHECKING:
    from xbsql.surface.function import Function

HEAD = """# SQL reference

Made from `xbsql/functions.py` by `make docs`; a test fails when the two differ, and runs every example.

Tables are given by name (`home`, `'home'`, `'main.home'`), as a CTE, or as an Arrow or Polars object or a
Python variable. A model is named `'m'` (its promoted version) or `'m@3'` (exactly that one). Options are a
STRUCT. NULL in, NULL out. Every function has a Python twin of the same name and arguments:
`xbsql.fit(con, ...)`.
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
    shown = [a.name if a.default is None else f"{a.name} := {a.default}" for a in function.arguments]
    rows = [f"| `{a.name}` | {a.doc} | {_code(a.default)} |" for a in function.arguments]
    table = ["| argument | meaning | default |", "|---|---|---|", *rows, ""] if rows else []
    lines = [f"### xb.{function.name}({', '.join(shown)})", "", function.doc, "", *table]
    lines += [f"Returns `{function.returns.replace(chr(34), '')}`", "", "```sql", function.example, "```", ""]
    return "\n".join(lines)


def _code(text: str | None) -> str:
    return "" if text is None else f"`{text}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
