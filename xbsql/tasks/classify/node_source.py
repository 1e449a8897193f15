"""A taxonomy as the source: its nodes in place of a home market's rows."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.nodes import NodePredictor
from xbsql.engine.candidates.relation import source_only
from xbsql.engine.transfer import Trial
from xbsql.engine.transfer import transfer as run
from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.classify.many_classes import at_home
from xbsql.tasks.classify.options import ClassifyOptions
from xbsql.tasks.row_task import RowProblem
from xbsql.taxonomy.nodes import Nodes, embedded
from xbsql.taxonomy.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor, Source
    from xbsql.engine.transfer import Transfer
    from xbsql.features.views import Features
    from xbsql.progress import Progress
    from xbsql.taxonomy.levels import Levels


class NodeProblem(RowProblem[ClassifyOptions, Classifier]):
    """The nodes of a taxonomy: a name held out has nothing to be told by, so nothing is tried."""

    @classmethod
    def of(cls, problem: RowProblem[ClassifyOptions, Classifier]) -> NodeProblem:
        """The same rows as nodes."""
        return cls(**{field.name: getattr(problem, field.name) for field in fields(problem)})

    def weighed(self, candidates: Sequence[Candidate], progress: Progress) -> Transfer:
        """The candidates fitted, and no row judged on."""
        judge, seed = self.task.objective(self), self.options.seed
        nothing = Trial((), np.zeros(len(self), bool))
        return run(
            candidates, None, self.sample, self.pool, judge, seed=seed, progress=progress, trial=nothing
        )


def node_candidate(problem: RowProblem[ClassifyOptions, Classifier], levels: Levels) -> Candidate:
    """What is learnt of nodes alone: their names and paths."""
    labels = problem.target.known[problem.asked.label].to_pylist()
    names = problem.reader.raw_texts(problem.target.known).to_pylist()
    classes = problem.classes or ()
    nodes = Nodes.of(problem.asked.where, labels, names, levels)
    place = {label: node for node, label in enumerate(nodes.tree.labels)}
    paths = embedded([nodes.paths[place[name]] for name in classes])
    above = family(classes, levels)

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return NodePredictor.of(target, paths, above)

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
        grown = nodes.over(np.concatenate([nodes.paths, more]), family(classes, levels))

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return grown.taught(target)

    taught = Candidate("taught:nodes", "instance", fit, prior=2.0, pooled=True)
    return [*at_home(len(classes), len(problem)), source_only(prior=1.0), taught]


def family(classes: Sequence[str], levels: Levels) -> NDArray[np.int64]:
    """The node above each class at each level, -1 from the class itself down; int64, (classes, levels)."""
    tree = Tree.of(classes, levels)
    found = tree.ancestors[tree.node].copy()
    found[np.arange(len(classes)), tree.level[tree.node]] = -1
    return found
