"""Classification whose labels are paths: one model, an answer as deep as it is sure, scores by level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql import errors
from xbsql.engine.candidates.nodes import NodePredictor
from xbsql.tasks.classify.candidates import allowed
from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.classify.flat import Flat
from xbsql.tasks.classify.levels_verdict import verdict_by_level
from xbsql.tasks.classify.node_source import NodeProblem, abroad, node_candidate
from xbsql.tasks.classify.numbered import NEARLY_ALL
from xbsql.tasks.classify.path_answers import PathAnswers
from xbsql.tasks.scores import class_scores
from xbsql.taxonomy.levels import Levels, read_labels
from xbsql.taxonomy.levels import Read as ReadLabels
from xbsql.taxonomy.scores import Answered, level_accuracy
from xbsql.taxonomy.tree import Tree, sure_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import pyarrow as pa

    from xbsql.engine.candidate import Candidate
    from xbsql.engine.transfer import Transfer
    from xbsql.metrics.rows import Floats
    from xbsql.store.model import Model
    from xbsql.tasks.classify.labels import Labels
    from xbsql.tasks.classify.options import ClassifyOptions
    from xbsql.tasks.row_problem import Classes, RowProblem
    from xbsql.tasks.row_task import Read
    from xbsql.tasks.scores import Members, Score
    from xbsql.tasks.task import Asked

    Problem = RowProblem[ClassifyOptions, Classifier]

MOST_ALONE = 50
"""Rows up to which each may have a class of its own: a list of headings."""

SPARE = 1.6
"""Without rows held out: how many times more often than asked an answer of the least score may be wrong, as
most answers are surer. Found on names of nodes in Italian, Dutch, Polish and Russian: with more, one of them
is right less often than asked."""

FEWEST_HELD = 100
"""Rows held out from which on the score that is sure enough is found from them."""


@dataclass(frozen=True)
class Paths(Flat):
    """A classification into the nodes of a tree: any node may be a label.

    Attributes:
        levels: how labels say their paths.
        said: what was made of labels that are written otherwise, one line each.
    """

    levels: Levels
    said: tuple[str, ...] = ()

    def at_home(self, asked: Asked) -> Problem:
        """The labelled rows of one market, every label in one spelling."""
        read = read_labels(asked.where, asked.data, asked.label, self.levels)
        found = super(Paths, self._told(read.notes)).at_home(self._asked(asked, read.table))
        return NodeProblem.of(found) if found.options.nodes else found

    def abroad(
        self, asked: Asked, base: Model | None, source: pa.Table | None, read: Read | None = None
    ) -> Problem:
        """The target's rows and the source, every label in one spelling."""
        own = read_labels(asked.where, asked.data, asked.label, self.levels)
        notes = own.notes
        before = base if isinstance(base, Classifier) and base.part(NodePredictor) is not None else None
        if asked.options.get("nodes") and before is not None:
            return self._changed(asked, own, before)
        if source is not None:
            theirs = read_labels(asked.where, source, asked.label, self.levels)
            source, notes = theirs.table, (*notes, *(f"source: {note}" for note in theirs.notes))
        return super(Paths, self._told(notes)).abroad(self._asked(asked, own.table), base, source, read)

    def _changed(self, asked: Asked, own: ReadLabels, before: Classifier) -> Problem:
        """The nodes of a taxonomy that a model knew otherwise."""
        found = super(Paths, self._told(own.notes)).at_home(self._asked(asked, own.table))
        return NodeProblem.of(found, before)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """The scores of the rows with a label, by level as well."""
        return super().evaluated(model, self._readable(table, label), label, by)

    def _readable(self, table: pa.Table, label: str) -> pa.Table:
        return read_labels("xb.evaluate", table, label, self.levels).table

    def _told(self, notes: tuple[str, ...]) -> Paths:
        return replace(self, said=notes)

    def _asked(self, asked: Asked, data: pa.Table) -> Asked:
        """The same of rows that were read: a column a level is one path by now."""
        levels = self.levels.lengths or self.levels.separator
        return replace(asked, data=data, options={**asked.options, "levels": levels})

    def refuse(self, where: str, label: str, found: Labels, *, at_home: bool) -> None:
        """Labels of one node alone."""
        if at_home and len(found.classes) < 2:
            only = f"only one node, '{found.classes[0]}'" if found.classes else "no label, every row is NULL"
            raise errors.invalid(where, f"label column '{label}' holds {only}", "give rows of two or more")

    def candidates(self, problem: Problem) -> list[Candidate]:
        """The names and paths of nodes, and what may stand beside them; of products as of any others."""
        if isinstance(problem, NodeProblem):
            return [node_candidate(problem, self.levels)]
        nodes = None if problem.home is None else problem.home.part(NodePredictor)
        if nodes is None:
            return super().candidates(problem)
        return allowed(abroad(problem, nodes, self.levels), problem.options)

    def check(self, problem: Problem) -> None:
        """A class for each row where the rows are products; an answer that abstains another way."""
        asked, options, rows = problem.asked, problem.options, len(problem)
        if options.abstain is not None:
            raise errors.invalid(
                asked.where, "the options 'abstain' and 'levels' are both given", "use 'sure' in place of it"
            )
        classes = len(problem.classes or ())
        if problem.home is None and not options.nodes and rows > MOST_ALONE and classes > NEARLY_ALL * rows:
            problem_ = f"label column '{asked.label}' names its rows: {rows} labels are {classes} classes"
            remedy = (
                "give several rows a class, or say {'nodes': true} where the rows are the nodes themselves"
            )
            raise errors.invalid(asked.where, problem_, remedy)
        super().check(problem)

    def notes(self, problem: Problem) -> list[str]:
        """How the labels were read, then what a flat classification says."""
        own = []
        if isinstance(problem, NodeProblem):
            changes = problem.changes(self.levels)
            own += ["the rows are nodes: measure the model by xb.evaluate, on labelled products"]
            own += _nameless(problem)
            own += [] if changes is None else changes.notes()
        return [*self.said, *own, *super().notes(problem)]

    def measured(self, problem: Problem, found: Transfer, candidates: Sequence[Candidate]) -> Transfer:
        """With the verdict at each level, see `verdict_by_level`."""
        if problem.home is None or self.objective(problem).metric != "accuracy":
            return found
        tree = Tree.of(problem.classes or (), self.levels)
        return verdict_by_level(found, candidates, self.objective(problem), tree, problem.options.seed)

    def model(self, problem: Problem, found: Transfer) -> Classifier:
        """The blend with a tree over its classes."""
        flat, options = super().model(problem, found), problem.options
        levels = (
            self.levels if problem.home is None or problem.home.tree is None else problem.home.tree.levels
        )
        shape = PathAnswers(flat.classes, levels, options.sure, options.best)
        return replace(flat, tree=replace(shape, least=_least(problem, found, shape)))

    def scores(self, classes: Classes) -> Mapping[str, Score]:
        """Those of a flat classification, and the accuracy at each level."""
        tree = Tree.of(classes or (), self.levels)
        found: dict[str, Score] = class_scores(len(classes or ()))
        for level in range(tree.depth):
            found[f"accuracy_level_{level + 1}"] = level_accuracy(tree, level)
        return found

    def scoring(
        self, model: Classifier, rows: pa.Table, prediction: Floats, classes: Classes
    ) -> Callable[[Members], Mapping[str, Score]]:
        """The scores of `fit`, and of the answers that stop where they are no longer sure.

        A row in which nothing can be read has no answer, as in `Classifier.predict`.
        """
        tree = Tree.of(classes or (), self.levels)
        least = 0.0 if model.tree is None else model.tree.least
        whole = tree.descent(prediction)
        depth = np.where(model.reader.blank(rows), 0, whole.depth(least))

        def of(members: Members) -> Mapping[str, Score]:
            answers = Answered(tree, whole.nodes[members], depth[members])
            return {**class_scores(len(classes or ())), **answers.scores()}

        return of


