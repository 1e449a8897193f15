"""Home markets as if each were the target: what few users of that do not tell, all users of these do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.recommendation.counts import Counts, pooled
from xbsql.recommendation.markets import Markets
from xbsql.recommendation.rankers import part
from xbsql.recommendation.trial import Trial, tried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xbsql.recommendation.histories import Histories

MOST_MARKETS: Final = 4
"""Markets that are rehearsed, those of most users."""

UNITS: Final = 600
"""Users who are tried in each."""

LEAST: Final = 300
"""Users with two items that a market must have to be rehearsed."""


def rehearsed(
    counts: Mapping[str, Counts], histories: Mapping[str, Histories], users: int, fewest: int, seed: int,
    told: Callable[[float], None],
) -> Trial | None:  # fmt: skip
    """Each of several markets in the place of the target, told of as many users as that has.

    The others are its home. Users are tried whether they are told of or not, among the items that the whole
    market has: a target of few users sells more than these have, which its own held-out items do not show.

    Args:
        counts: of each market, over one list of items.
        histories: of the users of each.
        users: how many the target has.
        fewest: see `Counts.of`.
        seed: of what is drawn.
        told: the share that is done.

    Returns:
        Users of all of them, the market as `folds`; None where there are not two markets of enough users.
    """
    size = {name: int((had.lengths > 1).sum()) for name, had in histories.items()}
    large = [name for name in sorted(size, key=lambda name: -size[name]) if size[name] >= LEAST]
    parts: list[Trial] = []
    for at, name in enumerate(large[:MOST_MARKETS] if len(large) > 1 else []):
        home = pooled([of for other, of in counts.items() if other != name])
        markets = Markets.of(Counts.none(len(home)), {"home": home}).with_directions()
        generator = np.random.default_rng([seed, at])
        known = np.sort(generator.permutation(len(histories[name]))[:users])
        found = tried(histories[name], markets, fewest, seed, lambda share: None, counted=known, most=UNITS)
        parts += [] if found is None else [found]
        told((at + 1) / min(len(large), MOST_MARKETS))
    return _joined(parts) if len(parts) > 1 else None


def _joined(parts: list[Trial]) -> Trial:
    """Several trials as one, each a fold of its own."""
    names = parts[0].names
    start = np.cumsum([0, *(int(trial.group.max()) + 1 for trial in parts)])
    return Trial(
        names,
        np.concatenate([part(trial.x, trial.names, names) for trial in parts]),
        np.concatenate([trial.y for trial in parts]),
        np.concatenate([trial.there for trial in parts]),
        np.repeat(np.arange(len(parts)), [len(trial) for trial in parts]),
        np.concatenate([trial.group + first for trial, first in zip(parts, start[:-1], strict=True)]),
    )
