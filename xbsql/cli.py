"""The command line: `xbsql demo`, `shell`, `forecast`, `models`, `card` and `selfcheck`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from xbsql import __version__, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROMPT, MORE = "xb> ", "... "


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it went well, 1 where it did not, with one line on standard error."""
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        return command(given)
    except (errors.XbsqlError, duckdb.Error) as error:
        print(f"xbsql: {_plain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("xbsql: interrupted; models that were stored are whole", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "xbsql", description="Transfer learning for cross-border commerce in DuckDB."
    )
    parser.add_argument("--version", action="version", version=f"xbsql {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="carry a sample market to Germany and Japan; writes a report")
    demo.add_argument(
        "folder", nargs="?", type=Path, default=Path("demo"), help="where to write (default: demo)"
    )
    demo.set_defaults(command=_demo)
    shell = commands.add_parser("shell", help="a SQL shell in which xb. is there")
    _database(shell)
    shell.add_argument("-c", dest="sql", help="run this and leave")
    shell.set_defaults(command=_shell)
    for name, query, help_text in (
        ("models", "FROM xb.models()", "every model in the store"),
        ("selfcheck", "FROM xb.selfcheck()", "whether this installation works"),
    ):
        listing = commands.add_parser(name, help=help_text)
        _database(listing)
        listing.set_defaults(command=_shell, sql=query)
    card = commands.add_parser("card", help="all that is known of a model")
    card.add_argument("model")
    _database(card)
    card.set_defaults(command=_card)
    forecast = commands.add_parser("forecast", help="draw what a model expects of a table of series")
    forecast.add_argument("model")
    forecast.add_argument("table", help="series, in columns named as those that the model was fitted on")
    _database(forecast)
    forecast.add_argument("--horizon", type=int, default=8, help="periods (default: 8)")
    forecast.add_argument("--page", type=Path, default=Path("forecast.html"), help="what to write")
    forecast.set_defaults(command=_forecast)
    return parser


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default=":memory:", help="a DuckDB file (default: in memory)")
    parser.add_argument("--store", help="the folder for models (default: beside the file)")


def _demo(given: argparse.Namespace) -> int:
    from xbsql.demo import demo

    print(demo(given.folder))
    return 0


def _card(given: argparse.Namespace) -> int:
    escaped = given.model.replace("'", "''")
    given.sql = f"FROM xb.model_card('{escaped}')"
    return _shell(given)


def _forecast(given: argparse.Namespace) -> int:
    from xbsql.pages.outlook import outlook
    from xbsql.session.forecast import Asked
    from xbsql.surface.duck import connect, rows_of, session_of

    where, asked = "xbsql forecast", Asked(given.horizon)
    with connect(given.file, store=given.store) as con:
        rows = rows_of(where, con, given.table, ordered=False)
        given.page.write_text(outlook(session_of(where, con), given.model, rows, asked))
    print(f"Look at {given.page}")
    return 0


def _shell(given: argparse.Namespace) -> int:
    from xbsql.surface.duck import connect

    with connect(given.file, store=given.store) as con:
        if given.sql is not None:
            _show(con, given.sql)
            return 0
        interactive = sys.stdin.isatty()
        if interactive:
            _history()
            print(f"xbsql {__version__} on {given.file}. Statements end with ';', Ctrl-D leaves.")
        return _loop(con, interactive=interactive)


def _loop(con: duckdb.DuckDBPyConnection, *, interactive: bool) -> int:
    """Read statements until the input ends; a script stops at its first mistake, a person goes on."""
    text = ""
    while True:
        try:
            text += input((MORE if text else PROMPT) if interactive else "") + "\n"
        except EOFError:
            text, at_end = text.strip(), True
        else:
            at_end = False
        if text.strip() and (at_end or text.rstrip().endswith(";")):
            try:
                _show(con, text)
            except duckdb.Error as error:
                print(_plain(error), file=sys.stderr)
                if not interactive:
                    return 1
            text = ""
        if at_end:
            return 0


def _show(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """Run statements one by one and show the rows of each."""
    for statement in con.extract_statements(text):
        result = con.sql(statement)
        if result is not None:
            result.show(max_width=_width())


def _plain(error: Exception) -> str:
    """The message without what DuckDB puts before a Python error."""
    return str(error).rpartition("XbsqlError: ")[2]


def _width() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 160


def _history() -> None:
    """Arrow keys and completion of earlier lines, where Python was built with readline."""
    try:
        import readline  # noqa: F401 - importing it is what switches it on
    except ImportError:
        return


if __name__ == "__main__":
    sys.exit(main())
