"""Markets compared and ranked with the encoder of a session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from xbsql import errors
from xbsql.harmonise.money import Rates
from xbsql.session.harmonise import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from xbsql.decisions.ranking import Plan
    from xbsql.decisions.similarity import Comparison
    from xbsql.session.session import Session


class Tables(NamedTuple):
    """What a ranking may be given beside the plan; each None where it is not."""

    rates: pa.Table | None = None
    duties: pa.Table | None = None
    vat: pa.Table | None = None
    curves: pa.Table | None = None


def market_similarity(
    session: Session, home: pa.Table, candidates: pa.Table, columns: Mapping[str, Any],
    home_market: str | None, facts: pa.Table | None, rates: pa.Table | None, seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """How alike each market is to home, see `decisions.similarity`."""
    from xbsql.decisions.similarity import by_market
    from xbsql.decisions.similarity import market_similarity as run

    with session.calls.record("market_similarity", "", len(home) + len(candidates)) as call:
        call.kernel = "bootstrap"
        found = comparison(session, "xb.market_similarity", home, candidates, columns, home_market, rates)
        return run(found, by_market(found, candidates, facts), facts=facts, seed=seed)


def market_facts(session: Session, home: str | None) -> list[dict[str, Any]]:
    """One row a country, see `xbsql.market.facts` and `decisions.facts.away`.

    Raises:
        XbsqlError: no such market as home.
    """
    from xbsql.decisions.facts import away
    from xbsql.market.facts import facts

    with session.calls.record("market_facts", home or "", 0):
        known = facts()
        pairs = [(None, None)] * len(known) if home is None else away(home)
        return [
            {
                **one._asdict(),
                "gdp_per_head": one.gdp / one.population,
                "distance_km": far,
                "home_language": speakers,
            }
            for one, (far, speakers) in zip(known, pairs, strict=True)
        ]


def comparison(
    session: Session, where: str, home: pa.Table, candidates: pa.Table, columns: Mapping[str, Any],
    home_market: str | None, rates: pa.Table | None,
) -> Comparison:  # fmt: skip
    """What markets are compared by, with the encoder of the session."""
    from xbsql.decisions.similarity import compared

    money = None if rates is None else Rates.of(where, rates)
    return compared(where, home, candidates, columns, partial(encoded, session), home_market, money)


def rank_markets(
    session: Session, table: pa.Table, given: Mapping[str, Any], tables: Tables, goal: float | None
) -> list[dict[str, Any]]:
    """Markets by what they would bring; those that cannot be ranked come last and say why."""
    from xbsql.decisions.ranking import ranked
    from xbsql.decisions.readiness import labels_needed

    where = "xb.rank_markets"
    with session.calls.record("rank_markets", "", len(table)) as call:
        call.kernel = "draws"
        plan, notes = _plan(where, table, given, tables)
        needed = {} if tables.curves is None else labels_needed(where, tables.curves, goal)
        rows = [] if plan is None else ranked(plan)
        told = {row["market"] for row in rows}
        rows += [{"market": name} for name in notes if name not in told]
        return [
            row
            | {"labels_needed": needed.get(row["market"]), "note": "; ".join(notes[row["market"]]) or None}
            for row in rows
        ]


def market_sensitivity(
    session: Session, table: pa.Table, given: Mapping[str, Any], tables: Tables
) -> list[dict[str, Any]]:
    """Which input would change the order of two neighbours, see `decisions.ranking.sensitivity`."""
    from xbsql.decisions.ranking import sensitivity

    with session.calls.record("market_sensitivity", "", len(table)) as call:
        call.kernel = "draws"
        plan, _ = _plan("xb.market_sensitivity", table, given, tables)
        return [] if plan is None else sensitivity(plan)


def _plan(
    where: str, table: pa.Table, given: Mapping[str, Any], tables: Tables
) -> tuple[Plan | None, dict[str, list[str]]]:
    from xbsql.decisions.landed import Shares
    from xbsql.decisions.plan import Asked, read_plan

    rates, duties, vat, _ = tables
    if rates is None and "currency" in table.column_names and table["currency"].null_count < len(table):
        money = set(table["currency"].drop_null().to_pylist())
        if money - {given["currency"]}:
            said = f"prices are in {', '.join(sorted(map(str, money))[:4])}, and no rates are given"
            raise errors.invalid(where, said, "give rates := currency, per_unit")
    asked = Asked(
        **given,
        rates=None if rates is None else Rates.of(where, rates),
        duties=None if duties is None else Shares.of(where, "duties", duties),
        vat=None if vat is None else Shares.of(where, "vat", vat),
    )
    return read_plan(where, table, asked)