def _nameless(problem: Problem) -> list[str]:
    """How many nodes have no name that can be read; one line, where there are such."""
    blank, classes = problem.reader.blank(problem.target.known), problem.classes or ()
    nameless = np.setdiff1d(np.arange(len(classes)), np.asarray(problem.target.y, np.int64)[~blank])
    if not len(nameless):
        return []
    shown = errors.shown(classes[nameless[0]], 80)
    said = "1 node has no name" if len(nameless) == 1 else f"{len(nameless)} nodes have no name"
    return [f"{said} ('{shown}'): known by the names above alone"]


def _least(problem: Problem, found: Transfer, shape: PathAnswers) -> float:
    """The score from which on a node is sure: by rows held out, else by `sure` and the home model's."""
    sure, held = problem.options.sure, found.held_out
    if found.evidence is None or held is None or held.shape[1] < FEWEST_HELD:
        home = None if problem.home is None else problem.home.tree
        unmeasured = max(1.0 - SPARE * (1.0 - sure), 0.5)
        return unmeasured if home is None else max(unmeasured, min(home.least, 1.0))
    y = np.asarray(found.evidence.y, np.int64)
    seen = shape.tree.descent(held.mean(axis=0))
    truth = shape.tree.ancestors[shape.tree.node[y]]
    return sure_from(seen.nodes == truth, seen.scores, sure)
