"""The default candidates for table rows: all four families, with the weight each has before any evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xbsql.engine.candidate import Candidate
from xbsql.engine.candidates.boosted import Boosted, BoostedPredictor
from xbsql.engine.candidates.feature import aligned, augmented, source_score, transferable
from xbsql.engine.candidates.instance import kernel_weighted, pooling, ratio_weighted
from xbsql.engine.candidates.linear import Linear, LinearPredictor
from xbsql.engine.candidates.parameter import (
    continued,
    fitted_at_home,
    home_model,
    l2_sp,
    recalibrated,
    shrunken_leaves,
)
from xbsql.engine.candidates.relation import label_shift, source_only
from xbsql.engine.candidates.sources import STACKED, several, stacked_sources
from xbsql.engine.candidates.tradaboost import tradaboost
from xbsql.engine.design import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from xbsql.engine.candidate import Learner, Predictor, Sample, Source
    from xbsql.features.views import Features


WIDE = 200
"""Columns from which on a table is wide: lines take the place of the pooled trees, which fold by fold would
take minutes, and find no more in so many columns."""


@dataclass(frozen=True)
class Tables:
    """The kind of table problem.

    Attributes:
        classes: how many, over source and target together; None where labels are values.
        categorical: columns of the view 'table' that hold category codes.
        width: columns of the view 'table'.
    """

    classes: int | None
    categorical: tuple[int, ...] = ()
    width: int = 0

    @property
    def wide(self) -> bool:
        """Whether there are more columns than trees can be tried on in every fold."""
        return self.width >= WIDE

    def layout(self, *more: str) -> Layout:
        """The table and further views."""
        return Layout(("table", *more), self.categorical)

    def home_trees(self) -> Boosted:
        """The trees that are fitted where there are many rows."""
        return Boosted(self.layout(), self.classes)

    def home_line(self) -> Linear:
        """The line that is fitted where there are many rows."""
        return Linear(self.layout(), self.classes, penalty=10.0)


def table_candidates(tables: Tables, source: Source | None, *, rare: bool = False) -> list[Candidate]:
    """What can be tried on this problem with what is left of the source.

    Args:
        tables: the kind of problem.
        source: rows and model, the model alone, or None for the target-only candidates.
        rare: also candidates that are off by default because they cost much and have not won.

    Returns:
        Candidates with unique names; target-only ones come first.
    """
    found = target_only(tables)
    if source is None:
        return found
    found += from_model(tables, source)
    if source.sample is not None:
        found += from_rows(tables)
        if several(source):
            found.append(stacked_sources(tables.home_trees(), tables.classes, f"{STACKED}:boosted"))
        if rare:
            found.append(tradaboost(_pooled_trees(tables), tables.classes, "tradaboost:boosted", prior=0.5))
    return found


def target_only(tables: Tables) -> list[Candidate]:
    """Both learners on the target's rows alone."""
    return [
        _alone("target_only:linear", Linear(tables.layout(), tables.classes, penalty=10.0), prior=3.0),
        _alone("target_only:boosted", Boosted(tables.layout(), tables.classes, small=True), prior=3.0),
    ]


def from_model(tables: Tables, source: Source) -> list[Candidate]:
    """Candidates that need the home model and, where its parts do not serve, its rows."""
    classes = tables.classes
    scored = Layout(("source", "table"), tables.categorical)
    found = [
        source_only(prior=0.5),
        recalibrated(classes, "recalibrated:home"),
        source_score(Linear(scored, classes, penalty=20.0), "source_score:linear", prior=2.0),
    ]
    if not tables.wide:
        scored_trees = Boosted(tables.layout("source"), classes, small=True)
        found.append(source_score(scored_trees, "source_score:boosted", prior=0.5))
    trees = _home(source, BoostedPredictor, tables.home_trees(), classes)
    if trees and not tables.wide:
        more = Boosted(tables.layout(), classes, small=True)
        found += [
            continued(trees, more, "continued:boosted"),
            shrunken_leaves(trees, "shrunken_leaves:boosted", prior=2.0),
        ]
    if line := _home(source, LinearPredictor, tables.home_line(), classes):
        found.append(l2_sp(line, tables.layout(), classes, "l2_sp:linear", penalty=10.0))
    return found


def from_rows(tables: Tables) -> list[Candidate]:
    """Candidates that read the source's rows."""
    classes, layout = tables.classes, tables.layout()
    judge = Boosted(layout, 2, small=True, rounds=40, rate=0.1)
    line = tables.home_line()
    found = [
        *_pools(tables),
        ratio_weighted(tables.home_trees(), judge, "density_ratio:boosted", prior=0.2),
        kernel_weighted(line, layout, "kernel_ratio:linear", prior=0.1),
        aligned(line, "table", "coral:linear", prior=0.1, skip=tables.categorical),
        transferable(layout, classes, "transferable:linear", prior=0.1),
    ]
    if classes is not None:
        found.append(label_shift(classes, "label_shift:home", prior=0.2))
    return found


def _pools(tables: Tables) -> list[Candidate]:
    """The rows of both markets together, the target's counting for more or less."""
    if tables.wide:
        line = Linear(tables.layout("market"), tables.classes, penalty=30.0)
        return [
            pooling(line, "balanced_pool:linear", pooled=True),
            pooling(line, "tempered_pool:linear", prior=3.0, balance=0.5),
        ]
    trees = _pooled_trees(tables)
    return [
        pooling(trees, "balanced_pool:boosted", pooled=True),
        pooling(trees, "tempered_pool:boosted", prior=3.0, balance=0.5),
        pooling(trees, "pool:boosted", prior=2.0, balance=0.0),
        augmented(tables.layout(), tables.classes, "augmented:linear", penalty=30.0, prior=0.5),
    ]


def _alone(name: str, learner: Learner, prior: float) -> Candidate:
    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return learner.fit(target)

    return Candidate(name, "target", fit, prior=prior)


def _pooled_trees(tables: Tables) -> Boosted:
    return Boosted(tables.layout("market"), tables.classes, leaves=15)


def _home(
    source: Source, kind: type[Predictor], learner: Learner, classes: int | None
) -> Callable[[Source], Predictor] | None:
    """Where the home model's numbers come from: from its rows, else a part of the model, else nowhere."""
    if source.sample is not None:
        return fitted_at_home(learner)
    part = home_model(source, kind, classes, ("table",))
    return None if part is None else lambda _: part
