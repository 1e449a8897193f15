"""The command line: `xbsql demo`, `shell`, `report`, `forecast`, `models`, `card` and `selfcheck`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from xbsql import __version__, errors
from xbsql.shell import Shell, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEMORY = ":memory:"
OF_MARKETS = ("home-market", "rates", "facts", "columns")
"""What `xbsql report` takes with --market alone."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 where it went well, 1 where it did not, with one line on standard error."""
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        return command(given)
    except (errors.XbsqlError, duckdb.Error, RuntimeError, KeyboardInterrupt) as error:
        if not _interrupted(error):
            if isinstance(error, RuntimeError):
                raise
            print(f"xbsql: {plain(error)}", file=sys.stderr)
            return 1
        print("xbsql: interrupted; models that were stored are whole", file=sys.stderr)
        return 130


def _interrupted(error: BaseException) -> bool:
    """Whether it is Ctrl-C, or what DuckDB makes of it."""
    said = str(error)
    return (
        isinstance(error, KeyboardInterrupt) or said == "Query interrupted" or "KeyboardInterrupt: " in said
    )


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
        listing.set_defaults(command=_listing, sql=query, name=name)
    card = commands.add_parser("card", help="all that is known of a model")
    card.add_argument("model")
    _database(card)
    card.set_defaults(command=_card, name="card")
    forecast = commands.add_parser("forecast", help="draw what a model expects of a table of series")
    forecast.add_argument("model")
    forecast.add_argument("table", help="series, in columns named as those that the model was fitted on")
    _database(forecast)
    forecast.add_argument("--home", help="home's series, in columns of the same names: drawn beside")
    _known(forecast)
    forecast.add_argument("--calendar", help="a market's code, 'JP', whose holidays and sale days count")
    forecast.add_argument("--horizon", type=int, default=8, help="periods (default: 8)")
    forecast.add_argument("--page", type=Path, default=Path("forecast.html"), help="what to write")
    forecast.set_defaults(command=_forecast)
    report = commands.add_parser(
        "report", help="write a page that says of models, or markets, what to do next"
    )
    report.add_argument("file", help="a DuckDB file")
    report.add_argument("model", nargs="*")
    report.add_argument("--store", help="the folder for models (default: beside the file)")
    report.add_argument("--table", help="rows of the market that the models are asked about")
    report.add_argument("--curves", action="store_true", help="with --table: what more labels bring (slow)")
    report.add_argument("--market", help="a table of other markets' sales: the page is about these")
    report.add_argument("--home", help="with --market: home's sales; with --table: its series, drawn beside")
    _known(report)
    report.add_argument("--home-market", help="with --market: home's name, such as US")
    report.add_argument("--rates", help="with --market: a table of currency and per_unit")
    report.add_argument("--facts", help="with --market: a table of market and what is known of each")
    report.add_argument(
        "--columns", nargs="*", default=[], metavar="MEANING=COLUMN", help="with --market: ts=ordered"
    )
    report.add_argument("--page", type=Path, default=Path("report.html"), help="what to write")
    report.set_defaults(command=_report)
    return parser


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default=MEMORY, help="a DuckDB file (default: in memory)")
    parser.add_argument("--store", help="the folder for models (default: beside the file)")


def _known(parser: argparse.ArgumentParser) -> None:
    said = "columns of a table of series that are known in advance; their future is rows without a value"
    parser.add_argument("--known", nargs="+", default=[], metavar="COLUMN", help=said)


def _demo(given: argparse.Namespace) -> int:
    from xbsql.demo import demo

    print(demo(given.folder))
    return 0


def _card(given: argparse.Namespace) -> int:
    escaped = given.model.replace("'", "''")
    given.sql = f"FROM xb.model_card('{escaped}')"
    return _listing(given)


def _forecast(given: argparse.Namespace) -> int:
    from xbsql.pages.outlook import outlook
    from xbsql.pages.page import check_place, save
    from xbsql.session.forecast import ForecastCall
    from xbsql.surface.calls import rows_of
    from xbsql.surface.duck import session_of

    options = {"calendar": given.calendar} if given.calendar else None
    where, asked = "xbsql forecast", ForecastCall(given.horizon, options=options)
    check_place(where, given.page)
    with _opened(where, given) as con:
        rows = rows_of(where, con, given.table, ordered=False)
        home = rows_of(where, con, given.home, ordered=False) if given.home else None
        page = outlook(session_of(where, con), given.model, rows, asked, home, given.known)
        save(where, given.page, page)
    print(f"Look at {given.page}")
    return 0


