"""The verdict card: what `xb.transfer` returned, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xbsql.session.verdict import MOST_SAVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BAR = 24


def card(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of one transfer as text: a bar an arm, the gain, the labels saved, one sentence.

    Args:
        title: e.g. 'Germany, 100 labels'.
        rows: as returned by `xb.transfer`, one an arm.
    """
    verdict = rows[0]
    head = f"{title}  ->  {verdict['verdict']}"
    lines = [head if verdict["basis"] == "evidence" else f"{head} (prior: too few labels to measure)"]
    shown = told(rows)
    width = max([12, *(len(row["arm"]) for row in shown)])
    lines += [_arm(row, width) for row in shown]
    return "\n".join([*lines, *(f"  {sentence}" for sentence in sentences(verdict))])


def told(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The arms that are shown: all where the gain was measured, else what was ESTIMATED."""
    return [row for row in rows if row["gain"] is not None or row["arm"].startswith("ESTIMATED")]


def sentences(verdict: Mapping[str, Any]) -> list[str]:
    """The verdict in words: the reason, how many labels the source stands for, the candidates' weights."""
    lines = [str(verdict["reason"])]
    if verdict["basis"] == "prior":
        lines.append("30 labelled rows or more would have it measured")
    saved = verdict["labels_saved"]
    if saved is not None and saved >= 1:
        how = "more than" if saved >= MOST_SAVED * verdict.get("labels", saved) else "about"
        lines.append(f"the target alone would need {how} {saved:,.0f} more labels for that")
    if verdict.get("weights"):
        lines.append(f"weights: {verdict['weights']}")
    return [*lines, *([verdict["note"]] if verdict["note"] else [])]


def interval(row: Mapping[str, Any]) -> str:
    """'.812 [.751, .866]', or a dash where nothing was measured."""
    if row["value"] is None:
        return "-"
    if row["lo"] is None:
        return f"{row['value']:.3f}"
    return f"{row['value']:.3f} [{row['lo']:.3f}, {row['hi']:.3f}]"


def _arm(row: Mapping[str, Any], width: int) -> str:
    full = 0 if row["value"] is None else round(max(0.0, min(1.0, row["value"])) * BAR)
    return f"  {row['arm']:<{width}} {'#' * full:<{BAR}} {interval(row)}"
