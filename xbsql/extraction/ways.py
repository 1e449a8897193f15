"""The ways to find values as the engine sees them, and what there is to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.engine.objective import Objective
from xbsql.extraction.scoring import slot_f1
from xbsql.extraction.spans import MOST
from xbsql.metrics.rows import log_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Family
    from xbsql.engine.candidates.boosted import BoostedPredictor
    from xbsql.extraction.finder import Finder
    from xbsql.extraction.meaning import Meaning
    from xbsql.extraction.sheet import Sheet

    Ints = NDArray[np.int64]

OBJECTIVE: Final = Objective("f1", MOST + 2, log_loss, slot_f1, mixes=True)


class Entrant(NamedTuple):
    """A way as the engine sees it, see `xbsql.engine.candidate.Entry`."""

    name: str
    family: Family
    prior: float
    pooled: bool = False


ENTRANTS: Final = (
    Entrant("target", "target", 1.0),
    Entrant("home", "source", 0.5),
    Entrant("pooled_titles", "instance", 0.5, pooled=True),
    Entrant("home_score", "feature", 1.0),
    Entrant("home_judge", "parameter", 0.5),
)


@dataclass(frozen=True)
class Known:
    """What there is to learn from.

    Attributes:
        sheet: the labelled titles; may be empty where there is a home.
        kinds: uint64 (G,), ascending: kinds of titles; empty where titles have none.
        likely: bool (G, A): attributes that titles of a kind have.
        seed: of folds and resamples.
        home: the home market's finder, or None.
        place: int64 (A,): which of its attributes one of ours is; -1 for none.
        beside: home's titles under our names, or None.
        meaning: of the words of all the target's titles.
        hidden: bool (A,), see `Finder`; None for none.
    """

    sheet: Sheet
    kinds: NDArray[np.uint64]
    likely: NDArray[np.bool_]
    seed: int
    home: Finder | None
    place: Ints
    beside: Sheet | None
    meaning: Meaning
    hidden: NDArray[np.bool_] | None = None

    def ways(self) -> list[Entrant]:
        """What can be tried."""
        named = {"target"} if len(self.sheet.titles) else set()
        if self.home is not None:
            named |= {"home"}
            if len(self.sheet.titles):
                named |= {"home_score", *(["home_judge"] if self.judge is not None else [])}
                named |= {"pooled_titles"} if self.beside is not None else set()
        return [each for each in ENTRANTS if each.name in named]

    def asks(self) -> list[Ints]:
        """The attributes that each labelled title may have."""
        everything = np.arange(len(self.sheet.names))
        if self.hidden is not None:
            everything = everything[~self.hidden]
        if not len(self.kinds):
            return [everything] * len(self.sheet.titles)
        each = [np.flatnonzero(row) for row in self.likely]
        place = np.searchsorted(self.kinds, self.sheet.titles.group)
        return [each[at] for at in place.tolist()]

    @property
    def independent(self) -> int:
        """How many labelled titles there are that do not repeat one another."""
        return len(np.unique(self.sheet.cluster))

    @property
    def judge(self) -> BoostedPredictor | None:
        """Home's own judge of its own titles; it knows no name of an attribute, so it serves any."""
        return None if self.home is None else self.home.judges.get("target")
