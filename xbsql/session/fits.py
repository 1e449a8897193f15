"""A fit is its content: the same data, label, options and code give the version that is already there."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from xbsql.session.log import CallLog
    from xbsql.store.model import Model
    from xbsql.store.store import Artifact, Store


class Fits:
    """Runs fits one at a time, and each content once.

    Args:
        store: where the models go.
        calls: where fits are logged.
    """

    def __init__(self, store: Store, calls: CallLog) -> None:
        self._store, self._calls = store, calls
        self._turn = threading.Lock()

    def once(
        self,
        where: str,
        name: str,
        key: str,
        rows: int,
        label: str,
        run: Callable[[], tuple[Model, dict[str, Any]]],
    ) -> tuple[Artifact, float]:
        """The stored outcome of a fit, promoted: found by its key, or run and stored.

        Args:
            where: the SQL function.
            name: the model's name.
            key: from `key_of`.
            rows: how many the fit reads.
            label: the label column.
            run: gives the model and what its card says beside the facts that every card has.

        Returns:
            The version, and the seconds that its fit took when it ran.
        """
        with self._turn, self._calls.record(where.removeprefix("xb."), name, rows):
            found = self._store.reuse(where, name, key)
            if found is not None:
                return found, float(found.card.get("seconds", 0.0))
            start = time.perf_counter()
            with one_thread():
                fitted, card = run()
            seconds = round(time.perf_counter() - start, 3)
            facts = {"label": label, "rows": rows, "seconds": seconds, "key": key}
            card = {"task": fitted.signature.task, **facts, **card}
            return self._store.save(name, fitted.state(), card), seconds


def key_of(where: str, parts: Sequence[object]) -> str:
    """The content of a fit: what goes in, and the code that it goes through; sha256.

    Raises:
        XbsqlError: a part is no plain value.
    """
    try:
        text = json.dumps([where, code_version(), *parts], sort_keys=True)
    except TypeError as error:
        raise errors.invalid(where, f"options must be plain values ({error})") from error
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_version() -> str:
    """Digest of this package's Python files: another code is another fit."""
    sha = hashlib.sha256()
    root = Path(__file__).parents[1]
    for file in sorted(root.rglob("*.py")):
        sha.update(str(file.relative_to(root)).encode())
        sha.update(file.read_bytes())
    return sha.hexdigest()[:16]


def one_thread() -> AbstractContextManager[object]:
    """Linear algebra on one thread.

    Sums in one order give the same model again; and threads that wait for each other at every small product
    stall on a busy machine.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")  # type: ignore[no-any-return]
