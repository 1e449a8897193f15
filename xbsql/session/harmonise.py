"""Columns aligned, tables linted and money converted with the encoder and the rates of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql import errors
from xbsql.harmonise import lint as lints
from xbsql.harmonise import rows
from xbsql.harmonise.money import Rates
from xbsql.harmonise.profile import profiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.session.session import Session


def encoded(session: Session, texts: Sequence[str]) -> NDArray[np.float32]:
    """The texts as the session's encoder embeds them: float32 unit vectors, shape (n, d)."""
    from xbsql.features.text import embed_texts

    return np.asarray(embed_texts(list(texts), session.encoder("text")), np.float32)


def align_columns(session: Session, source: pa.Table, target: pa.Table) -> list[dict[str, Any]]:
    """One row a column of the source, then the target's columns that stand alone; see `align`."""
    from xbsql.harmonise.align import align

    with session.calls.record("align_columns", "", len(source) + len(target)):
        pairs = align(profiles(source), profiles(target), lambda texts: encoded(session, texts))
    return [
        {"source": pair.source, "target": pair.target, "how": pair.how, "score": pair.score} for pair in pairs
    ]


def lint(
    session: Session, source: pa.Table, target: pa.Table | None = None, label: str | None = None
) -> list[dict[str, Any]]:
    """One row a finding, the gravest first, of one table or of two; see `harmonise.lint`."""
    with session.calls.record("lint", "", len(source) + (0 if target is None else len(target))):
        return [finding._asdict() for finding in lints.lint("xb.lint", source, target, label)]


def keep_rates(session: Session, where: str, table: pa.Table, name: str) -> str:
    """Read a table of rates once and keep it under this name.

    Raises:
        XbsqlError: the table is not one of rates.
    """
    if session.rates.get(name) is None:
        session.rates.put(name, Rates.of(where, table))
    return name


def to_currency(
    session: Session,
    where: str,
    amount: pa.Array,
    currency: pa.Array,
    new_currency: pa.Array,
    day: pa.Array,
    kept: str,
) -> pa.Array:
    """Amounts in another currency by rates that `keep_rates` has read, see `rows.to_currency`.

    Raises:
        XbsqlError: the rates are not kept any more, or have none that is needed.
    """
    rates = session.rates.get(kept)
    if rates is None:
        raise errors.invalid(where, "the rates were dropped from memory meanwhile", "run the query again")
    with session.calls.record("to_currency", "", len(amount)):
        return rows.to_currency(where, amount, currency, new_currency, day, rates)
