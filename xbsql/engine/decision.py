"""From evidence, or from priors without it, to weights and a verdict, whatever candidates are fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from xbsql.engine.evidence import trimmed
from xbsql.engine.verdict import contest, judge, prior_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xbsql.engine.candidate import Entry, Sample
    from xbsql.engine.evidence import Evidence
    from xbsql.engine.objective import Objective
    from xbsql.engine.verdict import Verdict
    from xbsql.metrics.rows import Floats


class Decision(NamedTuple):
    """What is delivered, and what is said of it.

    Attributes:
        weights: every candidate's weight by name; they sum to 1.
        verdict: whether the source helped; its `labels_saved` is left open.
        held_out: the blend's own out-of-fold predictions, (repeats, n[, ...]); None without evidence.
    """

    weights: Mapping[str, float]
    verdict: Verdict
    held_out: Floats | None


def own_names(candidates: Sequence[Entry]) -> list[str]:
    """The candidates that use the target alone."""
    return [candidate.name for candidate in candidates if candidate.family == "target"]


def decided(candidates: Sequence[Entry], evidence: Evidence, objective: Objective, seed: int) -> Decision:
    """By evidence; where the source hurts, its candidates get no weight.

    Args:
        candidates: with those of the family 'target' among them.
        evidence: of all of them.
        objective: how predictions are judged.
        seed: of the bootstrap.
    """
    found = contest(evidence, candidates, objective)
    verdict = judge(evidence, found, candidates, objective, seed)
    return Decision(weighed(candidates, evidence, hurts=found.hurts), verdict, found.blend)


def weighed(candidates: Sequence[Entry], evidence: Evidence, *, hurts: bool) -> dict[str, float]:
    """Every candidate's weight by name; where the source hurts, those that use it have none."""
    kept = evidence.only(own_names(candidates)) if hurts else evidence
    return dict.fromkeys((candidate.name for candidate in candidates), 0.0) | kept.weights()


def undecided(
    candidates: Sequence[Entry], units: Sample, objective: Objective, own: float, *, source: bool
) -> Decision:
    """By the candidates' priors, where there is too little to try them on.

    Args:
        candidates: at least one.
        units: what labels there are, for the verdict.
        objective: how predictions would be judged.
        own: 0 .. 1, how much of their prior the target-only candidates have.
        source: whether there is a source.
    """
    prior = np.array([c.prior * (own if c.family == "target" else 1.0) for c in candidates])
    if not prior.sum():
        prior = np.array([c.prior for c in candidates])
    names = (candidate.name for candidate in candidates)
    weights = dict(zip(names, trimmed(prior).tolist(), strict=True))
    return Decision(weights, prior_verdict(objective, units, source=source), None)
