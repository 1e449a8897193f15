"""What to do next: what the tables of markets lack, which rows to label, which column gives labels away."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from xbsql import errors
from xbsql.decisions.similarity import FEWEST_ROWS
from xbsql.features.drawn import drawn
from xbsql.pages.report import Subject, next_labels
from xbsql.session.insight import of_rows
from xbsql.tasks.leaks import LEAK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from xbsql.decisions.similarity import Comparison
    from xbsql.session.session import Session

WHERE: Final = "xb.market_report"
MOST_ROWS: Final = 20_000
WANTED: Final = {
    "title": "which products are the same and how near the catalogues are",
    "category": "price gaps by category",
    "price": "prices beside home's",
    "customer": "how customers buy",
    "amount": "what was paid",
    "ts": "seasons and the weeks to come",
    "days": "the delivery promise",
}
"""The columns of a market's rows, and what the page says by each."""


def to_give(compared: Comparison, markets: Mapping[str, pa.Table], facts: pa.Table | None) -> list[str]:
    """What the tables lack, one line each: columns, rows, rates, facts."""
    lacking = [f"{name} ({what})" for name, what in WANTED.items() if name not in compared.columns]
    found = []
    if lacking:
        found.append(f"Name these columns, or add them: {', '.join(lacking)}.")
    few = [f"{name} ({len(rows)})" for name, rows in markets.items() if len(rows) < FEWEST_ROWS]
    if few:
        found.append(f"Give rows of {', '.join(few)}: {FEWEST_ROWS} are needed to compare.")
    if {"price", "amount"} & compared.columns.keys():
        money = {name: compared.apart(rows) for name, rows in markets.items() if len(rows)}
        found += [f"{name}: money is {said}." for name, said in money.items() if said]
    if facts is None:
        found.append("Give facts: a row a market with lat and lon, or distance_km, for the map and likeness.")
    return found


def of_model(session: Session, name: str, markets: Mapping[str, pa.Table], home: pa.Table) -> str:
    """What to do next for a model: the columns that give its label away, and the rows to label next.

    It is asked about the rows of the market that its card names, else about home's.
    """
    try:
        found = session.store.artifact(WHERE, name)
        _, model = of_rows(session, WHERE, name)
    except errors.XbsqlError as error:
        return f"<p class='note'>{escape(f'This model cannot be asked: {error}')}</p>"
    market = str(found.card.get("market") or "")
    rows = markets.get(market, home)
    rows = rows.take(drawn(len(rows), MOST_ROWS))
    return _leaks(found.card) + _to_label(
        Subject(session, name, found.card, rows), model.label, market in markets
    )


def _leaks(card: Mapping[str, object]) -> str:
    """The notes of the verdict, or of the home model's scores, that speak of a leak."""
    notes = _notes(card)
    leaks = list(dict.fromkeys(note for note in notes if LEAK in note))
    if not leaks:
        return "<p>No column gives the label away.</p>"
    remedy = "Leave out what is not known before the label is: options := {'ignore': [...]}."
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in leaks)}</ul><p>{escape(remedy)}</p>"


def _notes(card: Mapping[str, object]) -> Sequence[str]:
    verdict, report = card.get("verdict"), card.get("report")
    told = list(verdict["notes"]) if isinstance(verdict, dict) else []
    if isinstance(report, list):
        told += [line for score in report if score.get("note") for line in str(score["note"]).split("; ")]
    return told


def _to_label(subject: Subject, label: str, of_market: bool) -> str:
    """The rows to label next; of rows whose label is known there are none."""
    rows = subject.rows
    if rows is not None and label in rows.column_names:
        subject = subject._replace(rows=rows.filter(rows[label].is_null()))
    if subject.rows is None or not len(subject.rows):
        return "<p>Every row has a label.</p>"
    try:
        shown = next_labels(subject)
    except errors.XbsqlError as error:
        return f"<p class='note'>{escape(f'Not shown: {error}')}</p>"
    whose = "of its market" if of_market else "of home, as its market is not on this page"
    return f"<p>Label these rows {whose} next ({escape(label)}):</p>{shown}"
