"""From labelled titles and what home knows to a finder: ways, evidence, blend and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.decision import decided, undecided
from xbsql.engine.evidence import of_units
from xbsql.engine.folds import FEWEST_LABELS
from xbsql.engine.verdict import UNMEASURED
from xbsql.extraction.answers import Answers, mixed
from xbsql.extraction.finder import POOLED, WAYS, Finder, at_home, helped
from xbsql.extraction.rehearsal import Rehearsal, fit_judge
from xbsql.extraction.scoring import ANSWERED, Outcome, tuned
from xbsql.extraction.spans import fit_witnesses
from xbsql.extraction.trials import Tried, by_attribute, evidence_of, tried_ways
from xbsql.extraction.ways import OBJECTIVE
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidates.boosted import BoostedPredictor
    from xbsql.engine.verdict import Verdict
    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.spans import Witnesses
    from xbsql.extraction.ways import Entrant, Known
    from xbsql.progress import Progress

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LEAST_TITLES: Final = 12
"""Independent labelled titles from which on a judge learns; with fewer the tagger answers."""


@dataclass(frozen=True)
class Carried:
    """What came out.

    Attributes:
        finder: what is delivered.
        weights: every way's weight by name; they sum to 1.
        verdict: whether home helped.
        outcome: what the blend answered to held-out titles, asked for an attribute or not, by query; None
            where there were too few.
        asked: bool (q,): which queries somebody asked.
        attribute: int64 (q,).
        gains: by attribute, F1 of the blend less that of the target alone with standard errors, where both
            are known.
    """

    finder: Finder
    weights: Mapping[str, float]
    verdict: Verdict
    outcome: Outcome | None
    asked: NDArray[np.bool_]
    attribute: Ints
    gains: Mapping[int, tuple[float, float]]

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes behind those of the verdict."""
        return replace(self, verdict=self.verdict.noted(notes))


def carry(known: Known, chosen: Sequence[Entrant], progress: Progress) -> Carried:
    """Try the ways on titles that they do not know, weigh them, and fit those that have weight.

    Args:
        known: what there is to learn from.
        chosen: some of `known.ways()`, those of the family 'target' among them where there are labels.
        progress: told the share done, 0 to 1, and what was fitted.
    """
    names = [each.name for each in chosen]
    step = _Step(progress, 12 if "pooled_titles" in names else 6)
    tried = tried_ways(known, names, step) if known.independent >= LEAST_TITLES else None
    evidence, rows = (None, np.zeros(0, np.int64)) if tried is None else evidence_of(known, chosen, tried)
    source = known.home is not None
    if evidence is None:
        own = min(1.0, known.independent / 30)
        decision = undecided(chosen, _units(known.sheet), OBJECTIVE, own, source=source)
        if known.independent >= FEWEST_LABELS:
            decision = decision._replace(verdict=replace(decision.verdict, reason=_untold(len(rows))))
    else:
        decision = decided(chosen, evidence, OBJECTIVE, known.seed)
        decision = decision._replace(verdict=_said(decision.verdict, known.sheet))
    weights = by_attribute(known, chosen, decision.weights, evidence, rows, tried)
    finder = _fitted(known, tried, weights, step)
    if tried is None:
        nothing = np.zeros(0, np.int64)
        return Carried(finder, decision.weights, decision.verdict, None, nothing > 0, nothing, {})
    queries = tried.rehearsal.queries
    blend = _mixed(tried, weights, queries.attribute)
    finder = replace(finder, least=_least(tried.rehearsal, blend))
    outcome = _outcome(tried.rehearsal, blend, finder.least)
    gains = _gains(tried, outcome) if source else {}
    return Carried(
        finder, decision.weights, decision.verdict, outcome, queries.asked, queries.attribute, gains
    )  # fmt: skip


