"""The report of models: whether each helps, what it looks at, and what to do next, on one page."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.pages.bars import bars, ranges
from xbsql.pages.card import interval, sentences, told
from xbsql.pages.curve import curve
from xbsql.pages.fan import fan_charts, fans_of
from xbsql.pages.page import check_place, page, save, table
from xbsql.pages.pictures import STYLE, gallery, thumbnail
from xbsql.pages.terms import terms
from xbsql.progress import part, tell
from xbsql.session import cards, insight
from xbsql.session import forecast as forecasts
from xbsql.session.drift import drift
from xbsql.session.looks import looked_at, model_of_pictures
from xbsql.session.verdict import row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from xbsql.session.session import Session

WHERE = "xb.report"
MOST_ROWS = 20_000
"""Rows that are looked at, at even steps; of series all are."""
SHOWN = 12
SUGGESTED = 10
TEXT = 90
"""Characters of a value that are shown."""
DRAWN = 6
PICTURES = 24
HORIZON = 8


class Subject(NamedTuple):
    """One model of a report.

    Attributes:
        session: where it is.
        name: of it.
        card: what its version says of itself.
        rows: of the market that it is asked about; None without.
        curves: whether its label curve is drawn.
        home: home's series, which a forecast's are drawn beside; None without.
        known: columns of the rows that a forecast may know in advance.
    """

    session: Session
    name: str
    card: Mapping[str, Any]
    rows: pa.Table | None
    curves: bool = False
    home: pa.Table | None = None
    known: Sequence[str] = ()


def written(
    session: Session,
    names: Sequence[str],
    rows: pa.Table | None,
    path: str,
    *,
    curves: bool = False,
    home: pa.Table | None = None,
    known: Sequence[str] = (),
) -> dict[str, Any]:
    """Write the report.

    Args:
        session: where the models are.
        names: of the models, in the order of the page; none twice.
        rows: of the market that they are asked about; None leaves out what needs them.
        path: of the HTML file, which is replaced.
        curves: whether the label curve of each is drawn, which takes as long as twenty transfers.
        home: series of the home market, in columns of the same names: forecasts are drawn beside them.
        known: columns of the rows that are known in advance, where a forecast shall read them.

    Returns:
        path (text), models and bytes (whole numbers).

    Raises:
        XbsqlError: no name, a name without a model, a known column that the rows lack, or the file cannot be
            written. A model that is there and cannot be read has a card that says so.
    """
    if not names:
        raise errors.invalid(WHERE, "no model is named", "FROM xb.models() lists them")
    if curves and rows is None:
        raise errors.invalid(WHERE, "curves are asked for without rows", "give tbl := labelled rows")
    if home is not None and rows is None:
        raise errors.invalid(WHERE, "home is given without rows", "give tbl := the series to forecast")
    if known and rows is None:
        raise errors.invalid(WHERE, "known is given without rows", "give tbl := the series to forecast")
    for column in known:
        if rows is not None and column not in rows.column_names:
            raise errors.unknown(WHERE, "column", column, rows.column_names, place="tbl has")
    for name in names:
        session.store.resolve(WHERE, name)
    check_place(WHERE, path)
    each = [Subject(session, name, {}, rows, curves, home, known) for name in dict.fromkeys(names)]
    with session.calls.record("report", ", ".join(names), 0 if rows is None else len(rows)):
        text = report(each)
    save(WHERE, path, text)
    return {"path": str(path), "models": len(set(names)), "bytes": len(text.encode())}


def report(subjects: Sequence[Subject]) -> str:
    """The page as text; see `written`. Cards are not read yet."""
    overview, sections = [], []
    for place, subject in enumerate(subjects):
        with part(place / len(subjects), (place + 1) / len(subjects)):
            line, body = _of_model(subject)
        overview.append(line)
        sections.append((subject.name, body))
    several = f"{len(subjects)} models" if len(subjects) > 1 else subjects[0].name
    lead = f"Whether the home market helps, what {several} looked at, and what to do next."
    head = ("model", "market", "verdict", "metric", "score", "gain", "labels")
    return page("xbsql report", lead, [("At a glance", table(head, overview)), *sections])


def _of_model(asked: Subject) -> tuple[tuple[str, ...], str]:
    """The line of the overview, and what the page says of a model, whose card is not read yet."""
    name, session = asked.name, asked.session
    tell(0.0, f"reading {name}")
    try:
        found = session.store.artifact(WHERE, name)
        session.model(WHERE, name)
        row = row_of(found.card)
    except errors.XbsqlError as error:
        nothing = (name, "", "BROKEN", "", "", "", "")
        return nothing, f"<p class='note'>This model cannot be read: {escape(str(error))}</p>"
    market = str(found.card.get("market") or "")
    line = (
        name,
        market,
        *(str(row.get(key) or "") for key in ("verdict", "metric", "score", "gain", "labels")),
    )
    subject = asked._replace(card=found.card)
    parts = [_head(subject), _weights(subject.card)]
    works: list[tuple[str, Callable[[Subject], str]]] = []
    if asked.rows is not None and subject.card["task"] == "forecast":
        works = [("What it expects", _outlook)]
    elif asked.rows is not None:
        subject = subject._replace(rows=_some(asked.rows))
        works = [
            *([("What it says of pictures", _pictures)] if _reads_pictures(subject) else []),
            ("What it looks at", _looks),
            ("Whether the rows have moved", _moved),
            ("Which rows to label next", next_labels),
            *([("What more labels bring", _curve)] if asked.curves else []),
        ]
    for place, (heading, work) in enumerate(works):
        tell((1 + place) / (1 + len(works)), f"{name}: {heading.lower()}")
        parts.append(f"<h3>{heading}</h3>{_tried(work, subject)}")
    return line, "\n".join([*parts, terms(subject.card)])


def _some(rows: pa.Table) -> pa.Table:
    """At most 20,000 rows, at even steps."""
    return rows.take(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int))


def _tried(work: Callable[[Subject], str], subject: Subject) -> str:
    """What a part shows; where it cannot be made of this model or these rows, why."""
    try:
        return work(subject)
    except errors.XbsqlError as error:
        return f"<p class='note'>Not shown: {escape(str(error))}</p>"


def _head(subject: Subject) -> str:
    """The verdict with its arms, or what a home model scores; with what the notes say."""
    card = subject.card
    if "verdict" not in card:
        scores = [
            (str(score["metric"]), score["value"], score["lo"], score["hi"])
            for score in card.get("report", [])
        ]
        said = f"A home model of {card.get('rows', 0):,} rows; scores are out of fold, with 95 % intervals."
        shown = table(
            ("metric", "score"), [(name, _between(value, lo, hi)) for name, value, lo, hi in scores]
        )
        notes = {str(score["note"]) for score in card.get("report", []) if score.get("note")}
        return f"<p>{said}</p>{shown}{_listed(sorted(notes))}"
    rows = cards.arm_rows(card["verdict"], {})
    outcome = str(rows[0]["verdict"])
    measured = [row for row in told(rows) if row["value"] is not None]
    arms = [(row["arm"], row["value"], row["lo"], row["hi"]) for row in measured]
    reason = escape(sentences(rows[0])[0])
    head = f"<p class='verdict'><b class='{outcome.split()[0]}'>{outcome}</b> {reason}</p>"
    further = sentences({**rows[0], "note": None, "weights": None})[1:]
    return f"{head}{ranges(arms, str(rows[0]['metric']))}{_listed([*further, *card['verdict']['notes']])}"


def _between(value: float | None, lo: float | None, hi: float | None) -> str:
    return interval({"value": value, "lo": lo, "hi": hi})


def _listed(lines: Sequence[str]) -> str:
    """Lines as a list; nothing without one."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _weights(card: Mapping[str, Any]) -> str:
    """The candidates of the blend by weight."""
    weights = card.get("weights")
    if not weights:
        return ""
    heaviest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    return f"<h3>What it is made of</h3>{bars(heaviest, as_share=True)}"


