"""A sample sheet: titles with the values that were found in them marked."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from xbsql.pages.page import page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLOURS = ("#cfe8dc", "#d9e2f7", "#f7e3c5", "#f3d3d3", "#e5d9f2", "#d5eef2", "#ecebcb", "#e3e5e8")


def sample_sheet(rows: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]], lead: str = "") -> str:
    """A page of titles, each value in the colour of its attribute.

    Args:
        rows: titles, each with what `xb.extract` says of it. Of values that overlap the longer one is marked,
            and all are listed beside the title.
        lead: one line below the heading.

    Returns:
        HTML.
    """
    names = sorted({name for _, found in rows for name in found})
    colour = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
    key = " ".join(_mark(name, colour[name], name) for name in names)
    body = "".join(_row(title, found, colour) for title, found in rows)
    head = "<tr><th>title</th><th>values</th></tr>"
    return page("Values in titles", lead, [("Attributes", key), ("Titles", f"<table>{head}{body}</table>")])


def _row(title: str, found: Mapping[str, Mapping[str, Any]], colour: Mapping[str, str]) -> str:
    listed = "<br>".join(_said(name, answer) for name, answer in sorted(found.items()))
    return f"<tr><td>{_marked(title, found, colour)}</td><td>{listed}</td></tr>"


def _said(name: str, answer: Mapping[str, Any]) -> str:
    form = f" = {answer['canonical']}" if answer["canonical"] else ""
    return f"{escape(name)}: {escape(answer['value'] + form)} ({answer['score']:.2f})"


def _marked(title: str, found: Mapping[str, Mapping[str, Any]], colour: Mapping[str, str]) -> str:
    """The title with its values marked."""
    spans = [(answer["start"] - 1, answer["stop"], name) for name, answer in found.items()]
    kept: list[tuple[int, int, str]] = []
    for start, stop, name in sorted(spans, key=lambda each: (each[0] - each[1], each)):
        if all(stop <= a or start >= b for a, b, _ in kept):
            kept.append((start, stop, name))
    parts, at = [], 0
    for start, stop, name in sorted(kept):
        parts += [escape(title[at:start]), _mark(title[start:stop], colour[name], name)]
        at = stop
    return "".join([*parts, escape(title[at:])])


def _mark(text: str, colour: str, name: str) -> str:
    return f"<mark style='background:{colour}' title='{escape(name, quote=True)}'>{escape(text)}</mark>"
