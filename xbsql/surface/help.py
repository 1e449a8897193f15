"""What there is, asked in SQL: functions with their arguments, and the options of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from xbsql import errors
from xbsql.session.session import Session
from xbsql.surface.arguments import Name, Text
from xbsql.surface.function import FUNCTIONS, Argument, Function, function

if TYPE_CHECKING:
    Found = list[dict[str, Any]]


@function(
    {
        "function": "VARCHAR", "argument": "VARCHAR", "type": "VARCHAR", "default": "VARCHAR",
        "meaning": "VARCHAR", "example": "VARCHAR",
    },
    example="FROM xb.help('fit')",
)  # fmt: skip
def help(session: Session, name: Annotated[Text, "a function; NULL lists all of them"] = None) -> Found:
    """What functions there are, one row each with its arguments, what it returns, its meaning and an example;
    of one function a row more for each argument, with its type and default.
    """
    if name is None:
        return [_described(each) for each in sorted(FUNCTIONS.values(), key=lambda each: each.name)]
    wanted = name.rpartition(".")[2].lower()
    if wanted not in FUNCTIONS:
        raise errors.unknown("xb.help", "function", name, sorted(FUNCTIONS))
    found = FUNCTIONS[wanted]
    return [_described(found), *(_argument(wanted, each) for each in found.arguments)]


@function(
    {"option": "VARCHAR", "type": "VARCHAR", "default": "VARCHAR", "meaning": "VARCHAR"},
    example="FROM xb.options('classify')",
)
def options(
    session: Session, task: Annotated[Name, "'classify', 'predict', 'forecast', 'recommend' or 'profile'"]
) -> Found:
    """The options that xb.fit and xb.transfer take for a task, one row each."""
    from xbsql.tasks.options_page import options_rows

    return [row._asdict() for row in options_rows(task)]


def call_of(function: Function) -> str:
    """The arguments of a function with their defaults: 'model, data, label, task := 'auto''."""
    return ", ".join(a.name if a.default is None else f"{a.name} := {a.default}" for a in function.arguments)


def _described(function: Function) -> dict[str, Any]:
    return {
        "function": function.name,
        "argument": f"({call_of(function)})",
        "type": function.shown,
        "meaning": " ".join(function.doc.split()),
        "example": function.example,
    }


def _argument(function: str, argument: Argument) -> dict[str, Any]:
    return {
        "function": function,
        "argument": argument.name,
        "type": argument.kind.type,
        "default": argument.default,
        "meaning": argument.doc,
    }
