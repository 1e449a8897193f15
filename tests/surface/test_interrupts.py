"""What runs inside a UDF ends within a second of Ctrl-C or an interrupt, and the connection lives on."""

import os
import signal
import threading
import time

import duckdb
import pytest

import xbsql
from xbsql.session import models
from xbsql.surface.interrupts import stop, stoppable


@pytest.fixture(params=[1, 2])
def con(request, tmp_path):
    con = xbsql.connect(store=tmp_path / "store", config={"threads": request.param})
    con.execute("SET enable_progress_bar = false")
    con.execute("CREATE TABLE t AS SELECT i AS x, i % 7 AS y FROM range(300000) t(i)")
    yield con
    con.close()


@pytest.fixture
def busy(monkeypatch):
    """A fit that would take half a minute, and that says when it has begun and how it ended."""
    began, ended = threading.Event(), []

    def fit(*given, **more):
        began.set()
        try:
            for _ in range(600):
                time.sleep(0.05)
        except BaseException as error:
            ended.append(type(error))
            raise

    monkeypatch.setattr(models, "fit", fit)
    return began, ended


def after(began, act):
    def run():
        began.wait(30)
        time.sleep(0.2)
        began.at = time.monotonic()
        act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


STOPPED = (duckdb.Error, RuntimeError, KeyboardInterrupt)


@pytest.mark.parametrize("how", ["signal", "interrupt"])
def test_a_fit_is_stopped(con, busy, how):
    began, ended = busy
    act = con.interrupt if how == "interrupt" else lambda: os.kill(os.getpid(), signal.SIGINT)
    thread = after(began, act)
    with pytest.raises(STOPPED, match=r"xb.fit was stopped|nterrupted"):
        con.execute("CALL xb.fit('m', t, 'y')")
    assert time.monotonic() - began.at < 1
    thread.join()
    assert ended == [KeyboardInterrupt]
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(300000,)]
    assert con.execute("SELECT count(*) FROM xb.models()").fetchall() == [(0,)]


def test_another_database_goes_on(con, busy, tmp_path):
    began, ended = busy
    other = xbsql.connect(store=tmp_path / "other")
    thread = after(began, lambda: (other.interrupt(), time.sleep(0.5), con.interrupt()))
    with pytest.raises(duckdb.Error):
        con.execute("CALL xb.fit('m', t, 'y')")
    assert time.monotonic() - began.at > 0.4
    thread.join()
    assert ended == [KeyboardInterrupt]
    other.close()


def test_an_interrupt_of_a_plain_or_idle_connection_is_duckdbs_own(con):
    plain = duckdb.connect()
    plain.interrupt()
    con.interrupt()
    assert plain.execute("SELECT 1").fetchall() == con.execute("SELECT 1").fetchall() == [(1,)]
    plain.close()


def test_what_comes_too_late_stops_nothing_else():
    for _ in range(2000):
        ready, over = threading.Event(), []

        def work(ready=ready, over=over):
            try:
                with stoppable(work):
                    ready.set()
            except KeyboardInterrupt:
                over.append("stopped")
            for _ in range(20):
                over.append("more")

        thread = threading.Thread(target=work)
        thread.start()
        ready.wait()
        stop(work)
        thread.join()
        assert over[-20:] == ["more"] * 20
