"""The verdict at each level of labels that are paths: a source may know the shelf and not the boot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.verdict import Contest, contest, judge
from xbsql.taxonomy.scores import node_accuracy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.engine.candidate import Candidate
    from xbsql.engine.objective import Objective
    from xbsql.engine.transfer import Transfer
    from xbsql.engine.verdict import Verdict
    from xbsql.metrics.rows import Floats
    from xbsql.taxonomy.tree import Tree


def verdict_by_level(
    found: Transfer, candidates: Sequence[Candidate], objective: Objective, tree: Tree, seed: int
) -> Transfer:
    """The same with two more arms a level, 'target only, level 1' and 'blend, level 1', and the outcomes.

    The contest is that of the labels themselves; at a level it is scored by the share of the rows whose label
    has that level for which the likeliest path has its node there.

    Args:
        found: what came out, with evidence.
        candidates: that took part.
        objective: of the labels themselves.
        tree: over the classes.
        seed: of the bootstrap.
    """
    if found.evidence is None:
        return found
    taking_part = [each for each in candidates if each.name in found.evidence.names]
    stood = _paths(tree, contest(found.evidence, taking_part, objective))
    arms, said = list(found.verdict.arms), []
    for level in range(tree.depth):
        score = node_accuracy(tree, level)
        own = replace(objective, metric=f"accuracy_level_{level + 1}", score=score)
        verdict = judge(found.evidence, stood, (), own, seed)
        arms += [replace(arm, name=f"{arm.name}, level {level + 1}") for arm in verdict.arms]
        said.append(f"{level + 1} {_told(verdict)}")
    told = replace(found.verdict, arms=tuple(arms))
    return replace(found, verdict=told.noted([f"by level: {', '.join(said)}"]))


def _paths(tree: Tree, stood: Contest) -> Contest:
    """The same with likeliest paths, (repeats, n, levels), in place of probabilities."""

    def paths(predictions: Floats) -> Floats:
        return np.stack([tree.descent(each).nodes for each in predictions])

    using = None if stood.using is None else paths(stood.using)
    return Contest(paths(stood.target), using, paths(stood.blend), paths(stood.first), hurts=stood.hurts)


def _told(verdict: Verdict) -> str:
    """The outcome, and the gain with its interval."""
    return f"{verdict.outcome} ({verdict.gain:+.3f} [{verdict.gain_lo:+.3f}, {verdict.gain_hi:+.3f}])"
