"""The report of markets: what each sold, which is like home, delivery, prices, matches, what to do next."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xbsql import errors
from xbsql.decisions.delivery import lanes
from xbsql.decisions.overview import FEWEST_WEEKS, Sold, price_gaps, sold, weekly
from xbsql.decisions.similarity import by_market, market_similarity
from xbsql.features.drawn import drawn
from xbsql.harmonise.lint import lint
from xbsql.pages.advice import of_model, to_give
from xbsql.pages.bars import ranges
from xbsql.pages.fan import fan_charts, fans_of
from xbsql.pages.lanes import lane_map
from xbsql.pages.page import check_place, page, save, table
from xbsql.pages.terms import MEASURES, defined
from xbsql.pages.twins import MOST_ABROAD, MOST_HOME, twins
from xbsql.progress import tell
from xbsql.session import forecast as forecasts
from xbsql.session.decisions import comparison
from xbsql.tasks import road
from xbsql.tasks.forecast.task import TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from xbsql.decisions.similarity import Comparison
    from xbsql.session.session import Session

WHERE: Final = "xb.market_report"
HORIZON: Final = 8
"""Weeks that are looked ahead."""
DRAWN: Final = 12
MOST_LINTED: Final = 20_000
MOST_MARKETS: Final = 40
"""Markets whose evidence is shown in full."""
CATEGORIES: Final = 5
"""Of each market, those whose prices are compared."""
WORDS: Final = {
    "similarity": "1 minus a distance: 1 is like home, 0 has nothing in common; see each row's evidence",
    "overall": "the mean of the aspects, each the mean of its measures",
    "interval": "the fan holds 90 % of such weeks, a similarity's ends 95 % of its resamples",
    "gap": "the median price of a category, or a product, in the market over home's, in one money, less 1",
    "nine of ten within": "days that nine of ten parcels took at most: what customers can be promised",
    "score": "the probability that both are one product, by their titles (xb.match)",
    "doubt": MEASURES["doubt"],
}


class Subject(NamedTuple):
    """What the page is about.

    Attributes:
        session: whose encoder is used.
        compared: the home market and what is compared.
        markets: rows of the others by name.
        facts: known of each market; None without.
        models: names of those that it says what to do next of.
    """

    session: Session
    compared: Comparison
    markets: Mapping[str, pa.Table]
    facts: pa.Table | None
    models: Sequence[str] = ()

    @property
    def every(self) -> dict[str, pa.Table]:
        """The rows of home, which comes first, and of the other markets."""
        return {self.home: self.compared.home, **self.markets}

    @property
    def home(self) -> str:
        """Home's name, or what it is called where nobody says: no market has that name."""
        name = self.compared.home_market or "home"
        while name in self.markets:
            name = f"({name})"
        return name


