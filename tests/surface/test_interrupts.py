"""What runs inside a UDF ends within a second of Ctrl-C or an interrupt, and the connection lives on."""

import os
import signal
import threading
import time

import duckdb
import pytest
import torch

import xbsql
from tests.slow import slowly
from xbsql import interrupts
from xbsql.session import models


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
    monkeypatch.setattr(models, "fit", slowly(ended, began))
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


@pytest.mark.parametrize("how", ["signal", "interrupt"])
def test_shards_of_entities_are_stopped_on_their_threads(con, monkeypatch, how):
    began, ended, before = threading.Event(), [], torch.get_num_threads()
    monkeypatch.setattr("xbsql.session.entities._whole", slowly(ended, began))
    monkeypatch.setattr("xbsql.session.offer_shards.SHARD", 1)
    con.execute("CREATE TABLE o AS SELECT i AS id, 'm' || i % 2 AS m, 'tea ' || i AS t FROM range(4) r(i)")
    act = con.interrupt if how == "interrupt" else lambda: os.kill(os.getpid(), signal.SIGINT)
    thread = after(began, act)
    torch.set_num_threads(2)
    try:
        with pytest.raises(STOPPED, match=r"xb.entities was stopped|nterrupted"):
            con.execute("FROM xb.entities(o, id, m, t, block := id)")
    finally:
        torch.set_num_threads(before)
    assert time.monotonic() - began.at < 1
    thread.join()
    assert ended == [KeyboardInterrupt] * max(len(ended), 2), "also what began meanwhile"
    assert con.execute("SELECT count(*) FROM t").fetchall() == [(300000,)]


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


class Late:
    """A lock that has the thread told when it takes it for the second time: as it leaves."""

    def __init__(self):
        self.lock, self.taken = threading.RLock(), 0

    def __enter__(self):
        self.lock.acquire()
        self.taken += 1
        if self.taken == 2:
            interrupts._tell(threading.get_ident(), KeyboardInterrupt)

    def __exit__(self, *given):
        self.lock.release()


def test_a_thread_that_is_told_as_it_leaves_is_forgotten(monkeypatch):
    monkeypatch.setattr(interrupts, "_lock", Late())
    with pytest.raises(KeyboardInterrupt), interrupts.stoppable("me"):
        pass
    assert not interrupts._inside
    assert sum(range(1000)) == 499500, "nothing comes afterwards"


def test_a_thread_that_has_left_is_not_told():
    over = []
    with interrupts.stoppable("me"), interrupts.stoppable("inside"):
        assert list(interrupts._inside.values()) == ["me"]
    worker = threading.Thread(target=lambda: over.append(sum(range(10))))
    interrupts.stop()
    worker.start()
    worker.join()
    assert over == [45]