def _report(given: argparse.Namespace) -> int:
    from xbsql.pages.report import written
    from xbsql.surface.calls import rows_of
    from xbsql.surface.duck import session_of

    where = "xbsql report"
    if given.market:
        return _market_report(where, given)
    for name in OF_MARKETS:
        if getattr(given, name.replace("-", "_")):
            remedy = "xbsql report shop.duckdb --market abroad --home orders"
            raise errors.invalid(where, f"--{name} is given without --market", remedy)
    if given.home and not given.table:
        raise errors.invalid(where, "--home is given without --market or --table", "give one of them")
    if given.known and not given.table:
        raise errors.invalid(where, "--known is given without --table", "name the table of series")
    with _opened(where, given) as con:
        rows, home = (
            rows_of(where, con, name, ordered=True) if name else None for name in (given.table, given.home)
        )
        session, page = session_of(where, con), str(given.page)
        made = written(session, given.model, rows, page, curves=given.curves, home=home, known=given.known)
    print(f"Look at {made['path']}")
    return 0


def _market_report(where: str, given: argparse.Namespace) -> int:
    """The page about markets.

    Raises:
        XbsqlError: no home is given, --table is, or a column is not given as meaning=column.
    """
    from xbsql.pages.market import written
    from xbsql.surface.calls import rows_of
    from xbsql.surface.duck import session_of

    if given.table or given.curves or given.known or not given.home:
        kept = [name for name in ("table", "curves", "known") if getattr(given, name)]
        problem = f"--market is given {f'with --{kept[0]}' if kept else 'without --home'}"
        raise errors.invalid(where, problem, "xbsql report shop.duckdb --market abroad --home orders")
    pairs = [text.partition("=") for text in given.columns]
    for meaning, _, column in pairs:
        if not column:
            raise errors.invalid(where, f"'{errors.shown(meaning)}' names no column", "give ts=ordered")
    columns = {meaning: column for meaning, _, column in pairs}
    with _opened(where, given) as con:
        session, page = session_of(where, con), str(given.page)
        for name in given.model:
            session.store.resolve(where, name)
        home, abroad = (rows_of(where, con, name, ordered=True) for name in (given.home, given.market))
        facts, rates = (
            rows_of(where, con, name, ordered=False) if name else None for name in (given.facts, given.rates)
        )
        made = written(session, home, abroad, page, columns, given.home_market, facts, rates, given.model)
    print(f"Look at {made['path']}")
    return 0


def _listing(given: argparse.Namespace) -> int:
    """Show what a query says of a store; nothing is made."""
    where = f"xbsql {given.name}"
    told = given.file != MEMORY or given.store or os.environ.get("XBSQL_STORE")
    if given.name != "selfcheck" and not told:
        raise errors.invalid(where, "no file and no store is given", "name a DuckDB file, or --store FOLDER")
    with _opened(where, given) as con:
        Shell(con).run(given.sql)
    return 0


def _opened(where: str, given: argparse.Namespace) -> duckdb.DuckDBPyConnection:
    """A connection for reading to a file that is there.

    Raises:
        XbsqlError: it is not there.
    """
    from xbsql.surface.duck import connect

    there = given.file != MEMORY
    if there and not Path(given.file).is_file():
        raise errors.invalid(where, f"there is no file '{given.file}'", "xbsql shell FILE makes one")
    return connect(given.file, store=given.store, read_only=there)


def _shell(given: argparse.Namespace) -> int:
    from xbsql.surface.duck import connect

    with connect(given.file, store=given.store) as con:
        shell = Shell(con)
        if given.sql is not None:
            shell.run(given.sql)
            return 0
        interactive = sys.stdin.isatty()
        if interactive:
            _history()
            print(f"xbsql {__version__} on {given.file}. '.help' says how, Ctrl-D leaves.")
        return shell.loop(interactive=interactive)


def _history() -> None:
    """Arrow keys and completion of earlier lines, where Python was built with readline."""
    try:
        import readline  # noqa: F401 - importing it is what switches it on
    except ImportError:
        return


if __name__ == "__main__":
    sys.exit(main())
