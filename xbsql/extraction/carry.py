"""From labelled titles and what home knows to a finder: ways, evidence, blend and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.decision import decided, undecided
from xbsql.engine.evidence import Evidence, mean_loss, of_units, standard_scores, trust_in
from xbsql.engine.folds import enough, minority
from xbsql.engine.objective import Objective
from xbsql.extraction.answers import Answers, mixed
from xbsql.extraction.finder import OWN, POOLED, WAYS, Finder, at_home, helped
from xbsql.extraction.rehearsal import Rehearsal, fit_judge, held_out_scores, rehearse
from xbsql.extraction.scoring import ANSWERED, Outcome, slot_f1, tuned
from xbsql.extraction.spans import MOST, fit_witnesses
from xbsql.features.views import Features
from xbsql.metrics.rows import log_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Family
    from xbsql.engine.candidates.boosted import BoostedPredictor
    from xbsql.engine.verdict import Verdict
    from xbsql.extraction.meaning import Meaning
    from xbsql.extraction.sheet import Sheet
    from xbsql.extraction.spans import Witnesses
    from xbsql.progress import Progress

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LEAST_TITLES: Final = 12
"""Independent labelled titles from which on a judge learns; with fewer the tagger answers."""

MOST_BESIDE: Final = 400
"""Home titles that are pooled."""

CLEARLY: Final = 2.5
"""Standard errors by which home's part must lose at an attribute to be left out there."""

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
    """

    sheet: Sheet
    kinds: NDArray[np.uint64]
    likely: NDArray[np.bool_]
    seed: int
    home: Finder | None
    place: Ints
    beside: Sheet | None
    meaning: Meaning

    def ways(self) -> list[Entrant]:
        """What can be tried."""
        named = {"target"} if len(self.sheet.titles) else set()
        if self.home is not None:
            named |= {"home"}
            if len(self.sheet.titles):
                named |= {"home_score", *(["home_judge"] if self.judge is not None else [])}
                named |= {"pooled_titles"} if self.beside is not None else set()
        return [each for each in ENTRANTS if each.name in named]

    @property
    def judge(self) -> BoostedPredictor | None:
        """Home's own judge of its own titles; it knows no name of an attribute, so it serves any."""
        return None if self.home is None else self.home.judges.get("target")


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


class _Tried(NamedTuple):
    """What the ways said of titles that they did not know.

    Attributes:
        rehearsals: by witnesses; their queries are the same.
        answers: by way; all to these queries.
    """

    rehearsals: Mapping[str, Rehearsal]
    answers: Mapping[str, Answers]

    @property
    def rehearsal(self) -> Rehearsal:
        """That of the target's own witnesses."""
        return self.rehearsals[OWN]


def carry(known: Known, chosen: Sequence[Entrant], progress: Progress) -> Carried:
    """Try the ways on titles that they do not know, weigh them, and fit those that have weight.

    Args:
        known: what there is to learn from.
        chosen: some of `known.ways()`, those of the family 'target' among them where there are labels.
        progress: told the share done, 0 to 1, and what was fitted.
    """
    names = [each.name for each in chosen]
    step = _counter(progress, 12 if "pooled_titles" in names else 6)
    tried = _tried(known, names, step) if _independent(known.sheet) >= LEAST_TITLES else None
    evidence, rows = (None, np.zeros(0, np.int64)) if tried is None else _evidence(known, chosen, tried)
    source = known.home is not None
    if evidence is None:
        own = min(1.0, _independent(known.sheet) / 30)
        decision = undecided(chosen, _units(known.sheet), OBJECTIVE, own, source=source)
    else:
        decision = decided(chosen, evidence, OBJECTIVE, known.seed)
        decision = decision._replace(verdict=_said(decision.verdict, known.sheet))
    weights = _by_attribute(known, chosen, decision.weights, evidence, rows, tried)
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


def _counter(progress: Progress, total: int) -> Step:
    return Step(progress, total)


