"""The macros: those that follow from the declarations, and the comment of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.surface.arguments import Existing, KeptOnce, quoted

if TYPE_CHECKING:
    from xbsql.surface.function import Argument, Function

WIDTH = 108


def macro(function: Function) -> str:
    """The CREATE MACRO statement of a function whose macro is not written by hand."""
    given = [a.kind.sql(a.name) for a in function.passed]
    if function.each:
        once = [a for a in function.passed if isinstance(a.kind, Existing | KeptOnce)]
        given = [_named(a) if a in once else a.kind.sql(a.name) for a in function.passed]
        call = f"unnest({_call(function.udf, [*given[:-1], '_xb_row'])})"
        rows = f"query_table({function.each.name}) _xb_row"
        if names := [_once(a) for a in once]:
            rows += f",\n        (SELECT {', '.join(names)}) _xb_named"
        return f"{_head(function)} TABLE\n    SELECT _xb_row.*, {call} FROM {rows}"
    if function.kind == "row":
        return f"{_head(function)}\n    {_call(function.udf, given)}"
    call = _call(function.udf, given or ["1"])
    return f"{_head(function)} TABLE\n    SELECT unnest({call}, recursive := true)"


def _once(argument: Argument) -> str:
    """What is found once for all rows of a table."""
    name, kind = argument.name, argument.kind
    return kind.looked_up(name) if isinstance(kind, Existing) else f"{kind.sql(name)} AS _xb_{name}"


def _named(argument: Argument) -> str:
    """What was found so."""
    name, kind = argument.name, argument.kind
    return kind.sql(name) if isinstance(kind, Existing) else f"_xb_named._xb_{name}"


def comment(function: Function) -> str:
    """The COMMENT ON statement of a macro: what it does, and how it is called."""
    of = "MACRO" if function.kind == "row" else "MACRO TABLE"
    text = " ".join(function.doc.split()).replace("'", "''")
    return f"COMMENT ON {of} xb.{function.name} IS '{text}'"


def _head(function: Function) -> str:
    """'CREATE MACRO xb.name(arguments) AS', broken where it is long."""
    listed = [
        quoted(a.name) if a.default is None else f"{quoted(a.name)} := {a.default}"
        for a in function.arguments
    ]
    one = f"CREATE MACRO xb.{function.name}({', '.join(listed)}) AS"
    return one if len(one) <= WIDTH else one.replace("(", "(\n    ", 1)[:-4] + "\n) AS"


def _call(udf: str, given: list[str]) -> str:
    """The call of a UDF, tables on lines of their own."""
    if not any(argument.startswith("(SELECT list") for argument in given):
        return f"{udf}({', '.join(given)})"
    plain = ", ".join(argument for argument in given if not argument.startswith("(SELECT list"))
    tables = [argument for argument in given if argument.startswith("(SELECT list")]
    lines = ",\n        ".join([*([plain] if plain else []), *tables])
    return f"{udf}(\n        {lines}\n    )"
