"""The log of calls: what ran, on how many rows, in how many batches, where and for how long."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.features.image.magic import told

if TYPE_CHECKING:
    from collections.abc import Iterator

MERGE_SECONDS = 0.5
KEPT = 200
TINY_BATCH = 256
TINY_COUNT = 8


@dataclass
class Call:
    """One call, or the batches of one query.

    Attributes:
        function: the SQL name, e.g. 'classify'.
        model: the model's reference, or '' where there is none.
        rows: rows given, over all batches.
        batches: how often DuckDB called.
        seconds: time inside the function, over all batches.
        device: 'cpu' or 'cuda'.
        kernel: what did the work, e.g. 'encoder'.
        at: when the first batch began, UTC.
        ended: monotonic clock at the end of the last batch.
        unread: how many BLOBs were no pictures, by why.
    """

    function: str
    model: str
    rows: int = 0
    batches: int = 1
    seconds: float = 0.0
    device: str = "cpu"
    kernel: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: float = 0.0
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def mean_batch(self) -> float:
        """Rows a batch."""
        return self.rows / self.batches

    @property
    def note(self) -> str:
        """What could not be read; advice where batches are so small that calling costs most; else ''."""
        notes = [told(self.unread)] if self.unread else []
        if self.batches >= TINY_COUNT and self.mean_batch < TINY_BATCH:
            notes.append(
                f"tiny batches: {self.batches} of {self.mean_batch:.0f} rows; filter into a table first, "
                "or put the function above an ORDER BY, or use the Python twin"
            )
        return "; ".join(notes)


class CallLog:
    """The last calls; batches of one function and model less than half a second apart are one call.

    Attributes:
        alias: the namespace of the functions, by which errors name them.
    """

    def __init__(self) -> None:
        self.alias = "xb"
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._open = threading.local()

    @property
    def current(self) -> Call:
        """The call that this thread is in; one that nobody reads where there is none."""
        return getattr(self._open, "call", None) or Call("", "")

    @contextmanager
    def record(self, function: str, model: str, rows: int) -> Iterator[Call]:
        """Time a batch; the body may set device and kernel.

        A batch that fails is not logged, and its error names the function: rooms below do not know who asked.
        What a function asks of another one inside is part of its own call.
        """
        outer: Call | None = getattr(self._open, "call", None)
        if outer is not None:
            outer.model, outer.rows = outer.model or model, outer.rows or rows
            yield outer
            return
        call = self._open.call = Call(function, model, rows)
        start = time.perf_counter()
        try:
            yield call
        except errors.XbsqlError as error:
            error.name(f"{self.alias}.{function}")
            if self.alias != "xb":
                error.args = (re.sub(r"\bxb\.(?=[a-z])", f"{self.alias}.", str(error)),)
            raise
        finally:
            self._open.call = None
        call.ended = time.perf_counter()
        call.seconds = call.ended - start
        with self._lock:
            self._add(call, start)

    def _add(self, call: Call, start: float) -> None:
        last = self._calls[-1] if self._calls else None
        if (
            last
            and (last.function, last.model) == (call.function, call.model)
            and start - last.ended < MERGE_SECONDS
        ):
            last.rows += call.rows
            last.batches += 1
            last.seconds += call.seconds
            last.ended = call.ended
            last.unread += call.unread
        else:
            self._calls.append(call)

    def rows(self) -> list[dict[str, object]]:
        """The log as rows, newest first."""
        with self._lock:
            calls = list(reversed(self._calls))
        return [
            {
                "at": call.at,
                "function": call.function,
                "model": call.model or None,
                "rows": call.rows,
                "batches": call.batches,
                "mean_batch": round(call.mean_batch, 1),
                "device": call.device,
                "kernel": call.kernel or None,
                "seconds": round(call.seconds, 6),
                "note": call.note or None,
            }
            for call in calls
        ]
