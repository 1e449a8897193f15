"""How many labels a market's model still needs, by its label curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql import errors
from xbsql.decisions.columns import markets_in, numbers
from xbsql.features.roles import as_text

if TYPE_CHECKING:
    import pyarrow as pa

NEEDED = ("market", "labels", "arm", "value")


def labels_needed(where: str, curves: pa.Table, goal: float | None) -> dict[str, int | None]:
    """The fewest labels with which each market's model reaches a score.

    Args:
        where: the function, for errors.
        curves: what `xb.label_curve` gave, with a column `market`; the blend counts, else the target alone.
        goal: the score.

    Returns:
        By market; None where no size of the curve reaches the score.

    Raises:
        XbsqlError: a column is missing, or no goal is given.
    """
    for name in NEEDED:
        if name not in curves.column_names:
            raise errors.unknown(where, "column of curves", name, curves.column_names, place="it has")
    if goal is None:
        raise errors.invalid(
            where, "curves are given and no goal", "say the score a model must reach: goal := 0.8"
        )
    names, place = markets_in(where, curves, "market")
    arm, labels, value = (
        as_text(curves["arm"]).to_pylist(),
        *(numbers(where, curves, c) for c in NEEDED[1::2]),
    )
    found: dict[str, int | None] = {}
    for at, name in enumerate(names):
        rows = [row for row in range(len(arm)) if place[row] == at]
        kept = [r for r in rows if arm[r] != "target only"] or rows
        enough = [int(labels[row]) for row in kept if value[row] >= goal]
        found[name] = min(enough, default=None)
    return found
