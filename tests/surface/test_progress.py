"""How far a call has come: heard by a callback, drawn where a person looks, and nowhere else."""

import io
import sys

import pyarrow as pa
import pytest

import xbsql
from xbsql.progress import heard, part, tell, told
from xbsql.surface.bar import PATIENCE, Bar, listening

TITLES = [
    f"{colour} {thing} {size}"
    for colour in ("red", "blue")
    for thing in ("shoe", "coat")
    for size in "abcdefghij"
]


@pytest.fixture
def heard_of(tmp_path):
    told_of = []
    con = xbsql.connect(store=tmp_path, progress=lambda share, text: told_of.append((share, text)))
    return con, told_of


def table():
    return pa.table({"id": range(len(TITLES)), "title": TITLES, "thing": [t.split()[1] for t in TITLES]})


def fitted(con, rows):
    return xbsql.fit(con, "m", rows.drop(["id"]), "thing")


CALLS = {
    "fit": lambda con, rows: fitted(con, rows),
    "evaluate": lambda con, rows: (
        xbsql.fit(con, "m", rows.drop(["id"]), "thing"),
        xbsql.evaluate(con, "m", rows),
    ),
    "match": lambda con, rows: xbsql.match(con, rows, rows, "id", "title", "id", "title"),
    "build_index": lambda con, rows: xbsql.build_index(con, "i", rows, "id", text="title"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_callback_hears_a_rising_share_and_words(heard_of, name):
    con, told_of = heard_of
    CALLS[name](con, table())
    shares = [share for share, _ in told_of]
    starts = [0, *(i for i in range(1, len(shares)) if shares[i] < shares[i - 1])]
    assert len(starts) <= (2 if name == "evaluate" else 1)  # one call is told from its beginning to its end
    assert 0 <= min(shares) <= max(shares) <= 1
    assert all(text for _, text in told_of)
    if name in ("fit", "match"):
        assert shares[-1] == 1.0


def test_sql_is_heard_like_python(heard_of):
    con, told_of = heard_of
    con.register("given", table().drop(["id"]))
    con.execute("CREATE TABLE rows AS FROM given")
    con.execute("CALL xb.fit('m', rows, 'thing')").fetchall()
    assert told_of[-1][0] == 1.0


def test_nobody_hears_by_default_and_stdout_stays_clean(tmp_path, capfd):
    con = xbsql.connect(store=tmp_path)
    xbsql.fit(con, "m", table().drop(["id"]), "thing")
    assert capfd.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_drawn_once_work_lasts_and_wiped_out_after_it():
    now = [0.0]
    out = Terminal()
    bar = Bar(out, lambda: now[0])
    bar(0.1, "early")
    assert out.getvalue() == ""
    for share, text in ((0.5, "half"), (0.4, "fell back"), (1.0, "done")):
        now[0] += PATIENCE
        bar(share, text)
    drawn = [line for line in out.getvalue().split("\r") if line.strip()]
    assert [line.split("%")[0].split()[-1] for line in drawn[::2]] == ["50", "50", "100"]
    bar.close()
    assert not out.getvalue().split("\r")[-1]


@pytest.mark.parametrize(("asked", "shown"), [(None, True), (False, False)])
def test_a_terminal_sees_a_bar_unless_told_not_to(monkeypatch, asked, shown):
    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr("xbsql.surface.bar.PATIENCE", 0.0)
    with listening(asked):
        assert heard() == shown
        tell(0.5, "half")
    assert bool(out.getvalue()) == shown
    assert not heard()


def test_parts_nest_and_what_is_inside_a_call_is_part_of_it():
    shares = []
    with told(lambda share, text: shares.append(round(share, 3))):
        with (
            part(0.2, 0.6),
            listening(lambda share, text: pytest.fail("the inner call is heard by the outer one")),
        ):
            tell(0.0, "a")
            with part(0.5, 1.0):
                tell(0.5, "b")
        tell(1.0, "c")
    assert shares == [0.2, 0.5, 1.0]


def test_telling_nobody_costs_less_than_a_microsecond_or_two():
    import timeit

    assert min(timeit.repeat(lambda: tell(0.5, "x"), number=10_000, repeat=5)) / 10_000 < 5e-6
