"""The shell: SQL statements and a few dot commands, answers in the form that their content asks for."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from xbsql import errors
from xbsql.pages.card import card

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    Answer: TypeAlias = tuple[pa.Table, bool] | None

PROMPT, MORE = "xb> ", "... "
MOST_ROWS = 10_000
"""Rows of an answer that are fetched to be shown."""
MOST_LISTED = 20
"""Rows that are shown one column a line; more of them are shown as a table, its middle columns hidden."""
VERDICT = {"arm", "verdict", "basis", "gain", "labels_saved", "reason", "note", "value", "lo", "hi"}
"""The columns by which the answer of `xb.transfer` is known."""
PATIENCE = 1.0
"""Seconds between two attempts to stop what runs."""
MODES = ("auto", "table", "line")
UNBOUNDED = 100_000

TABLES = """
SELECT table_schema AS schema, table_name AS name, table_type AS kind FROM information_schema.tables
WHERE NOT starts_with(table_name, '_') ORDER BY ALL
"""
HELP = """Statements end with ';' and may take several lines. Ctrl-C stops what runs, Ctrl-D leaves.
  FROM xb.help()          every function; FROM xb.help('fit') one of them
  .tables                 the tables and views there are
  .mode auto|table|line   how rows are shown: as a table, one column a line, or by what fits
  .help                   this text
  .quit                   leave"""


class Shell:
    """A connection, and how its answers are shown.

    Args:
        con: a connection that xbsql is loaded in.
        mode: 'table', 'line', or 'auto': a table where all columns fit, else one column a line.
    """

    def __init__(self, con: DuckDBPyConnection, mode: str = "auto") -> None:
        self.con, self.mode = con, mode
        if not sys.stdout.isatty():
            con.execute("SET enable_progress_bar = false")  # it would stand among the answers

    def loop(self, *, interactive: bool) -> int:
        """Read until the input ends; a script stops at its first mistake with 1, a person goes on."""
        text = ""
        while True:
            try:
                line = input((MORE if text else PROMPT) if interactive else "")
            except EOFError:
                return 1 if text.strip() and not self._tried(text) and not interactive else 0
            except KeyboardInterrupt:
                text = ""
                print()
                continue
            if not text and line.startswith("."):
                fine = self._tried(line)
                if line.split()[0] in (".quit", ".exit"):
                    return 0
            else:
                whole, text = cut(f"{text}{line}\n")
                fine = not whole or self._tried(whole)
            if not fine and not interactive:
                return 1

    def run(self, text: str) -> None:
        """Run a dot command, or statements one by one, and show what each gives.

        Raises:
            duckdb.Error: what DuckDB or xbsql finds wrong.
            KeyboardInterrupt: Ctrl-C; what ran has been stopped, and the connection can be used.
        """
        if text.startswith("."):
            self._command(*text.split())
            return
        for statement in self.con.extract_statements(text):
            found = self._waited(partial(self._answer, statement))
            if found is not None:
                self._show(*found)

    def _tried(self, text: str) -> bool:
        """Run it; whether it went well."""
        try:
            self.run(text)
        except (duckdb.Error, errors.XbsqlError) as error:
            print(plain(error), file=sys.stderr)
            return False
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return False
        return True

    def _waited(self, work: Callable[[], Answer]) -> Answer:
        """What the work gives, done on another thread: this one waits where Ctrl-C finds it.

        Raises:
            KeyboardInterrupt: Ctrl-C; the work has ended.
        """
        done: Future[Answer] = Future()
        thread = threading.Thread(target=_settle, args=(done, work), daemon=True)
        thread.start()
        try:
            return done.result()
        except KeyboardInterrupt:
            while not done.done():
                with contextlib.suppress(KeyboardInterrupt):
                    self.con.interrupt()
                    wait([done], PATIENCE)
            raise
        finally:
            thread.join()

    def _answer(self, statement: duckdb.Statement) -> Answer:
        """The first rows of what a statement gives, and whether there are more; None where it gives none."""
        if sys.stdout.isatty():  # DuckDB's own bar knows nothing of what goes on inside a function
            own = "xb." not in statement.query
            self.con.execute(f"SET enable_progress_bar = {str(own).lower()}")
        relation = self.con.sql(statement)
        counts = duckdb.ExpectedResultType.CHANGED_ROWS in statement.expected_result_type
        if relation is None or relation.columns == ["Success"] or (counts and relation.columns == ["Count"]):
            return None
        import pyarrow as pa

        reader, batches, rows = relation.to_arrow_reader(MOST_ROWS), [], 0
        for batch in reader:
            batches.append(batch)
            rows += len(batch)
            if rows > MOST_ROWS:
                break
        reader.close()
        return pa.Table.from_batches(batches, reader.schema).slice(0, MOST_ROWS), rows > MOST_ROWS

    def _show(self, rows: pa.Table, more: bool) -> None:
        """Show rows as their content asks for."""
        if set(rows.column_names) >= VERDICT and len(rows) and self.mode == "auto":
            model = f"{rows['model'][0]}@{rows['version'][0]} " if "model" in rows.column_names else ""
            print(card(model.strip(), rows.to_pylist()))
            return
        if not rows.column_names:
            return
        wide = self._table(rows, UNBOUNDED)
        fits = len(wide.splitlines()[0]) <= width()  # the frame: a Japanese letter takes two places
        if self.mode == "line" or (self.mode == "auto" and not fits and len(rows) <= MOST_LISTED):
            print(listed(rows))
        else:
            print(wide if fits else self._table(rows, width()), end="")
        if more:
            print(f"(the first {MOST_ROWS:,} rows)")

    def _table(self, rows: pa.Table, most: int) -> str:
        """Rows as DuckDB draws them, in at most so many characters a line."""
        cursor, drawn = self.con.cursor(), io.StringIO()
        try:
            with contextlib.redirect_stdout(drawn):
                cursor.from_arrow(rows).show(max_width=most, max_col_width=max(width() - 4, 20))
        finally:
            cursor.close()
        return drawn.getvalue().rstrip("\n") + "\n"

    def _command(self, name: str, *given: str) -> None:
        """A dot command."""
        if name == ".help":
            print(HELP)
        elif name == ".tables":
            self.run(TABLES)
        elif name == ".mode":
            (mode,) = given or (self.mode,)
            if mode not in MODES:
                raise errors.unknown(".mode", "mode", mode, MODES)
            self.mode = mode
            print(f"mode {mode}")
        elif name not in (".quit", ".exit"):
            known = (".help", ".tables", ".mode", ".quit")
            raise errors.unknown("xbsql shell", "command", name, known)


def _settle(done: Future[Answer], work: Callable[[], Answer]) -> None:
    """Do the work; its outcome, an error too, is the future's."""
    try:
        done.set_result(work())
    except BaseException as error:  # it is the waiting thread's to handle
        done.set_exception(error)


