"""The fitted thing: several ways to find values, and what the answer of each weighs for each attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.extraction.answers import Answers, mixed
from xbsql.extraction.rehearsal import judged, widened
from xbsql.extraction.sheet import Queries
from xbsql.extraction.spans import Witnesses, looked_up
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidates.boosted import BoostedPredictor
    from xbsql.extraction.spans import Candidates
    from xbsql.extraction.titles import Titles

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Table = NDArray[np.float32]

OWN, POOLED = "own", "pooled"
"""Witnesses: fitted on the target's titles; on these and home's."""


class Way(NamedTuple):
    """How values are found.

    Attributes:
        witnesses: whose candidates are weighed; '' leaves the answer to home.
        helped: whether the judge looks at home's answers.
    """

    witnesses: str
    helped: bool = False


WAYS: Final[Mapping[str, Way]] = {
    "target": Way(OWN),
    "home": Way(""),
    "pooled_titles": Way(POOLED),
    "home_score": Way(OWN, helped=True),
    "home_judge": Way(OWN),
}


@restorable("finder")
@dataclass(frozen=True)
class Finder:
    """Titles and questions in, answers out.

    Attributes:
        names: of attributes, A of them.
        witnesses: by name.
        judges: by way; None leaves the answer to the tagger.
        weights: by way, float64 (A,); of each attribute they sum to 1.
        home: the home market's finder; None where no way needs it.
        place: int64 (A,): which of home's attributes one of ours is; -1 for none.
        least: probabilities from which on an answer is given where the attribute is asked for, and where not.
        kinds: uint64 (G,), ascending: kinds of titles that are known.
        likely: bool (G, A): attributes that titles of a kind have.
        hidden: bool (A,): attributes of home that go on under another name. They are answered where they are
            asked for by their own one, and listed nowhere; None for none.
    """

    names: tuple[str, ...]
    witnesses: Mapping[str, Witnesses]
    judges: Mapping[str, BoostedPredictor | None]
    weights: Mapping[str, Floats]
    home: Finder | None
    place: Ints
    least: tuple[float, float]
    kinds: NDArray[np.uint64]
    likely: NDArray[np.bool_]
    hidden: NDArray[np.bool_] | None = None

    @property
    def listed(self) -> list[str]:
        """The names of the attributes that titles are asked for."""
        return [self.names[at] for at in self._listed.tolist()]

    @property
    def _listed(self) -> Ints:
        everything = np.arange(len(self.names))
        return everything if self.hidden is None else everything[~self.hidden]

    def answers(self, titles: Titles, queries: Queries) -> Answers:
        """How likely each candidate is the answer, all ways together."""
        parts, shares = [], []
        theirs = None if self.home is None else at_home(self.home, self.place, titles, queries)
        for name, witnesses in self.witnesses.items():
            found, table = looked_up(witnesses, titles, queries)
            for way, weight in self.weights.items():
                if WAYS[way].witnesses == name:
                    beside = helped(theirs, self.place, queries, found) if WAYS[way].helped else None
                    score = judged(self.judges[way], widened(table, beside))
                    parts.append(Answers(found.query, found.layer, found.word, found.value, score))
                    shares.append(weight[queries.attribute])
        if theirs is not None and "home" in self.weights:
            parts.append(theirs)
            shares.append(self.weights["home"][queries.attribute])
        return parts[0] if len(parts) == 1 else mixed(parts, shares)

    def bars(self, queries: Queries) -> Floats:
        """The probability from which on each query is answered: home's where the answer is home's alone."""
        own = np.where(queries.asked, *self.least)
        if self.home is None or "home" not in self.weights:
            return own
        theirs = self.place[queries.attribute]
        alone = (self.weights["home"][queries.attribute] == 1) & (theirs >= 0)
        return np.where(alone, self.home.bars(queries._replace(attribute=theirs)), own)

    def asks(self, titles: Titles) -> list[Ints]:
        """The attributes that each title may have: those of its kind, or all where its kind is not known."""
        everything = self._listed
        if not len(self.kinds):
            return [everything] * len(titles)
        kinds, place = np.unique(titles.group, return_inverse=True)
        at = np.minimum(np.searchsorted(self.kinds, kinds), len(self.kinds) - 1)
        known = self.kinds[at] == kinds
        each = [np.flatnonzero(self.likely[k]) if ok else everything for k, ok in zip(at, known, strict=True)]
        return [each[k] for k in place.tolist()]

    def knows(self, titles: Titles) -> NDArray[np.bool_]:
        """Which titles it, or its own home, was fitted on; bool (n,)."""
        found = np.zeros(len(titles), bool) if self.home is None else self.home.knows(titles)
        for witnesses in self.witnesses.values():
            found = found | (witnesses.neighbours.near(titles).weight.max(axis=1, initial=0.0) > SAME)
        return found

    def state(self) -> State:
        """The finder as data."""
        ways = list(self.weights)
        parts = {f"witnesses_{name}": each.state() for name, each in self.witnesses.items()}
        parts |= {f"judge_{way}": judge.state() for way, judge in self.judges.items() if judge is not None}
        if self.home is not None:
            parts["home"] = self.home.state()
        config = {
            "names": list(self.names), "witnesses": list(self.witnesses), "ways": ways,
            "least": list(self.least),
        }  # fmt: skip
        weights = np.stack([self.weights[way] for way in ways])
        arrays: dict[str, NDArray[np.generic]] = {
            "weights": weights, "place": self.place, "kinds": self.kinds.view(np.int64),
            "likely": self.likely.astype(np.uint8),
        }  # fmt: skip
        if self.hidden is not None:
            arrays["hidden"] = self.hidden.astype(np.uint8)
        return State("finder", config, arrays, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The finder again."""
        config, arrays, parts = state.config, state.arrays, state.parts
        ways = config["ways"]
        judges = {way: restore(parts[f"judge_{way}"]) if f"judge_{way}" in parts else None for way in ways}
        return cls(
            tuple(config["names"]),
            {name: restore(parts[f"witnesses_{name}"]) for name in config["witnesses"]},
            judges,
            dict(zip(ways, np.asarray(arrays["weights"], np.float64), strict=True)),
            restore(parts["home"]) if "home" in parts else None,
            np.asarray(arrays["place"], np.int64),
            (float(config["least"][0]), float(config["least"][1])),
            arrays["kinds"].view(np.uint64),
            arrays["likely"].astype(bool),
            arrays["hidden"].astype(bool) if "hidden" in arrays else None,
        )


SAME: Final = 0.999
"""Likeness from which on two titles are one."""


def at_home(home: Finder, place: Ints, titles: Titles, queries: Queries) -> Answers:
    """Home's answers to our questions, as far as it understands them.

    Args:
        home: its finder.
        place: int64 (A,): which of its attributes one of ours is; -1 for none.
        titles: n titles.
        queries: of these, in our numbers.
    """
    theirs = place[queries.attribute]
    kept = np.flatnonzero(theirs >= 0)
    asked = Queries(queries.title[kept], theirs[kept], queries.asked[kept])
    found = home.answers(titles, asked)
    return found._replace(query=kept[found.query])


def helped(theirs: Answers | None, place: Ints, queries: Queries, found: Candidates) -> Table:
    """What home says of each candidate: how likely, how likely its own best one, whether it was asked."""
    if theirs is None:
        return np.zeros((len(found.query), 3), np.float32)
    score = theirs.of(found.query, found.layer, found.word)
    best = theirs.best(len(queries.title))[found.query]
    known = place[queries.attribute[found.query]] >= 0
    return np.stack([score, best, known], axis=1).astype(np.float32)
