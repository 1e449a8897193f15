"""One short row that a person reads: does the transfer help, by how much, on how many labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.session.session import Session

MOST_SAVED = 2
"""Times the labels at hand from which on labels saved are so many or more."""

SHORT = {"balanced_accuracy": "bal. accuracy"}
"""Metrics whose names are too long for a terminal of 80 columns."""


def verdict(session: Session, reference: str) -> list[dict[str, Any]]:
    """The row of a model, fitted or transferred.

    Raises:
        XbsqlError: no such model, or it is broken.
    """
    return [row_of(session.store.artifact("xb.verdict", reference).card)]


def row_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """The same of what a version says of itself."""
    if "verdict" in card:
        return _transferred(card["verdict"])
    first: Mapping[str, Any] = next(iter(card.get("report", [])), {})
    metric = first.get("metric")
    row = {"verdict": "HOME MODEL", "metric": SHORT.get(metric or "", metric)}
    return {**row, "score": _short(first.get("value")), "labels": str(card.get("rows", 0))}


def _transferred(card: Mapping[str, Any]) -> dict[str, Any]:
    arms = {arm["name"]: arm["value"] for arm in card["arms"]}
    gain = None
    if card["gain"] is not None:
        lo, hi = (_short(card[end]) for end in ("gain_lo", "gain_hi"))
        gain = f"{_short(card['gain'], signed=True)} [{lo}, {hi}]"
    return {
        "verdict": card["verdict"], "metric": SHORT.get(card["metric"], card["metric"]),
        "score": _short(arms.get("blend", arms.get("ESTIMATED"))), "gain": gain,
        "labels": f"{card['labels']}{_saved(card)}",
    }  # fmt: skip


def _saved(card: Mapping[str, Any]) -> str:
    """What the source stands for, in labels."""
    saved = card.get("labels_saved")
    if saved is None or saved < 1:
        return ""
    most = MOST_SAVED * max(card["labels"], 1)
    return f", saves {'>' if saved >= most else ''}{saved:.0f}"


def _short(value: float | None, *, signed: bool = False) -> str | None:
    """'.812', '-1.2', '12'; with a sign '+.012'."""
    if value is None:
        return None
    digits = 3 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