class Step:
    """Counts fits."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        self._done += 1
        self._progress(min(self._done / self._total, 1.0), "titles")


def _independent(sheet: Sheet) -> int:
    """How many labelled titles there are that do not repeat one another."""
    return len(np.unique(sheet.cluster))


def _said(verdict: Verdict, sheet: Sheet) -> Verdict:
    """The verdict that counts labels as the user does; it was made of questions."""
    counted = f"on {verdict.labels} questions to {len(sheet.titles)} titles"
    reason = verdict.reason.replace(f"on {verdict.labels} labels", counted)
    return replace(verdict, labels=len(sheet.value), reason=reason)


def _units(sheet: Sheet) -> Sample:
    """The titles, as the verdict counts labels."""
    return Sample(Features({}), np.zeros(len(sheet.titles), np.int64), group=sheet.cluster)


def _tried(known: Known, names: Sequence[str], step: Step) -> _Tried:
    """What each way says of each labelled title, fitted without it."""
    rows = _likely(known)
    own = rehearse(known.sheet, known.meaning, rows, None, known.seed, step)
    found, rehearsals = dict[str, Answers](), {OWN: own}
    theirs = None
    if known.home is not None:
        theirs = at_home(known.home, known.place, known.sheet.titles, own.queries)
    for name in names:
        if name == "home" and theirs is not None:
            found[name] = theirs
        elif name == "pooled_titles":
            rehearsals[POOLED] = pooled = rehearse(
                known.sheet, known.meaning, rows, known.beside, known.seed, step
            )
            found[name] = pooled.answers(held_out_scores(pooled, seed=known.seed))
        elif name == "home_judge":
            found[name] = own.answers(held_out_scores(own, None, known.seed, known.judge))
        else:
            beside = helped(theirs, known.place, own.queries, own.found) if WAYS[name].helped else None
            found[name] = own.answers(held_out_scores(own, beside, known.seed))
    return _Tried(rehearsals, found)


def _likely(known: Known) -> list[Ints]:
    """The attributes that each labelled title may have."""
    everything = np.arange(len(known.sheet.names))
    if not len(known.kinds):
        return [everything] * len(known.sheet.titles)
    each = [np.flatnonzero(row) for row in known.likely]
    place = np.searchsorted(known.kinds, known.sheet.titles.group)
    return [each[at] for at in place.tolist()]


def _evidence(known: Known, chosen: Sequence[Entrant], tried: _Tried) -> tuple[Evidence | None, Ints]:
    """What the ways lose at questions that nobody asked, on titles new to home; and which these are.

    None where there are too few.
    """
    queries, sheet = tried.rehearsal.queries, known.sheet
    judged_on = ~queries.asked
    if known.home is not None:
        judged_on &= ~known.home.knows(sheet.titles)[queries.title]
        labelled = np.bincount(sheet.attribute, minlength=len(sheet.names)) > 0
        judged_on &= labelled[queries.attribute]
    rows = np.flatnonzero(judged_on)
    y, predictions = _slots(tried, rows)
    group = sheet.cluster[queries.title[rows]]
    sample = Sample(Features({}), y, group=group)
    if not len(rows) or not enough(sample, OBJECTIVE):
        return None, rows
    names = tuple(each.name for each in chosen)
    shown = {name: predictions[name][None] for name in names}
    losses = np.stack([mean_loss(OBJECTIVE, y, shown[name]) for name in names])
    prior = np.array([each.prior for each in chosen])
    folds = tried.rehearsal.fold[queries.title[rows]][None]
    trust = trust_in(minority(sample))
    return Evidence(names, prior, y, group, folds, shown, losses, mixes=True, trust=trust), rows


def _slots(tried: _Tried, rows: Ints) -> tuple[Ints, dict[str, Floats]]:
    """Each query's likeliest candidates of all ways as classes: 0 no value, they, a value not among them.

    Returns:
        int64 (q,) the true class, and float64 (q, MOST + 2) by way.
    """
    rehearsal, count = tried.rehearsal, len(rows)
    place = np.full(len(rehearsal.queries.title), -1)
    place[rows] = np.arange(count)
    parts = {}
    for name, found in tried.answers.items():
        kept = found.take(np.flatnonzero(place[found.query] >= 0))
        parts[name] = kept._replace(query=place[kept.query])
    even = [np.full(count, 1 / len(parts))] * len(parts)
    every = mixed(list(parts.values()), even)
    order = np.lexsort((-every.score, every.query))
    every = every.take(order)
    first = np.concatenate([[0], np.cumsum(np.bincount(every.query, minlength=count))])
    rank = np.arange(len(every.query)) - first[every.query]
    every, rank = every.take(np.flatnonzero(rank < MOST)), rank[rank < MOST]
    truth = rehearsal.sheet.truth(rehearsal.queries)[rows]
    y = np.where(truth > 0, MOST + 1, 0)
    hit = np.flatnonzero(every.value == truth[every.query])[::-1]
    y[every.query[hit]] = rank[hit] + 1
    shown: dict[str, Floats] = {}
    for name, part in parts.items():
        table = np.zeros((count, MOST + 2))
        table[every.query, rank + 1] = part.of(every.query, every.layer, every.word)
        table /= np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        table[:, 0] = 1.0 - table.sum(axis=1)
        shown[name] = table
    return y.astype(np.int64), shown


def _by_attribute(
    known: Known,
    chosen: Sequence[Entrant],
    weights: Mapping[str, float],
    evidence: Evidence | None,
    rows: Ints,
    tried: _Tried | None,
) -> dict[str, Floats]:
    """What each way weighs for each attribute.

    An attribute without a label is home's alone, where home knows it; one at which home clearly loses is the
    target's.
    """
    count = len(known.sheet.names)
    found = {name: np.full(count, weight) for name, weight in weights.items()}
    if known.home is None:
        return found
    unlabelled = np.bincount(known.sheet.attribute, minlength=count) == 0
    theirs = unlabelled & (known.place >= 0)
    ours = np.zeros(count, bool)
    if evidence is not None and tried is not None:
        ours = _losing(evidence, weights, tried.rehearsal.queries.attribute[rows], count)
    if "home" in found:
        for name in found:
            found[name] = np.where(theirs, float(name == "home"), found[name])
    for each in chosen:
        found[each.name] = np.where(ours & ~theirs, float(each.name == "target"), found[each.name])
    return found


def _losing(
    evidence: Evidence, weights: Mapping[str, float], attribute: Ints, count: int
) -> NDArray[np.bool_]:
    """The attributes at which the blend clearly loses more than the target alone; bool (A,)."""
    blend = sum(weights[name] * evidence.predictions[name] for name in evidence.names)
    more = (
        mean_loss(OBJECTIVE, evidence.y, np.asarray(blend)) - evidence.losses[evidence.names.index("target")]
    )
    found = np.zeros(count, bool)
    for each in np.unique(attribute).tolist():
        mine = attribute == each
        units = of_units(more[mine][None], evidence.group[mine])
        found[each] = units.shape[1] > 1 and standard_scores(units)[0] > CLEARLY
    return found


def _fitted(known: Known, tried: _Tried | None, weights: Mapping[str, Floats], step: Step) -> Finder:
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
        known.place if needed else nowhere, (ANSWERED, ANSWERED), known.kinds, known.likely,
    )  # fmt: skip


def _judge(known: Known, name: str, tried: _Tried | None, theirs: Answers | None) -> BoostedPredictor | None:
    """The judge of a way, fitted on all that witnesses said of titles that were new to them."""
    if name == "home":
        return None
    start = known.judge if name == "home_judge" else None
    if tried is None:
        return start
    own = tried.rehearsals[WAYS[name].witnesses]
    beside = helped(theirs, known.place, own.queries, own.found) if WAYS[name].helped else None
    return fit_judge(own, beside, seed=known.seed, start=start)


def _mixed(tried: _Tried, weights: Mapping[str, Floats], attribute: Ints) -> Answers:
    """The blend's answers to held-out titles."""
    used = [name for name in weights if (weights[name] > 0).any()]
    return mixed([tried.answers[name] for name in used], [weights[name][attribute] for name in used])


def _least(rehearsal: Rehearsal, blend: Answers) -> tuple[float, float]:
    """The probabilities from which on answers are given, asked for and not."""
    queries, truth = rehearsal.queries, rehearsal.sheet.truth(rehearsal.queries)
    best, right = _best(blend, truth)
    found = [
        tuned(best[rows], right[rows], int((truth[rows] > 0).sum()))
        for rows in (queries.asked, ~queries.asked)
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


def _gains(tried: _Tried, outcome: Outcome) -> dict[int, tuple[float, float]]:
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


__all__ = ["ENTRANTS", "MOST_BESIDE", "OWN", "Carried", "Entrant", "Known", "carry"]
