"""The report of markets over a million simulated order lines of four countries.

A home of 700,000 lines and three markets of 100,000, with titles in their languages, categories, prices in
their currencies, customers who come back, seasons and two years of days. `seconds` is the wall time of
`xb.market_report` from SQL in a process that has loaded the encoder, `mb` the size of the page, and
`requests` how many things on it a browser would fetch: every `src` and `href` that leads out of the page,
every `@import` and every `url(` that is no fragment of it. The page's XML is read as a browser's parser does.
"""

from __future__ import annotations

import re
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import xbsql

if TYPE_CHECKING:
    from bench.case import Bench

SOURCES = ("xbsql/pages/market.py", "xbsql/decisions/overview.py", "xbsql/decisions/similarity.py")
MARKETS = {"GB": ("GBP", 1.0), "DE": ("EUR", 1.17), "FR": ("EUR", 1.17), "JP": ("JPY", 190.0)}
SHARES = {"GB": 0.7, "DE": 0.1, "FR": 0.1, "JP": 0.1}
ADJECTIVES = {
    "GB": ("red", "blue", "large", "small", "light"),
    "DE": ("rot", "blau", "groß", "klein", "leicht"),
    "FR": ("rouge", "bleu", "grand", "petit", "léger"),
    "JP": ("赤い", "青い", "大きい", "小さい", "軽い"),
}
NOUNS = {
    "GB": ("mug", "lamp", "bag", "scarf", "clock", "frame"),
    "DE": ("Tasse", "Lampe", "Tasche", "Schal", "Uhr", "Rahmen"),
    "FR": ("tasse", "lampe", "sac", "écharpe", "horloge", "cadre"),
    "JP": ("マグ", "ランプ", "バッグ", "スカーフ", "時計", "額縁"),
}
PRODUCTS = 5_000
DAYS = 730


def run(bench: Bench) -> dict[str, float]:
    """Write the page once."""
    bench.plan(1)
    lines = 50_000 if bench.quick else 1_000_000
    found = bench.unit("page", lambda: written(lines))
    for name, unit in (("seconds", "s"), ("mb", "MB"), ("requests", "")):
        bench.record(f"{lines} lines", "xb.market_report", name, found[name], unit=unit)
    return found


def written(lines: int) -> dict[str, float]:
    """Seconds, size and requests of the page."""
    con = xbsql.connect(store=tempfile.mkdtemp())
    con.register("home", orders("GB", int(SHARES["GB"] * lines), 0).drop(["market"]))
    abroad = [orders(name, int(SHARES[name] * lines), 1 + k) for k, name in enumerate(("DE", "FR", "JP"))]
    con.register("abroad", pa.concat_tables(abroad))
    con.register("rates", pa.table({"currency": ["GBP", "EUR", "JPY"], "per_unit": [1.17, 1.0, 0.0061]}))
    con.sql("SELECT xb.embed('warm')").fetchall()
    path = Path(tempfile.mkdtemp()) / "page.html"
    asked = f"xb.market_report(home, abroad, '{path}', home_market := 'GB', rates := rates)"
    start = time.perf_counter()
    con.sql(f"FROM {asked}").fetchall()
    seconds = time.perf_counter() - start
    text = path.read_text(encoding="utf-8")
    return {"seconds": seconds, "mb": len(text.encode()) / 2**20, "requests": float(requests(text))}


def orders(market: str, lines: int, seed: int) -> pa.Table:
    """Lines of a market: market, title, category, price, currency, customer, amount, ts."""
    rng = np.random.default_rng(seed)
    adjectives, nouns, (currency, level) = ADJECTIVES[market], NOUNS[market], MARKETS[market]
    product = rng.zipf(1.3, lines) % PRODUCTS
    noun, adjective = product % len(nouns), product // len(nouns) % len(adjectives)
    title = np.char.add(np.array(adjectives)[adjective], np.char.add(" ", np.array(nouns)[noun]))
    title = np.char.add(title, np.char.mod(" %d", product))
    base = np.random.default_rng(99).lognormal(2.5, 0.6, PRODUCTS)[product]
    price = np.round(base * level * rng.lognormal(0.1 * seed, 0.05, lines), 2)
    day = np.arange(DAYS)
    busy = 1.0 + 0.5 * np.sin(2 * np.pi * (day - 270 + 30 * seed) / 365.25) + 0.2 * (day % 7 > 4)
    when = rng.choice(day, lines, p=busy / busy.sum())
    moments = np.datetime64("2024-07-01") + when.astype("timedelta64[D]")
    customer = np.floor(rng.gamma(0.6, lines / 8, lines)).astype(np.int64)
    return pa.table(
        {
            "market": pa.array([market] * lines),
            "title": title.tolist(),
            "category": np.array(NOUNS["GB"])[noun].tolist(),
            "price": price,
            "currency": pa.array([currency] * lines),
            "customer": customer,
            "amount": np.round(price * rng.integers(1, 4, lines), 2),
            "ts": pa.array(moments.astype("datetime64[us]")),
        }
    )


class Fetched(HTMLParser):
    """Counts what a page has fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at what leads out of the page."""
        for name, value in attrs:
            leads = name in ("src", "srcset", "data", "poster") or (name.endswith("href") and tag != "a")
            self.count += leads and not (value or "").startswith(("#", "data:"))
            self.count += _out(value or "") if name == "style" else 0

    def handle_data(self, data: str) -> None:
        """Style sheets are data to the parser."""
        self.count += _out(data)


def _out(style: str) -> int:
    return len(re.findall(r"@import|url\((?!['\"]?(?:#|data:))", style))


def requests(text: str) -> int:
    """How many things a browser would fetch beside the page."""
    found: Any = Fetched()
    found.feed(text)
    return int(found.count)