def _looks(subject: Subject) -> str:
    """The mean absolute contribution of each feature."""
    given = one_chunk(_rows(subject).to_struct_array())
    found = insight.explain(subject.session, subject.name, given, None, per_row=False)
    pairs = sorted(
        zip(found["feature"].to_pylist(), found["contribution"].to_pylist(), strict=True), key=lambda p: -p[1]
    )
    return bars(pairs[:SHOWN])


def _reads_pictures(subject: Subject) -> bool:
    reader = getattr(subject.session.model(WHERE, subject.name), "reader", None)
    return bool(getattr(reader, "pictures", ()))


def _pictures(subject: Subject) -> str:
    """Pictures at even steps of the rows, the least sure first, with what is said of them."""
    rows, model = _rows(subject), model_of_pictures(subject.session, WHERE, subject.name)
    some = rows.take(np.unique(np.linspace(0, len(rows) - 1, min(len(rows), PICTURES)).astype(int)))
    found, label = looked_at(subject.session, WHERE, subject.name, some), model.signature.label
    known = some[label].to_pylist() if label in some.column_names else [None] * len(some)
    truth = [None if value is None else str(value) for value in known]
    shown = found.least_sure(PICTURES).tolist()
    return gallery(model.reader.pictures[0], some, found, shown, truth)


