"""The candidates for texts of many classes: what costs no more than some passes over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.engine.candidates.discriminant import Discriminant
from xbsql.engine.candidates.instance import pooling
from xbsql.engine.candidates.label_tree import LabelTree
from xbsql.engine.candidates.neighbours import NeighbourVote
from xbsql.engine.candidates.parameter import l2_sp
from xbsql.engine.candidates.relation import source_only
from xbsql.engine.held_out import many
from xbsql.tasks.candidates import TEXT, alone
from xbsql.tasks.classify.text_candidates import widened

if TYPE_CHECKING:
    from xbsql.engine.candidate import Candidate, Source
    from xbsql.engine.candidates.linear import LinearPredictor

MOST_SEARCHED = 16_384
"""Rows among which the nearest are looked for: of more the search takes longer than reading the text."""

FEWEST_ROWS = 500
"""Rows from which on n-grams alone can tell classes."""


def at_home(classes: int, rows: int) -> list[Candidate]:
    """What is fitted on one market's rows alone."""
    found = [alone("target_only:text", Discriminant(classes))]
    if rows >= FEWEST_ROWS:
        found.append(alone("target_only:grams", LabelTree(classes)))
    if rows <= MOST_SEARCHED:
        found.append(alone("target_only:neighbours", NeighbourVote(classes)))
    return found


def abroad(classes: int, rows: int, source: Source, line: LinearPredictor | None) -> list[Candidate]:
    """What can be tried on a target with a home model, and with home's rows where they may be read.

    Args:
        classes: over both markets.
        rows: labelled ones of the target.
        source: the home model, and its rows.
        line: the home market's line on the view 'text'; None where there is none.
    """
    found = [*at_home(classes, rows), source_only(prior=1.0)]
    if source.sample is not None:
        found.append(pooling(Discriminant(classes), "balanced_pool:text", prior=2.0, pooled=True))
        if len(source.sample) <= MOST_SEARCHED:
            found.append(pooling(NeighbourVote(classes), "balanced_pool:neighbours", prior=0.5))
    if line is not None and not many(rows, classes):
        wide = widened(line, classes)
        found.append(l2_sp(lambda _: wide, TEXT, classes, "l2_sp:text", penalty=1.0, prior=0.5))
    return found
