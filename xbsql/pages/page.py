"""One self-contained HTML page: verdict cards, the chart, rows, and the SQL that made them."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from xbsql import errors
from xbsql.pages.card import interval, sentences, told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLE = """
:root { --ink: #1c2024; --soft: #60646c; --line: #e3e5e8; --good: #1a7f52; --bad: #c0392b; --back: #fff; }
:root { --code: #f6f7f8; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #a0a6ad; --line: #3a3f45; --good: #4cc38a; --bad: #ff8a7a; }
  :root { --back: #17191c; --code: #22262a; }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back); }
body { max-width: 62rem; margin: 2.5rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { margin-top: 2.4rem; font-size: 1.2rem; }
p.lead, p.scale, p.note { color: var(--soft); margin-top: 0; } p.scale { font-size: .8rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; }
.card h3 { margin: 0 0 .4rem; font-size: 1rem; display: flex; justify-content: space-between; }
.HELPS { color: var(--good); } .HURTS { color: var(--bad); } .NO, .NOT { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
table { display: block; overflow-x: auto; } td, th { overflow-wrap: normal; }
.rows td, .bars td, th { white-space: nowrap; } .rows td.long { white-space: normal; min-width: 10rem; }
td, th { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
.bar { display: inline-block; height: .6rem; background: var(--good); opacity: .75; border-radius: 2px; }
.bars { display: table; max-width: 46rem; } .bars td { border: 0; } .bars td.wide { width: 60%; }
.track { position: relative; height: 1.1rem; }
.track span { position: absolute; top: 50%; transform: translateY(-50%); }
.whisker { height: 2px; background: var(--soft); }
.dot { width: .65rem; height: .65rem; margin-left: -.325rem; border-radius: 50%; background: var(--soft); }
.dot.blend { background: var(--good); } .ends { color: var(--soft); white-space: nowrap; }
.map { max-width: 30rem; display: block; width: 100%; height: auto; }
.map text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.map line { stroke: var(--line); stroke-width: 2; } .map circle { fill: var(--soft); }
.map circle.blend { fill: var(--good); }
.map circle.ring { fill: none; stroke: var(--line); } .map text.ring { fill: var(--soft); }
.fans { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); gap: 1rem; }
svg:not(.map) { width: 100%; height: auto; border-radius: 6px; }
figure { margin: 0; break-inside: avoid; }
.curve { max-width: 34rem; } figcaption { font-weight: 600; font-size: .92rem; }
.key { font-size: .8rem; color: var(--soft); margin: 0 0 .6rem; } .key span { margin-right: 1rem; }
.key i { display: inline-block; width: .9rem; height: .5rem; margin-right: .35rem; }
pre { background: var(--code); padding: 1rem; border-radius: 8px; overflow-x: auto; font-size: .85rem; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem; }
.bar, .whisker, .dot, .key i, mark { print-color-adjust: exact; }
@media (max-width: 40rem) {
  .ends { display: none; }
  .bars td:first-child { max-width: 9.5rem; overflow: hidden; text-overflow: ellipsis; }
}
@media (prefers-color-scheme: dark) { svg:not(.map), .key i { filter: invert(.91) hue-rotate(180deg); } }
@media print {
  body { margin: 0; max-width: none; font-size: 11pt; } h2, h3 { break-after: avoid; }
  tr, .card { break-inside: avoid; } details summary { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
UNBROKEN: Final = 22
"""Letters of a cell up to which it stands in one line."""
EAST_ASIAN: Final = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
FONTS: Final = (
    "<p class='note'>Chinese, Japanese and Korean names are shown in the fonts of the machine that reads "
    "this page; one that has none of them shows a box in the place of each letter.</p>"
)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """A page of sections, each a heading and HTML; where a text needs East Asian fonts, the page says so."""
    body = "\n".join(f"<h2>{escape(heading)}</h2>\n{html}" for heading, html in sections)
    if EAST_ASIAN.search(f"{title}{lead}{body}"):
        body += FONTS
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1><p class='lead'>{escape(lead)}</p>\n"
        f"{body}\n</body></html>\n"
    )


def check_place(where: str, path: str | Path) -> None:
    """Refuse a path that no page can be written to, before any work is done for it.

    Raises:
        XbsqlError: its folder is not there, or it is a folder.
    """
    place = Path(path)
    if place.is_dir() or not place.absolute().parent.is_dir():
        why = "it is a folder" if place.is_dir() else "there is no such folder"
        problem = f"page '{errors.shown(path)}' cannot be written ({why})"
        raise errors.invalid(where, problem, "give the path of a file in a folder that exists")


def save(where: str, path: str | Path, text: str) -> None:
    """Write a page into a file, which is replaced.

    Raises:
        XbsqlError: it cannot be written; `where` is the function for which it is.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"page '{errors.shown(path)}' cannot be written ({error.strerror or error})"
        raise errors.invalid(where, problem, "give the path of a file in a folder that exists") from error


def verdict_cards(cards: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Cards of transfers side by side; each a title and the rows of `xb.transfer`."""
    return f"<div class='cards'>{''.join(_card(title, rows) for title, rows in cards)}</div>"


def _card(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    verdict = rows[0]
    name = str(verdict["verdict"])
    arms = "".join(_arm(row) for row in told(rows))
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(verdict))
    head = f"<h3><span>{escape(title)}</span><span class='{name}'>{name}</span></h3>"
    return f"<div class='card'>{head}<table>{arms}</table>{words}</div>"


def _arm(row: Mapping[str, Any]) -> str:
    width = 0.0 if row["value"] is None else 9 * max(0.0, min(1.0, row["value"]))
    bar = f"<span class='bar' style='width:{width:.2f}rem'></span>"
    return f"<tr><td>{escape(row['arm'])}</td><td>{bar}</td><td>{interval(row)}</td></tr>"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as a table."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table class='rows'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def code(text: str) -> str:
    """Program text as it is."""
    return f"<pre>{escape(text)}</pre>"


def _cell(value: object) -> str:
    if isinstance(value, Markup):
        return f"<td>{value}</td>"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return f"<td{' class=long' if len(text) > UNBROKEN else ''}>{escape(text)}</td>"
