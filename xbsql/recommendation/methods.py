"""Ways to order items for users of a market; the engine's candidates for recommendations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.recommendation.markets import ALIKE, ALL, HOME, KINDS, LENGTH, OWN
from xbsql.recommendation.rankers import Weighted, fit_trees, fit_weighted, part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xbsql.engine.candidate import Family
    from xbsql.recommendation.rankers import Ranker
    from xbsql.recommendation.trial import Trial

TREES_LEAST: Final = 300
"""Users who are tried from which on trees are: with fewer they learn them by heart."""

REHEARSED: Final = 4.0
"""Prior weight of what was learnt of home markets in the place of the target."""

FAINT: Final = 1e-3
"""Weight of what is popular where nothing is near."""


@dataclass(frozen=True)
class Method:
    """One way to order items.

    Attributes:
        name: unique, '<what it knows>:<how it orders>'.
        family: what it reuses of other markets; 'target' nothing.
        fit: users with held-out items -> what orders; None: it needs none of them.
        fixed: what orders where nothing has to be learnt of the target's users.
        prior: weight relative to the other methods before any evidence.
        pooled: True for the one that stands as the arm 'pooled' in the verdict.
    """

    name: str
    family: Family
    fit: Callable[[Trial], Ranker] | None = None
    fixed: Ranker | None = None
    prior: float = 1.0
    pooled: bool = False

    def ranker(self, trial: Trial | None) -> Ranker:
        """What orders, learnt from these users.

        Raises:
            ValueError: there are none, and it must be learnt.
        """
        if self.fixed is not None:
            return self.fixed
        if self.fit is None or trial is None:
            raise ValueError(self.name)
        return self.fit(trial)


def neighbours(view: str) -> Weighted:
    """What is near to what the user has, then what is popular."""
    return Weighted((f"{view} near", f"{view} popular"), np.array([1.0, FAINT]))


def popularity(view: str) -> Weighted:
    """What many have."""
    return Weighted((f"{view} popular",), np.ones(1))


def methods(
    names: Sequence[str], home: Mapping[str, Ranker], seed: int, units: int, *, learn: bool,
    rehearsal: Trial | None = None,
) -> list[Method]:  # fmt: skip
    """The methods that serve a market.

    Args:
        names: of the features, see `Markets`.
        home: what orders at home, by the name of its method.
        seed: of the trees.
        units: users who can be tried.
        learn: whether they are enough to learn from.
        rehearsal: users of other markets, see `rehearsed`; None: there are none.
    """
    own = tuple(name for name in names if name.startswith(f"{OWN} ") or name == LENGTH)
    found = [
        Method("own:popularity", "target", fixed=popularity(OWN), prior=0.5),
        Method("own:neighbours", "target", fixed=neighbours(OWN)),
    ]
    if learn:
        found += _learnt("own", "target", own, seed, units)
    if f"{HOME} near" not in names:
        return found
    found += [
        Method("home:popularity", "source", fixed=popularity(HOME), prior=0.2),
        Method("home:neighbours", "source", fixed=neighbours(HOME)),
        Method("pooled:neighbours", "instance", fixed=neighbours(ALL), prior=2.0, pooled=True),
    ]
    if learn:
        plain = tuple(name for name in names if name not in ALIKE)
        found += _learnt("features", "feature", plain, seed, units)
    if rehearsal is not None:
        for method in _learnt("rehearsed", "parameter", rehearsal.names, seed, rehearsal.users):
            found.append(replace(method, fixed=method.ranker(rehearsal), prior=REHEARSED))
    for name, ranker in home.items():
        kind = name.partition(":")[2]
        found += [
            Method(f"home:{kind}", "source", fixed=ranker.reading(_called(HOME)), prior=1.0),
            Method(f"carried:{kind}", "parameter", fixed=ranker.reading(_called(ALL)), prior=2.0),
        ]
    return found


def _learnt(knows: str, family: Family, reads: tuple[str, ...], seed: int, units: int) -> list[Method]:
    """What is learnt from held-out items."""

    def weighted(trial: Trial) -> Ranker:
        kept = tuple(name for name in reads if name != LENGTH)  # it is the same for all candidates of a user
        return fit_weighted(part(trial.x, trial.names, kept), trial.y, kept)

    def trees(trial: Trial) -> Ranker:
        return fit_trees(part(trial.x, trial.names, reads), trial.y, reads, seed)

    found = [Method(f"{knows}:weighted", family, fit=weighted)]
    return found + [Method(f"{knows}:trees", family, fit=trees)] * (units >= TREES_LEAST)


def _called(view: str) -> dict[str, str]:
    """The features of another view by the names that they have at home."""
    return {f"{OWN} {kind}": f"{view} {kind}" for kind in KINDS}


def own_only(rankers: Mapping[str, Ranker]) -> dict[str, Ranker]:
    """What was learnt of a market alone: what another market can ask of its own counts."""
    known = {*(f"{OWN} {kind}" for kind in KINDS), LENGTH}
    learnt = (name for name in rankers if name.endswith((":weighted", ":trees")))
    return {name: rankers[name] for name in learnt if set(rankers[name].reads) <= known}