def cut(text: str) -> tuple[str, str]:
    """The statements of a text that are complete, and what follows them: '' where that is blank or a comment.

    DuckDB's own tokenizer says where a ';' ends a statement, and where it is part of a text or a comment.
    """
    tokens = duckdb.tokenize(text)
    data = text.encode()
    ends = [at for at, kind in tokens if kind == duckdb.token_type.operator and data[at : at + 1] == b";"]
    if not ends:
        only_comments = all(kind == duckdb.token_type.comment for _, kind in tokens)
        return "", "" if only_comments and not _open_comment(data, tokens) else text
    end = ends[-1] + 1
    rest = [(at, kind) for at, kind in tokens if at >= end]
    done = all(kind == duckdb.token_type.comment for _, kind in rest) and not _open_comment(data, rest)
    return data[:end].decode(), "" if done else data[end:].decode()


def _open_comment(data: bytes, tokens: list[tuple[int, duckdb.token_type]]) -> bool:
    """Whether the last token is a comment in /* that nothing closes."""
    if not tokens or tokens[-1][1] != duckdb.token_type.comment:
        return False
    last = data[tokens[-1][0] :].rstrip()
    return last.startswith(b"/*") and not last.endswith(b"*/")


def listed(rows: pa.Table) -> str:
    """Rows with one column a line, NULL as such."""
    widest = max(map(len, rows.column_names))
    columns = [column.to_pylist() for column in rows.columns]
    return "\n\n".join(
        "\n".join(
            f"{name:>{widest}} = {_text(value)}" for name, value in zip(rows.column_names, row, strict=True)
        )
        for row in zip(*columns, strict=True)
    )


def _text(value: object) -> str:
    return "NULL" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def plain(error: BaseException) -> str:
    """The message without what DuckDB puts before a Python error."""
    return str(error).rpartition("XbsqlError: ")[2]


def width() -> int:
    """Characters of a line of the terminal."""
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 160