def _moved(subject: Subject) -> str:
    """What has drifted from the rows of the fit, alarms first."""
    found = drift(subject.session, subject.name, _rows(subject), None, 0.01)
    found.sort(key=lambda row: not row["alarm"])
    alarms = sum(bool(row["alarm"]) for row in found)
    said = f"Alarms at 1 % over all columns: {alarms or 'none'}."
    lines = [
        (
            row["column"] or "(label)",
            row["measure"],
            _short(row["value"]),
            _short(row["p"]),
            row["evidence"] or "",
        )
        for row in found[:SHOWN]
    ]
    return f"<p>{said}</p>{table(('column', 'measure', 'distance', 'p', 'evidence'), lines)}"


def next_labels(subject: Subject) -> str:
    """The rows whose labels would help most.

    Raises:
        XbsqlError: the model reads no rows, or they lack a column that it reads.
    """
    rows = _rows(subject)
    found = insight.suggest_labels(subject.session, subject.name, rows, SUGGESTED, None, 0)
    inputs = [field.name for field in subject.session.model(WHERE, subject.name).signature.inputs]
    columns = [name for name in inputs if name in rows.column_names][:4]
    lines = []
    for place, doubt in zip(found["row"].to_pylist(), found["doubt"].to_pylist(), strict=True):
        values = [_value(rows[name][place - 1].as_py()) for name in columns]
        lines.append((*values, _short(doubt)))
    return f"{STYLE}{table((*columns, 'doubt'), lines)}"


def _curve(subject: Subject) -> str:
    """What more labels bring, see `curve`."""
    label = subject.session.model(WHERE, subject.name).signature.label
    return curve(subject.session, subject.name, _rows(subject), label)


def _outlook(subject: Subject) -> str:
    """The series of which most is expected beside home's, and how many have which status.

    All rows are read: every other row of a series is another series.
    """
    asked = forecasts.ForecastCall(HORIZON)
    fitted = forecasts.forecaster(subject.session, WHERE, subject.name)
    columns = fitted.columns._replace(known=tuple(subject.known))
    told_of = forecasts.told(WHERE, fitted, _rows(subject), columns, asked)
    home = None if subject.home is None else forecasts.beside(WHERE, fitted, subject.home)
    shown = fan_charts(fans_of(told_of, DRAWN, home=home), asked.level)
    return f"{shown}{table(('status', 'series'), Counter(told_of.status).most_common())}"


def _rows(subject: Subject) -> pa.Table:
    if subject.rows is None:
        message = "a part that needs rows was asked without"
        raise TypeError(message)
    return subject.rows


def _value(value: object) -> str:
    if isinstance(value, bytes):
        return thumbnail(value, "picture")
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:TEXT]


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