class _Step:
    """Counts fits."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        """One more is done."""
        self._done += 1
        self._progress(min(self._done / self._total, 1.0), "titles")


def _said(verdict: Verdict, sheet: Sheet) -> Verdict:
    """The verdict that counts labels as the user does; it was made of questions."""
    counted = f"on {verdict.labels} questions to {len(sheet.titles)} titles"
    reason = verdict.reason.replace(f"on {verdict.labels} labels", counted)
    return replace(verdict, labels=len(sheet.value), reason=reason)


def _untold(questions: int) -> str:
    """Why titles enough tell nothing."""
    if not questions:
        return f"home was fitted on every labelled title: {UNMEASURED}"
    few = f"{questions} questions to titles that home does not know are too few, or nearly all come out alike"
    return f"{few}: {UNMEASURED}"


def _units(sheet: Sheet) -> Sample:
    """The titles, as the verdict counts labels."""
    return Sample(Features({}), np.zeros(len(sheet.titles), np.int64), group=sheet.cluster)


def _fitted(
    known: Known, tried: Tried | None, weights: Mapping[str, Floats], step: Callable[[], None]
) -> Finder:
    """The ways that have weight, fitted on all titles."""
    used = {name: weight for name, weight in weights.items() if (weight > 0).any()}
    witnesses: dict[str, Witnesses] = {}
    judges: dict[str, BoostedPredictor | None] = {}
    theirs = None
    if tried is not None and known.home is not None:
        theirs = at_home(known.home, known.place, known.sheet.titles, tried.rehearsal.queries)
    for name in used:
        way = WAYS[name]
        if way.witnesses and way.witnesses not in witnesses:
            pooled = way.witnesses == POOLED and known.beside is not None
            sheet = known.sheet.stacked(known.beside) if pooled and known.beside is not None else known.sheet
            witnesses[way.witnesses] = fit_witnesses(sheet, known.meaning)
            step()
        judges[name] = _judge(known, name, tried, theirs)
    needed = known.home is not None and any(name != "target" for name in used)
    nowhere = np.full(len(known.sheet.names), -1)
    return Finder(
        known.sheet.names, witnesses, judges, used, known.home if needed else None,
        known.place if needed else nowhere, (ANSWERED, ANSWERED), known.kinds, known.likely, known.hidden,
    )  # fmt: skip


def _judge(known: Known, name: str, tried: Tried | None, theirs: Answers | None) -> BoostedPredictor | None:
    """The judge of a way, fitted on all that witnesses said of titles that were new to them."""
    if name == "home":
        return None
    start = known.judge if name == "home_judge" else None
    if tried is None:
        return start
    own = tried.rehearsals[WAYS[name].witnesses]
    beside = helped(theirs, known.place, own.queries, own.found) if WAYS[name].helped else None
    return fit_judge(own, beside, seed=known.seed, start=start)


def _mixed(tried: Tried, weights: Mapping[str, Floats], attribute: Ints) -> Answers:
    """The blend's answers to held-out titles."""
    used = [name for name in weights if (weights[name] > 0).any()]
    return mixed([tried.answers[name] for name in used], [weights[name][attribute] for name in used])


def _least(rehearsal: Rehearsal, blend: Answers) -> tuple[float, float]:
    """The probabilities from which on answers are given, asked for and not."""
    queries, truth = rehearsal.queries, rehearsal.sheet.truth(rehearsal.queries)
    best, right = _best(blend, truth)
    known = np.isin(queries.attribute, rehearsal.sheet.attribute)  # of others nobody said what is right
    found = [
        tuned(best[rows], right[rows], int((truth[rows] > 0).sum()))
        for rows in (queries.asked & known, ~queries.asked & known)
    ]
    return found[0], found[1]


def _best(blend: Answers, truth: NDArray[np.uint64]) -> tuple[Floats, NDArray[np.bool_]]:
    """The likeliest candidate's score of each query, and whether it is the value."""
    count = len(truth)
    chosen = blend.chosen(count)
    there = chosen >= 0
    right = np.zeros(count, bool)
    right[there] = blend.value[chosen[there]] == truth[there]
    return blend.best(count), right


def _outcome(rehearsal: Rehearsal, blend: Answers, least: tuple[float, float]) -> Outcome:
    """What became of the queries."""
    queries, truth = rehearsal.queries, rehearsal.sheet.truth(rehearsal.queries)
    best, right = _best(blend, truth)
    given = best >= np.where(queries.asked, *least)
    return Outcome(truth > 0, given, right & given, rehearsal.sheet.cluster[queries.title])


def _gains(tried: Tried, outcome: Outcome) -> dict[int, tuple[float, float]]:
    """By attribute, how many more of a hundred questions are answered rightly than by the target alone."""
    own = tried.answers.get("target")
    if own is None:
        return {}
    queries = tried.rehearsal.queries
    alone = _outcome(tried.rehearsal, own, _least(tried.rehearsal, own))
    worth = _worth(outcome) - _worth(alone)
    found = {}
    for each in np.unique(queries.attribute).tolist():
        mine = (queries.attribute == each) & ~queries.asked
        units = of_units(worth[mine][None], outcome.cluster[mine]) if mine.any() else np.zeros((1, 0))
        if units.shape[1] > 1:
            spread = float(units.std(ddof=1) / np.sqrt(units.shape[1]))
            found[each] = (float(units.mean()), spread)
    return found


def _worth(outcome: Outcome) -> Floats:
    """1 for a right answer and for none where there is none."""
    return np.where(outcome.given, outcome.right, ~outcome.wanted).astype(np.float64)
