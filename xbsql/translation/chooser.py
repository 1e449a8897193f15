"""Which proposal is best, and how good it will be: expected chrF, learnt from pairs that were held out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.boosted import Boosted, BoostedPredictor
from xbsql.engine.design import Layout
from xbsql.features.views import Features
from xbsql.store.model import State, restorable, restore
from xbsql.translation.alien import alien
from xbsql.translation.proposals import ORIGINS
from xbsql.translation.words import is_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.translation.proposals import Asked, Proposal, Proposer

    Floats = NDArray[np.float64]

NAMES: Final = (
    "cosine", "language", "length", "copied", "agreement", "covered", "covered_back", "ways", "words",
    "source_words", "known", "remembered", "cosine_behind", "language_behind", "alien", "alike", "votes",
    "attested", "usual", "least_usual", "unheard", *ORIGINS,
)  # fmt: skip
"""What is known of a proposal."""
LATER: Final = ("alike", "votes", "attested", "usual", "least_usual", "unheard")
BEFORE: Final = tuple(name for name in NAMES if name not in LATER)
"""What choosers knew that were stored without saying it."""
ALIEN: Final = NAMES.index("alien")
ROUNDS, LEAVES, RATE = 180, 8, 0.05


def features(
    asked: Sequence[Asked],
    found: Sequence[Sequence[Proposal]],
    vectors: NDArray[np.float32],
    proposer: Proposer,
) -> Floats:
    """What speaks for each proposal, text after text: float64 (proposals, features), NaN where unknown."""
    known = {one.known: vector for one, vector in zip(asked, vectors, strict=True)}
    said = dict.fromkeys(each.text for several in found for each in several if each.text not in known)
    known |= dict(zip(said, proposer.encode(list(said)), strict=True)) if said else {}
    rows = []
    told = proposer.attested(vectors, found)
    for one, several, vector, attested in zip(asked, found, vectors, told, strict=True):
        cosine = np.array([known[each.text] @ vector for each in several], np.float32)
        rows.append(_rows(one, several, cosine, attested, proposer))
    return np.concatenate(rows) if rows else np.empty((0, len(NAMES)))


def _rows(
    one: Asked,
    several: Sequence[Proposal],
    cosine: NDArray[np.float32],
    attested: Sequence[float],
    proposer: Proposer,
) -> Floats:
    forms = [form for form in one.words.forms if is_word(form)]
    there = set(forms)
    known = sum(form in proposer.lexicon.table for form in forms) / max(len(forms), 1)
    agreement = _agreement([_grams(each.text) for each in several])
    near = max((each.origins.get("memory", 0.0) for each in several), default=0.0)
    found = []
    for place, each in enumerate(several):
        own = [form for form in each.words.forms if is_word(form)]
        found.append([
            float(cosine[place]),
            proposer.language.per_word(each.words.forms),
            np.log((len(each.text) + 1) / (len(one.known) + 1)),
            sum(form in there for form in own) / max(len(own), 1),
            agreement[place],
            proposer.lexicon.covered(forms, each.words.forms),
            proposer.backwards.covered(own, one.words.forms),
            float(len(each.origins)),
            float(len(own)),
            float(len(forms)),
            known,
            near,
            0.0,
            0.0,
            alien(one.words.forms, each.words.forms, proposer.lexicon, proposer.backwards),
            each.alike,
            float(each.votes),
            attested[place],
            *_usual(own, proposer),
            *(each.origins.get(name, np.nan) for name in ORIGINS),
        ])  # fmt: skip
    rows = np.array(found, np.float64).reshape(len(several), len(NAMES))
    if len(rows):
        rows[:, 12] = rows[:, 0] - rows[:, 0].max()
        rows[:, 13] = rows[:, 1] - rows[:, 1].max()
    return rows


def _usual(own: Sequence[str], proposer: Proposer) -> tuple[float, float, float]:
    """How often the target market writes the words: mean and least log count, and how many never."""
    if not own:
        return 0.0, 0.0, 0.0
    logs = [proposer.heard(form) for form in own]
    return sum(logs) / len(logs), min(logs), logs.count(0.0) / len(logs)


def _grams(text: str) -> frozenset[str]:
    bare = f" {text.lower()} "
    return frozenset(bare[i : i + 3] for i in range(len(bare) - 2))


def _agreement(grams: Sequence[frozenset[str]]) -> list[float]:
    """How alike each text is to the others, in the mean (Dice), from their trigrams of letters."""
    alike = [[0.0] * len(grams) for _ in grams]
    for (i, one), (k, other) in itertools.combinations(enumerate(grams), 2):
        alike[i][k] = alike[k][i] = 2.0 * len(one & other) / max(len(one) + len(other), 1)
    return [sum(row) / max(len(grams) - 1, 1) for row in alike]


@restorable("translation_chooser")
@dataclass(frozen=True)
class Chooser:
    """Expected chrF of proposals.

    Attributes:
        trees: learnt; None where there was nothing to learn from: a fixed sum then.
        line: of the chosen one's expectation, (constant, slope): the best of several was likely overrated.
        names: what the trees know of a proposal, of `NAMES`.
    """

    trees: BoostedPredictor | None = None
    line: tuple[float, float] = (0.0, 1.0)
    names: tuple[str, ...] = NAMES

    @classmethod
    def learned(cls, x: Floats, y: Floats, seed: int = 0) -> Self:
        """From proposals and their chrF, 0 .. 100."""
        learner = Boosted(Layout(("table",)), None, rounds=ROUNDS, leaves=LEAVES, rate=RATE, seed=seed)
        return cls(learner.fit(Sample(Features({"table": x}), y)))

    def expected(self, x: Floats) -> Floats:
        """Expected chrF of each proposal, 0 .. 100."""
        if not len(x):
            return np.empty(0)
        if self.trees is None:
            total = 55.0 * x[:, 0] + 25.0 * x[:, 4] + 15.0 * x[:, 5] + 10.0 * x[:, 6] - 15.0 * x[:, 3]
            return np.clip(total, 0.0, 100.0)
        known = x if self.names == NAMES else x[:, [NAMES.index(name) for name in self.names]]
        said = np.clip(self.trees.predict(Features({"table": known})), 0.0, 100.0)
        return np.asarray(said * (1.0 - x[:, ALIEN]) ** 2)

    def score(self, expected: Floats) -> Floats:
        """What is said of the chosen one."""
        return np.clip(self.line[0] + self.line[1] * expected, 0.0, 100.0)

    def state(self) -> State:
        """The chooser as data."""
        parts = {} if self.trees is None else {"trees": self.trees.state()}
        config = {"line": list(self.line), "names": list(self.names)}
        return State("translation_chooser", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The chooser again."""
        trees = restore(state.parts["trees"]) if "trees" in state.parts else None
        line = float(state.config["line"][0]), float(state.config["line"][1])
        return cls(trees, line, tuple(state.config.get("names", BEFORE)))


def chosen(expected: Floats, sizes: Sequence[int]) -> list[int]:
    """The place of each text's best proposal among all, -1 where it has none."""
    found, start = [], 0
    for size in sizes:
        found.append(start + int(expected[start : start + size].argmax()) if size else -1)
        start += size
    return found
