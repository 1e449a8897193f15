"""A recommender measured on events that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.metrics.ranking import DEEPEST, discounts
from xbsql.metrics.rows import bootstrap_counts, interval
from xbsql.recommendation.events import read_events
from xbsql.recommendation.lengths import NAMES, group_of
from xbsql.recommendation.markets import LENGTH
from xbsql.recommendation.serve import recommended
from xbsql.recommendation.wanted import Wanted

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.tasks.recommend.recommender import Recommender

    Floats = NDArray[np.float64]

DRAWS: Final = 500


def measured(model: Recommender, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
    """What of later events stands among the first ten of all items.

    Each user is recommended ten items of the whole assortment that were not had before; events of items that
    were had before say nothing. Metrics are 'ndcg@10', 'hit@10' (the share of users of whose events one is
    among the ten) and 'recall@10', means over users with a bootstrap interval.

    Args:
        model: with histories.
        table: events; those of unknown users are of newcomers.
        label: the column of items.
        by: 'length': one more group of users for each range of how many items the model knows of them.

    Raises:
        XbsqlError: a column is missing, no new event, another group, a model without histories.
    """
    where = "xb.evaluate"
    if by not in (None, LENGTH):
        problem = f"a recommender is not measured by '{errors.shown(by)}'"
        raise errors.invalid(where, problem, f"leave `by` out, or say '{LENGTH}'")
    import pyarrow as pa

    if not model.keeps:
        raise errors.invalid(where, "the model holds no histories", "ask xb.recommend with `history`")
    events = read_events(where, table, model.columns._replace(item=label, ts=None, weight=None), None)
    place = model.placed(pa.array(events.items, pa.string()))[events.item]
    users = model.known(pa.array(events.users, pa.string()))
    past, width = model.histories.take(users), len(model.items) + 1
    cell = events.user * width + place + 1
    new = ~np.isin(cell, past.user * width + past.item + 1)
    if not new.any():
        raise errors.invalid(where, "no row has an item that its user did not have", "give later events")
    asked, user = np.unique(events.user[new], return_inverse=True)
    found = recommended(model.shelf, model.blend, past.take(asked), Wanted(DEEPEST))
    item = model.shelf.placed(found.item)
    right = np.isin(asked[:, None] * width + item + 1, cell[new]) & (item >= 0)
    count = np.bincount(user)
    gains = discounts(np.arange(float(DEEPEST)))
    ideal = np.cumsum(gains)[np.minimum(count, DEEPEST) - 1]
    metrics = {
        "ndcg@10": (right @ gains[: right.shape[1]]) / ideal,
        "hit@10": right.any(axis=1).astype(float),
        "recall@10": right.sum(axis=1) / count,
    }
    found_rows = [{"group": None, "metric": name, **_over_users(v)} for name, v in metrics.items()]
    if by is None:
        return found_rows
    group = group_of(past.take(asked).lengths)
    return found_rows + [
        {"group": NAMES[at], "metric": name, **_over_users(values[group == at])}
        for at in np.unique(group).tolist()
        for name, values in metrics.items()
    ]


def _over_users(values: Floats) -> dict[str, Any]:
    """The mean and its interval."""
    lo, hi = interval(bootstrap_counts(len(values), DRAWS, 0) @ values / len(values))
    return {"value": float(values.mean()), "lo": lo, "hi": hi, "rows": len(values)}
