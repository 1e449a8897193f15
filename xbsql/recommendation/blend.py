"""Several orders of the same candidates made one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.metrics.ranking import discounts
from xbsql.recommendation.rankers import part
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Floats
    from xbsql.recommendation.rankers import Ranker


def worth(score: Floats, there: NDArray[np.bool_]) -> Floats:
    """What the place of each candidate is worth, see `discounts`: the common unit of all orders.

    Args:
        score: (n, c), higher comes first; of equal ones the first.
        there: bool (n, c); what is none is worth 0.

    Returns:
        float64 (n, c), 0 .. 1.
    """
    order = np.argsort(np.where(there, -score, np.inf), axis=1, kind="stable")
    place = np.empty(score.shape)
    np.put_along_axis(
        place, order, np.broadcast_to(np.arange(score.shape[1], dtype=float), score.shape), axis=1
    )
    return np.where(there, discounts(place), 0.0)


@restorable("recommendation_blend")
@dataclass(frozen=True)
class Blend:
    """Orders and their weights.

    Attributes:
        members: by the name of the method.
        weights: positive, by the same names; they sum to 1.
    """

    members: Mapping[str, Ranker]
    weights: Mapping[str, float]

    def score(self, x: Floats, names: Sequence[str], there: NDArray[np.bool_]) -> Floats:
        """The weighted worth of the places of each candidate.

        Args:
            x: (n, c, f), see `Markets.features`.
            names: of the features.
            there: bool (n, c), which candidates are any.

        Returns:
            float64 (n, c), 0 .. 1.
        """
        found = np.zeros(there.shape)
        for name, member in self.members.items():
            found += self.weights[name] * worth(member.score(part(x, names, member.reads)), there)
        return found

    def state(self) -> State:
        """As data."""
        parts = {f"member{at}": member.state() for at, member in enumerate(self.members.values())}
        return State(
            "recommendation_blend",
            {"weights": dict(self.weights), "members": list(self.members)},
            parts=parts,
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        members = {
            name: restore(state.parts[f"member{at}"]) for at, name in enumerate(state.config["members"])
        }
        return cls(members, state.config["weights"])
