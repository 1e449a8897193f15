"""What is generated from the declarations and committed: `python -m xbsql.surface.faces` writes it.

sql/generated.sql, surface/python.py, surface/polars.py, surface/names.py and docs/sql.md; a test fails when
one of them is stale.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from xbsql.surface.arguments import ColumnOf, Each, EachOr, Rows, Stream, StructOf, Values
from xbsql.surface.functions import FUNCTIONS
from xbsql.surface.macros import comment, macro
from xbsql.surface.reference import reference

if TYPE_CHECKING:
    from xbsql.surface.function import Argument, Function

ROOT = Path(__file__).parents[2]
MADE = "Made from the declarations in xbsql/surface by `make docs`; changes belong there."

PYTHON = f'''"""Every function for Python: Arrow in, Arrow out.

{MADE}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.surface.calls import called

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from xbsql.surface.calls import Values
'''
POLARS = f'''"""Every function that takes rows, for Polars.

{MADE}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.surface.frames import ExpressionSpace, FrameSpace

if TYPE_CHECKING:
    import datetime as dt
    import os
    from collections.abc import Mapping, Sequence

    import polars as pl
'''
SQL = f"-- {MADE}\n-- What is written by hand stands beside this file."


def faces() -> dict[Path, str]:
    """Every generated file, with its text."""
    made = sorted(FUNCTIONS, key=lambda function: function.name)
    macros = [macro(function) for function in made if not function.by_hand]
    names = "".join(f'    "{function.name}",\n' for function in made)
    return {
        ROOT / "sql" / "generated.sql": ";\n\n".join([f"{SQL}\n\n{macros[0]}", *macros[1:]]) + ";\n",
        ROOT / "sql" / "zz_comments.sql": f"-- {MADE}\n" + ";\n".join(map(comment, made)) + ";\n",
        ROOT / "xbsql" / "surface" / "python.py": PYTHON + "".join(map(python, made)),
        ROOT / "xbsql" / "surface" / "polars.py": POLARS + polars(made),
        ROOT / "xbsql" / "surface" / "names.py": f'"""The names of all functions.\n\n{MADE}\n"""\n\n'
        f"from __future__ import annotations\n\nNAMES = (\n{names})\n",
        ROOT / "docs" / "sql.md": reference(),
    }


def python(function: Function) -> str:
    """The Python function."""
    listed = [_parameter(a, a.kind.python) for a in function.arguments]
    names = ", ".join(f"{a.name}={a.name}" for a in function.arguments)
    returns = "pa.Array" if function.kind == "row" else "pa.Table"
    call = f'called("{function.name}", con{", " if names else ""}{names})'
    head = _call(f"def {function.name}", ["con: DuckDBPyConnection", *listed], f" -> {returns}:")
    found = f"    found: {returns} = {call}\n    return found\n"
    return f"\n\n{head}\n{_docstring(function, function.arguments, 4)}\n{found}"


def polars(made: list[Function]) -> str:
    """The two classes of methods."""
    spaces = {
        "Expressions(ExpressionSpace)": ("The functions of each row of an expression.", "row"),
        "Frames(FrameSpace)": ("The functions of a whole frame, taken when the result is collected.", ""),
    }
    parts = []
    for name, (doc, kind) in spaces.items():
        own = [f for f in made if (f.kind == "row") == (kind == "row") and _subject(f) is not None]
        parts.append(f'\n\nclass {name}:\n    """{doc}"""\n' + "".join(map(_method, own)))
    return "".join(parts)


def _method(function: Function) -> str:
    """The method whose expression or frame is the first argument that is rows."""
    subject = _subject(function)
    others = [a for a in function.arguments if a is not subject]
    returns = "pl.Expr" if function.kind == "row" else "pl.LazyFrame"
    listed = [_parameter(a, _polars_type(function, a)) for a in others]
    names = "".join(f", {a.name}={a.name}" for a in others)
    head = _call(f"    def {function.name}", ["self", *listed], f" -> {returns}:")
    return (
        f'\n{head}\n{_docstring(function, others, 8)}\n        return self._call("{function.name}"{names})\n'
    )


def _subject(function: Function) -> Argument | None:
    """The argument that the expression or frame is; None where there is none."""
    kinds = Values if function.kind == "row" else (Rows, Stream)
    return next((a for a in function.arguments if isinstance(a.kind, kinds)), None)


def _polars_type(function: Function, argument: Argument) -> str:
    if isinstance(argument.kind, Each | Rows | Stream) or argument.kind.type == "a table":
        optional = isinstance(argument.kind, Rows) and argument.kind.optional
        return "pl.LazyFrame | pl.DataFrame" + (" | None" if optional else "")
    if isinstance(argument.kind, Values):
        return "pl.Expr | str | float | None" if function.each is None else "str | float | None"
    if isinstance(argument.kind, EachOr):
        return "pl.Expr | str"
    if isinstance(argument.kind, ColumnOf):
        return f"pl.Expr | {argument.kind.python}"
    return argument.kind.python


def _parameter(argument: Argument, annotation: str) -> str:
    """'name: type = default'."""
    kind = annotation
    if argument.required:
        return f"{argument.name}: {kind}"
    if argument.given is None and kind not in ("object", "Values") and not kind.endswith("None"):
        kind += " | None"
    if kind == "Values":
        kind = "Values | None" if argument.given is None else "Values | float"
    given = None if isinstance(argument.kind, StructOf) else argument.given
    return f"{argument.name}: {kind} = {_literal(given)}"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _call(head: str, parameters: list[str], tail: str) -> str:
    one = f"{head}({', '.join(parameters)}){tail}"
    if len(one) <= 110:
        return one
    indent = " " * (len(head) - len(head.lstrip()))
    listed = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
    return f"{head}(\n{listed}{indent}){tail}"


def _docstring(function: Function, arguments: list[Argument] | tuple[Argument, ...], indent: int) -> str:
    """The declaration's text with its arguments and what comes back, as Google writes it."""
    first, _, rest = " ".join(function.doc.split()).partition(". ")
    parts = textwrap.wrap(first.rstrip(".") + ".", 105 - indent)
    if rest:
        parts += ["", *textwrap.wrap(rest, 108 - indent)]
    if arguments:
        parts += ["", "Args:"]
        if indent == 4:
            parts.append("    con: a connection that xbsql is loaded in.")
        for a in arguments:
            parts += textwrap.wrap(
                f"{a.name}: {a.kind.type}: {a.doc}.", 104 - indent, initial_indent="    ",
                subsequent_indent="        ",
            )  # fmt: skip
    before = f"every column of `{function.beside}`, " if function.beside else ""
    parts += ["", "Returns:", *textwrap.wrap(
        f"{before}{function.shown}.", 104 - indent, initial_indent="    ", subsequent_indent="    "
    )]  # fmt: skip
    text = textwrap.indent("\n".join(parts), " " * indent)
    return f'{" " * indent}"""{text.lstrip()}\n{" " * indent}"""'


def write() -> None:
    """Write every generated file."""
    for path, text in faces().items():
        path.write_text(text)


if __name__ == "__main__":
    write()
