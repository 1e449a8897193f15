"""The shell: statements are cut where they end, an answer is shown whole, and Ctrl-C stops what runs."""

import io
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xbsql
from xbsql import shell
from xbsql.cli import main
from xbsql.shell import Shell, cut

PIECES = (
    "SELECT 1;",
    "SELECT 'a;b';",
    "SELECT $$;$$;",
    '-- a; "note\n',
    "/* ; ' */",
    'SELECT 1 AS "x;y";',
    "\n",
)
OPEN = ("", "SELECT 2", "SELECT 'a;", "/* not yet; ", "SELECT $$;", 'SELECT 1 AS "x;')


@pytest.fixture
def con(tmp_path):
    con = xbsql.connect(store=tmp_path / "store")
    yield con
    con.close()


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "SELECT 'äé😀;';"])), st.sampled_from(OPEN))
def test_statements_end_where_duckdb_says_so(pieces, rest):
    text = "".join(pieces) + rest
    whole, left = cut(text)
    assert whole.endswith(";") or not whole
    assert whole.count("SELECT") == sum("SELECT" in piece for piece in pieces)
    assert left.strip() == "" if not rest else left.endswith(rest)
    assert text.startswith(whole + left)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["SELECT 5; -- note"], ["5"]),
        (["SELECT 'a;b';"], ["a;b"]),
        (["SELECT 5", "+ 2;"], ["7"]),
        (["SELECT 3; SELECT", "4;"], ["3", "4"]),
        (["-- nothing; at all", "SELECT 6 /* ; */;"], ["6"]),
        (["SELECT 8"], ["8"]),
    ],
)
def test_a_script_gives_what_its_statements_give(con, lines, expected, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert Shell(con).loop(interactive=False) == 0
    said = capsys.readouterr().out
    places = [said.index(f" {value} ") for value in expected]
    assert places == sorted(places)


def test_a_script_stops_at_its_first_mistake(con, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1;\nSELECT nope;\nSELECT 3;\n"))
    assert Shell(con).loop(interactive=False) == 1
    said = capsys.readouterr()
    assert "nope" in said.err
    assert " 3 " not in said.out


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_verdict_of_a_transfer_is_a_card_at_every_width(con, width, monkeypatch, capsys):
    monkeypatch.setattr(shell, "width", lambda: width)
    con.execute(
        """CREATE TABLE home AS SELECT i % 20 AS x, i % 20 * 2.0 + hash(i) % 3 AS y FROM range(200) t(i);
        CREATE TABLE abroad AS SELECT x, y + 5 AS y FROM home LIMIT 40"""
    )
    Shell(con).run("CALL xb.transfer('m', abroad, 'y', source := home);")
    said = capsys.readouterr().out
    verdict, reason = con.execute(
        "SELECT verdict, reason FROM xb.transfer('m', abroad, 'y', source := home)"
    ).fetchall()[0]
    assert said.splitlines()[0] == f"m@1  ->  {verdict}"
    assert reason in said
    assert all(arm in said for arm in ("target only", "source only", "pooled", "blend"))
    asked = con.execute("SELECT sum(batches) FROM xb.last_calls() WHERE function = 'transfer'")
    assert asked.fetchall() == [(2,)], "the shell asked once"


def test_rows_are_shown_whole_by_content(con, monkeypatch, capsys):
    monkeypatch.setattr(shell, "width", lambda: 80)
    one = Shell(con)
    columns = ", ".join(f"{i} AS column_{i}" for i in range(12))
    one.run(f"SELECT {columns}, 'x' AS column_0, NULL AS none;")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*(f"{f'column_{i}':>9} = {i}" for i in range(12)), " column_0 = x", "     none = NULL"]
    one.run(f"SELECT {columns} FROM range(100);")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80, "many rows are a table"
    one.run("SELECT 1 AS a;")
    assert "│" in capsys.readouterr().out
    one.run(".mode line")
    one.run("SELECT 1 AS a;")
    assert capsys.readouterr().out == "mode line\na = 1\n"
    one.run("CREATE TABLE t(i INTEGER); INSERT INTO t VALUES (1); BEGIN; COMMIT;")
    assert capsys.readouterr().out == ""
    one.run("FROM range(20000);")
    assert capsys.readouterr().out.endswith("(the first 10,000 rows)\n")
    one.run("SELECT count(*) AS n FROM t;")
    assert capsys.readouterr().out == "n = 1\n"


def test_what_is_read_by_a_program_has_no_progress_bar(con):
    Shell(con)
    assert con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_dot_commands(con, capsys):
    one = Shell(con)
    con.execute("CREATE TABLE parcels(i INTEGER); CREATE VIEW light AS FROM parcels")
    one.run(".tables")
    said = capsys.readouterr().out
    assert "parcels" in said
    assert "light" in said
    assert "_nothing" not in said
    one.run(".help")
    assert ".mode" in capsys.readouterr().out
    with pytest.raises(xbsql.XbsqlError, match=r"no command '.tabels'; there is .*did you mean '.tables'"):
        one.run(".tabels")
    with pytest.raises(xbsql.XbsqlError, match=r"no mode 'boxx'; there is auto, table, line"):
        one.run(".mode boxx")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["models", "typo.duckdb"],
            "xbsql models: there is no file 'typo.duckdb'; xbsql shell FILE makes one",
        ),
        (["card", "m", "typo.duckdb"], "xbsql card: there is no file"),
        (["selfcheck", "typo.duckdb"], "xbsql selfcheck: there is no file"),
        (["forecast", "m", "t", "typo.duckdb"], "xbsql forecast: there is no file"),
        (["models"], "xbsql models: no file and no store is given; name a DuckDB file, or --store FOLDER"),
    ],
)
def test_looking_makes_no_file(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XBSQL_STORE", raising=False)
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_models_are_listed_from_a_file_and_from_a_store(tmp_path, capsys):
    with xbsql.connect(tmp_path / "shop.duckdb") as con:
        con.execute("CREATE TABLE t AS SELECT i AS x, i * 2.5 AS y FROM range(40) t(i)")
        con.sql("CALL xb.fit('mine', t, 'y')").fetchall()
    for where in ([str(tmp_path / "shop.duckdb")], ["--store", str(tmp_path / "shop.duckdb.xbsql")]):
        assert main(["models", *where]) == 0
        assert "mine" in capsys.readouterr().out


SLOW = """
import sys, time
from xbsql.session import models
from xbsql.cli import main
def fit(*given, **more):
    for _ in range(600):
        time.sleep(0.05)
models.fit = fit
sys.exit(main(["shell"]))
"""


DEMO = """
import sys, time
from xbsql.session import models
from xbsql.cli import main
def fit(*given, **more):
    print("begun", flush=True)
    for _ in range(600):
        time.sleep(0.05)
models.fit = fit
sys.exit(main(["demo", sys.argv[1]]))
"""


def test_a_command_that_is_interrupted_says_so_in_one_line(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", DEMO, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert (process.returncode, said) == (130, "xbsql: interrupted; models that were stored are whole\n")


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SLOW], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.said = ""

    def write(self, text):
        os.write(self.master, text.encode())

    def until(self, text, seconds=60):
        """Read until the text was said; the seconds that it took."""
        start = time.monotonic()
        while text not in self.said:
            assert time.monotonic() - start < seconds, self.said
            time.sleep(0.02)
            try:
                self.said += os.read(self.master, 65536).decode(errors="replace")
            except BlockingIOError:
                continue
        self.said = self.said.partition(text)[2]
        return time.monotonic() - start


def test_the_shell_survives_ctrl_c_at_work_and_at_the_prompt():
    terminal = Terminal()
    try:
        terminal.until("xb> ")
        terminal.write("CREATE TABLE t AS FROM range(4321) t(i); SELECT 'made' || 'it';\n")
        terminal.until("madeit")
        terminal.until("xb> ")
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("xb> ")
        terminal.write("SELECT 'half\n")
        terminal.until("... ")
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("xb> ")
        for statement in (
            "CALL xb.fit('m', t, 'i');\n",
            "SELECT sum(a.i * b.i) FROM range(9999999999) a(i), t b;\n",
        ):
            terminal.write(statement)
            time.sleep(2.0)
            terminal.process.send_signal(signal.SIGINT)
            assert terminal.until("interrupted") < 1.5
            terminal.until("xb> ")
        terminal.write("SELECT 'rows ' || count(*) FROM t;\n")
        terminal.until("rows 4321")
        terminal.write(".quit\n")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.process.kill()
        os.close(terminal.master)
