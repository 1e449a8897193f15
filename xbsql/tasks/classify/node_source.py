"""A taxonomy as the source: its nodes in place of a home market's rows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.nodes import NodePredictor
from xbsql.engine.candidates.relation import source_only
from xbsql.engine.design import dense
from xbsql.engine.transfer import Trial
from xbsql.engine.transfer import transfer as run
from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.classify.many_classes import at_home
from xbsql.tasks.classify.options import ClassifyOptions
from xbsql.tasks.classify.two_cases import TwoCases
from xbsql.tasks.row_problem import RowProblem
from xbsql.taxonomy.changes import Changes
from xbsql.taxonomy.nodes import Nodes, embedded, nonsense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor, Source
    from xbsql.engine.transfer import Transfer
    from xbsql.features.views import Features
    from xbsql.progress import Progress
    from xbsql.taxonomy.levels import Levels


FEWEST_TO_ADAPT = 100
"""Target rows from which on they say which names are near to everything, and how its language maps."""


@dataclass(frozen=True)
class NodeProblem(RowProblem[ClassifyOptions, Classifier]):
    """The nodes of a taxonomy: a name held out has nothing to be told by, so nothing is tried.

    Attributes:
        before: a model of the taxonomy as it was; None where these are the first nodes.
    """

    before: Classifier | None = None

    @classmethod
    def of(
        cls, problem: RowProblem[ClassifyOptions, Classifier], before: Classifier | None = None
    ) -> NodeProblem:
        """The same rows as nodes, each text read in two cases."""
        known = {field.name: getattr(problem, field.name) for field in fields(problem)}
        reader = TwoCases.of(problem.reader)
        sample = replace(problem.sample, x=reader.read(problem.target.known))
        return cls(**{**known, "reader": reader, "sample": sample}, before=before)

    def changes(self, levels: Levels) -> Changes | None:
        """What became of the nodes of the model before; None where there is none."""
        if self.before is None:
            return None
        return Changes.between(self.before.classes, self.classes or (), levels)

    def weighed(self, candidates: Sequence[Candidate], progress: Progress) -> Transfer:
        """The candidates fitted, and no row judged on."""
        judge, seed = self.task.objective(self), self.options.seed
        nothing = Trial((), np.zeros(len(self), bool))
        return run(
            candidates, None, self.sample, self.pool, judge, seed=seed, progress=progress, trial=nothing
        )


def node_candidate(problem: NodeProblem, levels: Levels) -> Candidate:
    """What is learnt of nodes alone, their names and paths, beside what a model of them knew before."""
    labels = problem.target.known[problem.asked.label].to_pylist()
    names = problem.reader.raw_texts(problem.target.known).to_pylist()
    classes = problem.classes or ()
    nodes = Nodes.of(problem.asked.where, labels, names, levels)
    place = {label: node for node, label in enumerate(nodes.tree.labels)}
    paths = embedded([nodes.paths[place[name]] for name in classes])
    named = ~problem.reader.blank(problem.target.known)  # a row in which nothing can be read is no name
    changes = problem.changes(levels)
    before = None if problem.before is None else problem.before.part(NodePredictor)

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        found = NodePredictor.of(target.take(named), paths, nonsense())
        if changes is None or before is None or problem.before is None:
            return found
        places = {name: code for code, name in enumerate(classes)}
        same = {**changes.kept, **changes.moved}
        codes = [places[same[name]] if name in same else -1 for name in problem.before.classes]
        return found.joined(before, np.array(codes, np.int64))

    return Candidate("target_only:nodes", "target", fit)


def abroad(
    problem: RowProblem[ClassifyOptions, Classifier], nodes: NodePredictor, levels: Levels
) -> list[Candidate]:
    """What can be tried with labelled rows beside the nodes: each row is one more name of its node."""
    classes = problem.classes or ()
    known = len(nodes.paths)
    grown = nodes
    if len(classes) > known:
        more = embedded([levels.name(name) for name in classes[known:]])
        grown = nodes.over(np.concatenate([nodes.paths, more]))

    def taught(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return grown.taught(target)

    def moved(rows: Features) -> NodePredictor:
        return rows.once(("adapted", known), lambda: grown.adapted(_vectors(rows), csr_matrix(rows["ngram"])))

    def adapted(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return moved(unlabelled)

    def both(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return moved(unlabelled).taught(target)

    found = [*at_home(len(classes), len(problem)), source_only(prior=0.1)]
    found.append(Candidate("taught:nodes", "instance", taught, prior=1.0, pooled=True))
    if len(problem) + (len(problem.pool) if problem.pool.views else 0) >= FEWEST_TO_ADAPT:
        found.append(Candidate("adapted:nodes", "feature", adapted, uses_labels=False, prior=1.0))
        found.append(Candidate("adapted_taught:nodes", "instance", both, prior=2.0))
    return found


def _vectors(x: Features) -> NDArray[np.float32]:
    return np.ascontiguousarray(dense(x["text"]), np.float32)
