"""What is known of items: the counts of a market itself, those of other markets, and all together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.recommendation.counts import Counts, pooled
from xbsql.recommendation.spectrum import directions
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Floats, Places, Singles
    from xbsql.recommendation.titles import Lent

BORROWED: Final = 50.0
"""Users that the other markets count for in what is popular."""

OWN, HOME, ALL = "own", "home", "all"
"""Views: the market itself, the other markets, both."""

KINDS: Final = ("near", "nearest", "popular")
"""What each view says of a candidate."""

LEAN: Final = ("near", "popular")
"""What each single one of several other markets says: `home nearest` has it of all of them."""

LENGTH: Final = "length"

ALIKE: Final = (f"{ALL} alike", f"{ALL} alikest")
"""What the directions of all markets together say of a candidate, see `likeness`."""


@restorable("recommendation_markets")
@dataclass(frozen=True)
class Markets:
    """Counts of several markets over one list of items.

    Attributes:
        own: of the market that is recommended to.
        others: of the other markets, by name.
        home: of the other markets together; None where there are none.
        lent: what items that nobody has borrow of others with like titles; None: nothing.
        directed: whether items have directions; there are other markets then.
        kept: the directions, where they were made already.
    """

    own: Counts
    others: Mapping[str, Counts]
    home: Counts | None = None
    lent: Lent | None = None
    directed: bool = False
    kept: Singles | None = None

    @classmethod
    def of(cls, own: Counts, others: Mapping[str, Counts], lent: Lent | None = None) -> Self:
        """One market and others."""
        return cls(own, others, pooled(list(others.values())) if others else None, lent)

    def with_own(self, own: Counts) -> Markets:
        """The same other markets beside other counts of the own one; directions are made anew."""
        return replace(self, own=own, kept=None)

    def with_directions(self, kept: Singles | None = None) -> Markets:
        """The same, where items have these directions, or those of the counts; there are other markets."""
        return replace(self, directed=True, kept=kept)

    @cached_property
    def direction(self) -> Singles:
        """Where each item lies by what all markets have it with, see `directions`."""
        return directions(self.views[ALL]) if self.kept is None else self.kept

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.own)

    @cached_property
    def views(self) -> Mapping[str, Counts]:
        """The counts that items are scored by: own, home and all of it, and each of several other markets."""
        found = {OWN: self.own}
        if self.home is not None:
            found |= {HOME: self.home, ALL: self.own.plus(self.home)}
        if len(self.others) > 1:
            found |= {f"in {name}": counts for name, counts in self.others.items()}
        lent = self._lent
        return found if lent is None else {name: lent.given(counts) for name, counts in found.items()}

    @cached_property
    def _lent(self) -> Lent | None:
        """What is lent, without what goes to items that somebody has by now."""
        if self.lent is None:
            return None
        return self.lent.without(self.had)

    @cached_property
    def had(self) -> NDArray[np.bool_]:
        """Which items somebody has in any of the markets; bool (items,)."""
        return (self.own.buyers > 0) | (False if self.home is None else self.home.buyers > 0)

    @cached_property
    def offered(self) -> Places:
        """What the market sells: what somebody there has, and items that are known by their titles alone."""
        own = self.own.buyers > 0
        if self._lent is not None:
            own[self._lent.to] = True
        return np.flatnonzero(own)

    @property
    def widest(self) -> Counts:
        """The counts that know most."""
        return self.views.get(ALL, self.views[OWN])

    @cached_property
    def popular(self) -> Floats:
        """The share of users who have each item, home's counted as of a few users; float64 (items,)."""
        own = self.own
        if self.home is None:
            return np.asarray(own.buyers / max(own.users, 1.0))
        share = self.home.buyers / max(self.home.users, 1.0)
        return np.asarray((own.buyers + BORROWED * share) / (own.users + BORROWED))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        several = (f"{view} {kind}" for view in (OWN, HOME, ALL) if view in self.views for kind in KINDS)
        single = (f"{view} {kind}" for view in self.views if view not in (OWN, HOME, ALL) for kind in LEAN)
        return (*several, *single, *(ALIKE if self.directed else ()), LENGTH)

    def state(self) -> State:
        """As data."""
        parts = {f"other{at}": counts.state() for at, counts in enumerate(self.others.values())}
        parts = {"own": self.own.state(), **parts, **({"lent": self.lent.state()} if self.lent else {})}
        arrays = {"direction": self.direction} if self.directed else {}
        return State("recommendation_markets", {"others": list(self.others)}, arrays, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Again."""
        names = state.config["others"]
        found = cls.of(
            restore(state.parts["own"]),
            {name: restore(state.parts[f"other{at}"]) for at, name in enumerate(names)},
            restore(state.parts["lent"]) if "lent" in state.parts else None,
        )
        kept = state.arrays.get("direction")
        return replace(found, directed=kept is not None, kept=kept)  # type: ignore[arg-type]
