"""Labelled titles seen by witnesses that do not know them: what a judge learns from, and is judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.boosted import Boosted, BoostedPredictor
from xbsql.engine.design import Layout
from xbsql.engine.folds import assign_folds
from xbsql.extraction.answers import Answers
from xbsql.extraction.sheet import Queries, open_queries
from xbsql.extraction.spans import Candidates, fit_witnesses, looked_up
from xbsql.features.views import Features

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.meaning import Meaning
    from xbsql.extraction.sheet import Sheet

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Table = NDArray[np.float32]

MANY: Final = 300
"""Titles from which on there are three folds in place of five, and larger trees."""

ADDED: Final = 40
"""Trees behind those of a judge that is gone on from."""

_LAYOUT: Final = Layout(("table",))


class Rehearsal(NamedTuple):
    """What was said of labelled titles by witnesses that do not know them.

    Attributes:
        sheet: the labelled titles.
        queries: each label as a question, then each likely attribute as one that nobody asked.
        found: candidates.
        table: float32 (c, F): what speaks for them.
        right: bool (c,): whether a candidate is the value.
        fold: int64 (n,): in which each title was held out.
    """

    sheet: Sheet
    queries: Queries
    found: Candidates
    table: Table
    right: NDArray[np.bool_]
    fold: Ints

    @property
    def held_out(self) -> Ints:
        """The fold of each candidate."""
        return np.asarray(self.fold[self.queries.title[self.found.query]])

    def answers(self, score: Floats) -> Answers:
        """The candidates with these scores."""
        return Answers(self.found.query, self.found.layer, self.found.word, self.found.value, score)


def rehearse(
    sheet: Sheet,
    meaning: Meaning,
    likely: Sequence[Ints],
    beside: Sheet | None,
    seed: int,
    step: Callable[[], None],
) -> Rehearsal:
    """Let witnesses fitted on other titles look at each labelled one.

    Args:
        sheet: the labelled titles.
        meaning: of words.
        likely: the attributes likely of each.
        beside: further labelled titles under the same names, which only teach.
        seed: of the folds; titles of one cluster stay together.
        step: called after each fit.
    """
    count = 5 if len(sheet.titles) < MANY else 3
    generator = np.random.default_rng(seed)
    fold = assign_folds(sheet.titles.group, sheet.cluster, count, generator)
    asked, said, tables, start = [], [], [], 0
    for held_out in np.unique(fold).tolist():
        own = np.flatnonzero(fold == held_out)
        taught = sheet.take(np.flatnonzero(fold != held_out))
        witnesses = fit_witnesses(taught if beside is None else taught.stacked(beside), meaning)
        shown = sheet.take(own)
        queries = both_ways(shown, [likely[row] for row in own.tolist()])
        found, table = looked_up(witnesses, shown.titles, queries)
        tables.append(table)
        moved = (sheet.titles.first[own] - shown.titles.first[:-1])[queries.title[found.query]]
        said.append(found._replace(query=found.query + start, word=found.word + moved))
        asked.append(queries._replace(title=own[queries.title]))
        start += len(queries.title)
        step()
    queries = Queries(*(np.concatenate(part) for part in zip(*asked, strict=True)))
    found = Candidates(*(np.concatenate(part) for part in zip(*said, strict=True)))
    right = found.value == sheet.truth(queries)[found.query]
    return Rehearsal(sheet, queries, found, np.concatenate(tables), right, fold)


def both_ways(sheet: Sheet, likely: Sequence[Ints]) -> Queries:
    """The labels as questions, and every attribute that is likely of a title as one that nobody asked."""
    asked, free = sheet.queries(), open_queries(sheet.titles, likely)
    return Queries(*(np.concatenate(pair) for pair in zip(asked, free, strict=True)))


def fit_judge(
    rehearsal: Rehearsal,
    beside: Table | None = None,
    rows: NDArray[np.bool_] | None = None,
    seed: int = 0,
    start: BoostedPredictor | None = None,
) -> BoostedPredictor | None:
    """Learn what speaks for a value; None where there is nothing to tell apart.

    Args:
        rehearsal: what is known of labelled titles.
        beside: float32 (c, H): further columns.
        rows: the candidates to learn from; None: all.
        seed: of the trees.
        start: a judge whose trees come first.
    """
    kept = np.flatnonzero(np.ones(len(rehearsal.right), bool) if rows is None else rows)
    right = rehearsal.right[kept].astype(np.int64)
    if not 0 < right.sum() < len(right):
        return start
    table = widened(rehearsal.table, beside)[kept]
    few = len(rehearsal.sheet.titles) < MANY
    rounds = ADDED if start is not None else 120 if few else 250
    learner = Boosted(_LAYOUT, 2, small=few, rounds=rounds, leaves=7 if few else 15, seed=seed)
    return learner.fit(Sample(Features({"table": table}), right), start)


def held_out_scores(
    rehearsal: Rehearsal, beside: Table | None = None, seed: int = 0, start: BoostedPredictor | None = None
) -> Floats:
    """How likely each candidate is, by judges that learnt from other titles; float64 (c,)."""
    score = rehearsal.table[:, 0].astype(np.float64)
    fold = rehearsal.held_out
    for held_out in np.unique(fold).tolist():
        rows = fold == held_out
        judge = fit_judge(rehearsal, beside, ~rows, seed, start)
        if judge is not None:
            score[rows] = judged(judge, widened(rehearsal.table, beside)[rows])
    return score


def judged(judge: BoostedPredictor | None, table: Table) -> Floats:
    """How likely each candidate is; without a judge the tagger says it."""
    if judge is None:
        return table[:, 0].astype(np.float64)
    return judge.predict(Features({"table": table}))[:, 1]


def widened(table: Table, beside: Table | None) -> Table:
    """The columns, with further ones behind them."""
    return table if beside is None else np.concatenate([table, beside], axis=1)
