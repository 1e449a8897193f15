"""Which errors of a call are as they should be: one line of ours, or what DuckDB or Polars say themselves."""

from __future__ import annotations

import re
import traceback

from bench.torture_values import LONG

MOST_ECHOED = 200


def judged(error: BaseException, face: str) -> str:
    """'refused', or what is wrong with an error."""
    import duckdb
    import polars as pl

    from xbsql.errors import XbsqlError

    text = str(error)
    text = text.partition("This error occurred in")[0]  # Polars shows the expression
    ours = text.partition("XbsqlError: ")[2] or (text if isinstance(error, XbsqlError) else "")
    if "fault of xbsql" in text or "INTERNAL" in text:
        return f"internal: {' '.join(text.split())[:400]}"
    if ours:
        return _line(ours)
    if isinstance(error, duckdb.Error):
        strange = re.search(r"exception occurred while executing the UDF: (\w+)", text)
        return f"internal: {' '.join(text.split())[:400]}" if strange else "refused"
    polars = isinstance(error, pl.exceptions.PolarsError)
    if (polars and "Traceback" not in text and "python" not in text.lower()) or _of_the_call(error):
        return "refused"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"internal: {type(error).__name__}: {' '.join(text.split())[:300]} at {where.filename}:{where.lineno}"
    )


def _line(ours: str) -> str:
    """Whether an error of ours is one line, and repeats no long input."""
    line = ours.splitlines()[0]
    if LONG[: MOST_ECHOED + 1] in ours or "9" * (MOST_ECHOED + 1) in ours:
        return f"internal: echoes {len(ours)} characters: {line[:200]}"
    return "refused" if len(line) < 1500 else f"internal: a line of {len(line)} characters: {line[:200]}"


def _of_the_call(error: BaseException) -> bool:
    """Whether Python itself refused the call: an argument is missing or unknown."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, TypeError) and "/bench/" in frames[-1].filename
