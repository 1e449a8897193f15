"""The ways tried on labelled titles that they do not know: what each loses, and what it weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.evidence import Evidence, mean_loss, of_units, standard_scores, trust_in
from xbsql.engine.folds import enough, minority
from xbsql.extraction.answers import Answers, mixed
from xbsql.extraction.finder import OWN, POOLED, WAYS, at_home, helped
from xbsql.extraction.rehearsal import Rehearsal, held_out_scores, rehearse
from xbsql.extraction.spans import MOST
from xbsql.extraction.ways import OBJECTIVE
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.ways import Entrant, Known

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

CLEARLY: Final = 2.5
"""Standard errors by which home's part must lose at an attribute to be left out there."""


class Tried(NamedTuple):
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


def tried_ways(known: Known, names: Sequence[str], step: Callable[[], None]) -> Tried:
    """What each way says of each labelled title, fitted without it."""
    rows = known.asks()
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
    return Tried(rehearsals, found)


def evidence_of(known: Known, chosen: Sequence[Entrant], tried: Tried) -> tuple[Evidence | None, Ints]:
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
    y, predictions = slots(tried, rows)
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


def slots(tried: Tried, rows: Ints) -> tuple[Ints, dict[str, Floats]]:
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


def by_attribute(
    known: Known,
    chosen: Sequence[Entrant],
    weights: Mapping[str, float],
    evidence: Evidence | None,
    rows: Ints,
    tried: Tried | None,
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
