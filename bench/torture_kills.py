"""Torture by death: a process that is killed while it changes a store, and what the next one finds there.

A parent that has everything loaded forks a writer, which is killed at a random moment: half of the seeds by
the clock, half just before one of the changes that it makes to files, since most of a fit is arithmetic.
Another fork then reads the store. It must find what was there before or what the whole run makes, and nothing
between; a later run removes what the dead one left, and the same run again comes to its end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.torture_case import Case, rows
from bench.torture_changes import WORKS, build, later, seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


SHARE = {
    "fit": 8, "fit_again": 4, "transfer": 2, "build": 7, "rebuild": 7, "upsert": 7, "delete": 7, "promote": 6,
    "import": 7, "drop_model": 3, "drop_version": 3, "drop_index": 3,
}  # fmt: skip
"""How often each is tried; a tenth or more are drops."""
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
AGED = 3_600


class Life(NamedTuple):
    """One whole run of a change.

    Attributes:
        seconds: that it took.
        events: how often it changed a file or a folder.
        after: what is seen then, see `seen`.
    """

    seconds: float
    events: int
    after: dict[str, Any]


class Kills(Case):
    """A store that is changed by processes which do not live to the end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for work in (
            *WORKS.values(),
            later,
        ):  # in this process: whatever they load is loaded before the forks
            work(self._copy())
        self._before = forked(lambda: seen(self._copy()))
        self._lives = {name: self._whole(work) for name, work in WORKS.items()}

    @classmethod
    def patience(cls, seed: int) -> float:
        """Seconds that a seed may take."""
        return 60.0

    @staticmethod
    def prepare(folder: Path) -> None:
        """Two versions of a model, others, two indexes, and a booster in a file."""
        store = folder / "whole"
        from xbsql.session import boosters, models
        from xbsql.session.session import Session

        session = Session(store)
        for seed in (0, 1):
            models.fit(session, "days", rows(60, seed).drop_columns(["late"]), "days")
        models.fit(session, "late", rows(60, 0).drop_columns(["days"]), "late")
        models.fit(session, "spare", rows(60, 2).select(["weight", "days"]), "days")
        for name in ("catalog", "spare"):
            build(session, name, range(300), 0)
        boosters.export_booster(session, "torture", "spare", str(folder / "booster"))

    def attack(self, seed: int) -> str:
        """Kill one writer and look."""
        random = Random(seed)
        name = random.choices(list(SHARE), list(SHARE.values()))[0]
        life, store = self._lives[name], self._copy()
        at_event = random.randint(1, life.events) if seed % 2 else None
        seconds = None if at_event else random.uniform(0, 1.1 * life.seconds)
        _killed(lambda: WORKS[name](store), store, at_event, seconds)
        found = forked(lambda: seen(store))
        wrong = self._wrong(found, life.after)
        if wrong:
            return f"silent: {name}: {wrong}"
        _age(store)
        left = forked(lambda: _finished(store, name))
        if left:
            return f"silent: {name}: {left}"
        return "same" if found == self._before else "other"

    def _copy(self) -> Path:
        store = self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.folder / "whole", store)
        return store

    def _whole(self, work: Callable[[Path], None]) -> Life:
        store = self._copy()
        seconds, events = forked(lambda: _counted(work, store))
        return Life(seconds, max(events, 1), forked(lambda: seen(store)))

    def _wrong(self, found: dict[str, Any], after: dict[str, Any]) -> str:
        """What is neither as before nor whole and new; a fault in reading is one."""
        if "error" in found:
            return str(found["error"])
        ways = [self._before, after]
        bad = [part for part in found if all(found[part] != way[part] for way in ways)]
        return f"{bad[0]} is {json.dumps(found[bad[0]])[:200]}" if bad else ""


def _finished(store: Path, name: str) -> str:
    """What is still left after a later run, or wrong after the same run again; '' where all is well."""
    from xbsql.errors import XbsqlError
    from xbsql.store.files import UNFINISHED

    later(store)
    left = [str(path.relative_to(store)) for path in store.rglob(".*") if UNFINISHED.fullmatch(path.name)]
    if left:
        return f"a later run leaves {left[:3]}"
    try:
        WORKS[name](store)
    except XbsqlError as error:
        if not name.startswith("drop") or "has" not in str(error):
            return f"the same run again: {error}"
    return "; ".join(seen(store)["notes"])


def _age(store: Path) -> None:
    """Let what is unfinished be an hour old: a sweep gives a writer ten minutes to take its lock."""
    then = time.time() - AGED
    for path in store.rglob(".*"):
        os.utime(path, (then, then), follow_symlinks=False)


def forked(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
    """The answer of a fork, as JSON; {'error': ...} where it raised or died."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            answer = work()
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        with os.fdopen(write, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"error": "the reader died"}


def _killed(
    work: Callable[[], None], store: Path, at_event: int | None, seconds: float | None
) -> None:  # fmt: skip
    """Run a change in a fork and kill it: at its n-th change of a file, or after so many seconds."""
    child = os.fork()
    if not child:
        if at_event is not None:
            _listen(store, lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == at_event else None)
        try:
            work()
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _counted(work: Callable[[Path], None], store: Path) -> tuple[float, int]:
    """Seconds and changes of files of a whole run."""
    counts: Counter[str] = Counter()
    _listen(store, lambda count: counts.update(["all"]))
    start = time.perf_counter()
    work(store)
    return time.perf_counter() - start, counts["all"]


def _listen(store: Path, hear: Callable[[int], object]) -> None:
    """Hear of every change below a store just before it is made; there is no way back, so only in a fork."""
    below, count = str(store), 0

    def hook(event: str, given: tuple[Any, ...]) -> None:
        nonlocal count
        changes = event in CHANGES or (event == "open" and given[2] & WRITING)
        if changes and str(given[0]).startswith(below):
            count += 1
            hear(count)

    sys.addaudithook(hook)