def written(
    session: Session, home: pa.Table, candidates: pa.Table, path: str, columns: Mapping[str, Any],
    home_market: str | None, facts: pa.Table | None, rates: pa.Table | None, models: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Write the report of markets; arguments as of `xb.market_similarity`, and `models` to look after.

    Returns:
        path (text), markets, rows and bytes (whole numbers).

    Raises:
        XbsqlError: no such column or model, no market but home, or the file cannot be written.
    """
    for name in models:
        session.store.resolve(WHERE, name)
    check_place(WHERE, path)
    rows = len(home) + len(candidates)
    with session.calls.record("market_report", "", rows):
        found = comparison(session, WHERE, home, candidates, columns, home_market, rates)
        subject = Subject(
            session, found, by_market(found, candidates, facts), facts, tuple(dict.fromkeys(models))
        )
        text = report(subject)
    save(WHERE, path, text)
    return {"path": str(path), "markets": len(subject.markets), "rows": rows, "bytes": len(text.encode())}


def report(subject: Subject) -> str:
    """The page as text."""
    works: tuple[tuple[str, Callable[[Subject], str]], ...] = (
        ("At a glance", _glance),
        ("Which market is like home", _alike),
        (f"What is expected of the next {HORIZON} weeks", _expected),
        ("Delivery", _delivery),
        ("Prices beside home's", _prices),
        ("The same products", _matched),
        ("What to look at before a transfer", _linted),
        ("What to do next", _to_do),
    )
    sections = []
    for place, (heading, work) in enumerate(works):
        tell(place / len(works), heading.lower())
        try:
            sections.append((heading, work(subject)))
        except errors.XbsqlError as error:
            sections.append((heading, _note(f"Not shown: {error}")))
    names = list(subject.markets)
    told = ", ".join(names[:DRAWN]) + (f" and {len(names) - DRAWN} more" if len(names) > DRAWN else "")
    lead = f"{told} beside {subject.home}: what was sold, whom each is like, what comes next."
    return page("xbsql market report", lead, [*sections, ("Words", defined(WORDS))])


def _note(text: str) -> str:
    return f"<p class='note'>{escape(text)}</p>"


def _glance(subject: Subject) -> str:
    """A line a market."""
    lines = [_line(sold(subject.compared, name, rows)) for name, rows in subject.every.items()]
    money = "in home's money"
    return table(("market", "rows", "customers", "from", "to", "paid", money, "a customer"), lines)


def _line(found: Sold) -> tuple[str, ...]:
    each = None
    if found.at_home is not None and found.customers:
        each = found.at_home / found.customers
    return (
        found.market,
        f"{found.rows:,}",
        "" if found.customers is None else f"{found.customers:,}",
        found.first or "",
        found.last or "",
        "" if found.paid is None else f"{found.paid:,.0f} {found.currency or ''}",
        "" if found.at_home is None else f"{found.at_home:,.0f}",
        "" if each is None else f"{each:,.2f}",
    )


def _alike(subject: Subject) -> str:
    """The overall likeness of each market with its interval, then every measure with its evidence."""
    rows = market_similarity(subject.compared, subject.markets, facts=subject.facts)
    overall = [row for row in rows if row["aspect"] == "overall"][:MOST_MARKETS]
    arms = [
        (row["market"], row["similarity"], row["lo"], row["hi"])
        for row in overall
        if row["similarity"] is not None
    ]
    shown = {row["market"] for row in overall}
    lines = [
        (row["market"], row["aspect"], row["measure"] or "", _figure(row["similarity"]), row["evidence"])
        for row in rows
        if row["market"] in shown
    ]
    drawing = ranges(arms, "similarity") if arms else ""
    return f"{drawing}{table(('market', 'aspect', 'measure', 'similarity', 'evidence'), lines)}"


def _expected(subject: Subject) -> str:
    """The weeks of each market, and a fan of those to come: one model of all markets' weeks."""
    if "ts" not in subject.compared.columns:
        return _note("Not shown: no column says when (ts).")
    weeks = weekly(subject.compared, subject.every)
    if not len(weeks):
        return _note(f"Not shown: no market has {FEWEST_WEEKS} whole weeks.")
    options = {"id": ["market"], "ts": "week", "horizon": HORIZON}
    model, _ = road.fit(TASK, weeks, "amount", options=options)
    told = forecasts.told(WHERE, model, weeks, model.columns, forecasts.ForecastCall(HORIZON))
    what = "paid" if "amount" in subject.compared.columns else "lines"
    said = f"{what} a week, each market in its own money; weeks end on the last day of all"
    return f"{fan_charts(fans_of(told, DRAWN), 0.9)}<p class='scale'>{said}</p>"


def _prices(subject: Subject) -> str:
    """Where a market's categories are dearer or cheaper."""
    gaps = price_gaps(subject.compared, subject.markets, CATEGORIES)
    if not gaps:
        return _note("Not shown: no category has prices in one money on both sides (category, price, rates).")
    lines = [(gap.market, gap.category, f"{gap.prices:,}", f"{gap.gap:+.0%}") for gap in gaps]
    return table(("market", "category", "prices", "gap"), lines)


def _delivery(subject: Subject) -> str:
    """The map of lanes, and the days of each."""
    found = lanes(subject.compared, subject.markets, subject.facts)
    if all(lane.distance is None and lane.median is None for lane in found):
        lack = "no column says how many days a delivery took (days), no fact how far a market is"
        return _note(f"Not shown: {lack} (lat and lon, or distance_km).")
    return lane_map(subject.home, found)


def _matched(subject: Subject) -> str:
    """The products of each market that home has too."""
    if "title" not in subject.compared.columns:
        return _note("Not shown: no column says what a product is called (title).")
    found = twins(subject.session, subject.compared, subject.markets)
    if not found:
        return _note("No product of the best sold ones of both sides is the same.")
    lines = [
        (twin.market, twin.there, twin.here, _figure(twin.score), f"{twin.lines:,}",
         "" if twin.gap is None else f"{twin.gap:+.0%}") for twin in found
    ]  # fmt: skip
    said = f"the {MOST_ABROAD} best sold products of a market beside the {MOST_HOME:,} of home"
    return (
        f"{table(('market', 'there', 'at home', 'score', 'lines', 'gap'), lines)}<p class='scale'>{said}</p>"
    )


def _to_do(subject: Subject) -> str:
    """What the tables lack, then what each model asks for."""
    lines = to_give(subject.compared, subject.markets, subject.facts)
    shown = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
    for name in subject.models:
        said = of_model(subject.session, name, subject.markets, subject.compared.home)
        shown += f"<h3>{escape(name)}</h3>{said}"
    return shown or _note("The tables lack nothing that this page asks for.")


def _linted(subject: Subject) -> str:
    """What the tables contradict each other in, each market beside home."""
    lines = []
    for name, rows in subject.markets.items():
        sides = (side.take(drawn(len(side), MOST_LINTED)) for side in (subject.compared.home, rows))
        lines += [(name, *finding) for finding in lint(WHERE, *sides)] if len(rows) else []
    if not lines:
        return _note("Nothing was found.")
    return table(("market", "severity", "column", "problem", "remedy"), lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
