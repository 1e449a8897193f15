"""The verdict: what the evidence says about the transfer, in numbers and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from xbsql.engine.evidence import mean_loss, standard_scores, standing
from xbsql.engine.folds import FEWEST_LABELS, FEWEST_OF_OTHERS, groups_of, minority
from xbsql.engine.objective import regression
from xbsql.engine.tilt import tilted_apart
from xbsql.metrics import rows as metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Entry, Sample
    from xbsql.engine.evidence import Evidence
    from xbsql.engine.objective import Objective
    from xbsql.metrics.rows import Floats

Outcome = Literal["HELPS", "NO EVIDENCE", "HURTS", "NOT MEASURED"]
Basis = Literal["evidence", "prior"]

CLAIM = 0.98
"""Level of the gain's interval. Many candidates of the source take part, whose mean alone brings a little; so
what is said in the source's favour is held to more than 95 %."""


UNMEASURED = "the weights are a prior, nothing was measured"

RARE = 0.3
"""Share of the labels below which one of two classes is rare."""

TOGETHER = 1.645
"""Standard errors, the mean of AUC's and log loss's, from which on a source helps where a class is rare."""


@dataclass(frozen=True)
class Arm:
    """The out-of-fold score of one way to serve the target; None where nothing was measured.

    Attributes:
        name: 'target only', 'source only', 'pooled' or 'blend'; 'home catalogue' see `Trial`.
        value: the score, higher is better.
        lo: lower end of its 95 % bootstrap interval.
        hi: upper end.
    """

    name: str
    value: float | None
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether the transfer helped.

    Attributes:
        outcome: HELPS where the interval of the gain lies above 0 (of a rare class see `_ahead`); HURTS where
            the best weighting of the candidates that use the source is clearly worse than the target alone
            (they get no weight then); NOT MEASURED where there are too few labels; NO EVIDENCE else.
        basis: 'evidence' from folds over the labels, 'prior' where there are too few of them.
        metric: the score's name.
        arms: the score of each arm.
        gain: blend, before its weights are refined, minus target only; under HURTS the loss that the source
            would have brought. None without evidence, and so are the ends of its interval.
        gain_lo: lower end of the 98 % paired bootstrap interval.
        gain_hi: upper end.
        labels: how many target labels there were.
        labels_saved: how many more labels the target alone would need for the blend's score, estimated from
            its own learning curve; twice the labels there are stands for that many or more. None where it
            cannot be told.
        reason: one sentence.
        notes: one line each: what the user should know beside.
    """

    outcome: Outcome
    basis: Basis
    metric: str
    arms: tuple[Arm, ...]
    gain: float | None
    gain_lo: float | None
    gain_hi: float | None
    labels: int
    labels_saved: float | None
    reason: str
    notes: tuple[str, ...] = field(default=())

    def value(self, arm: str) -> float:
        """The score of an arm; NaN where it was not measured."""
        values = {found.name: found.value for found in self.arms}
        found = values.get(arm)
        return float("nan") if found is None else found

    def noted(self, notes: Sequence[str]) -> Verdict:
        """The same with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def measured(
        self, name: str, predictions: Floats, evidence: Evidence, objective: Objective, seed: int
    ) -> Verdict:
        """The same with one more arm.

        Args:
            name: of the arm.
            predictions: out of fold, shape (repeats, n[, classes]).
            evidence: whose labels they are measured on.
            objective: how predictions are judged.
            seed: of the bootstrap.
        """
        shown = _answering(objective, evidence, predictions, evidence.folds[: len(predictions)])
        drawn = _Drawn(objective, evidence, _counts(evidence, seed))
        arm = _arm(name, objective, evidence, shown, drawn)
        return replace(self, arms=(*self.arms, arm))


@dataclass(frozen=True)
class Contest:
    """The three ways to serve the target, out of fold: without the source, with it alone, and all weighted.

    Attributes:
        target: of the best target-only candidate or of their blend, and where these lose more than the mean
            label of the other folds, that: predictions (repeats, n[, classes]).
        using: of the best weighting of the candidates that use the source; None where there is none.
        blend: of the weighting that is delivered.
        first: of the weighting before it was refined; the gain is judged by it, since refining gains from
            every further member, whatever that knows, and most members use the source.
        hurts: whether `using` is clearly worse than `target`.
    """

    target: Floats
    using: Floats | None
    blend: Floats
    first: Floats
    hurts: bool


def contest(evidence: Evidence, candidates: Sequence[Entry], objective: Objective) -> Contest:
    """Let the target alone stand against the source.

    The target alone is as strong as it can be: the best of its candidates and of their own blend, so that
    what averaging brings is not counted for the source. Where it has nothing to learn from it is the mean
    label: a source that knows nothing is fitted on more rows, stays nearer to the mean and would be ahead.
    """
    own = evidence.only([c.name for c in candidates if c.family == "target"])
    using = evidence.only([c.name for c in candidates if c.family != "target"])
    entries = [own.predictions[name] for name in own.names] + [own.blended()]
    losses = np.stack([_lost(objective, evidence, entry) for entry in entries])
    best = int(losses.mean(axis=1).argmin())
    if not using.names:
        return Contest(entries[best], None, entries[-1], entries[-1], hurts=False)
    carried = using.blended()
    worse = _lost(objective, evidence, carried) - losses[best]
    hurts = bool(standard_scores(worse[None])[0] > evidence.refused)
    blend = entries[-1] if hurts else evidence.blended()
    first = replace(evidence, mixes=False).blended() if evidence.mixes else blend
    target = entries[best]
    if objective == regression():
        level = evidence.levels()
        target = level if _lost(objective, evidence, level).mean() < losses[best].mean() else target
    return Contest(target, carried, blend, first, hurts)


def _lost(objective: Objective, evidence: Evidence, predictions: Floats) -> Floats:
    """Loss of each independent unit, shape (units,)."""
    return np.asarray(evidence.of_units(mean_loss(objective, evidence.y, predictions)[None])[0])


def judge(
    evidence: Evidence, found: Contest, candidates: Sequence[Entry], objective: Objective, seed: int
) -> Verdict:
    """The verdict from evidence; `labels_saved` is left open."""
    n = len(evidence.y)
    counts = _counts(evidence, seed)
    shown = {"target only": found.target, **_single_arms(evidence, candidates), "blend": found.blend}
    carried = found.using if found.hurts and found.using is not None else found.first
    shown = {name: _answering(objective, evidence, entry, evidence.folds) for name, entry in shown.items()}
    carried = _answering(objective, evidence, carried, evidence.folds)
    target = shown["target only"]
    drawn = _Drawn(objective, evidence, counts)
    arms = tuple(_arm(name, objective, evidence, entry, drawn) for name, entry in shown.items())
    gain, draws = _difference(carried, target, drawn)
    lo, hi = metrics.interval(draws, CLAIM)
    ahead = _ahead(objective, evidence, found, gain, draws)
    helps = found.using is not None and not found.hurts and (lo > 0 if ahead is None else ahead > TOGETHER)
    outcome: Outcome = "HURTS" if found.hurts else "HELPS" if helps else "NO EVIDENCE"
    reason = _reason(outcome, objective.metric, gain, lo, hi, n, source=found.using is not None)
    if found.using is not None and not found.hurts:
        reason += _how_sure(ahead, draws, helps=helps)
    return Verdict(outcome, "evidence", objective.metric, arms, gain, lo, hi, n, None, reason)


def _ahead(
    objective: Objective, evidence: Evidence, found: Contest, gain: float, draws: Floats
) -> float | None:
    """Standard errors by which the blend is ahead in AUC and in log loss, the mean of both.

    Where one of two classes is rare, either alone finds few of the gains there are: AUC knows the order of
    rows only, log loss how sure they are, and each has noise of its own. The target alone stands as the best
    of its candidates on these very rows, so that a source that knows nothing lies a standard error behind.

    Returns:
        None where no class is rare or another score was asked for.
    """
    y = evidence.y
    if objective.metric != "auc" or objective.classes != 2 or np.bincount(y).min() >= RARE * len(y):
        return None
    lost = _lost(objective, evidence, found.target) - _lost(objective, evidence, found.first)
    spread = _spread(draws)
    return float(0.5 * (gain / spread + standard_scores(lost[None])[0])) if spread else 0.0


def _spread(draws: Floats) -> float:
    """The standard deviation of the draws that are defined; 0 where none is."""
    known = draws[~np.isnan(draws)]
    return float(known.std()) if len(known) else 0.0


def _how_sure(ahead: float | None, draws: Floats, *, helps: bool) -> str:
    """What the reason says beside: how far ahead the blend is, or which gain such labels would show."""
    said = "" if ahead is None else f"; AUC and log loss together are {ahead:.1f} standard errors ahead"
    if helps:
        return said
    least = ((TOGETHER if ahead is not None else 2.33) + 0.84) * _spread(draws)
    return f"{said}; a gain of {least:.2f} would be found in four of five such draws"


def _answering(
    objective: Objective, evidence: Evidence, predictions: Floats, folds: NDArray[np.int64]
) -> Floats:
    """Predictions as the score wants them: rare classes sooner, where it counts these for more."""
    if not objective.tilts:
        return predictions
    return tilted_apart(evidence.y, np.asarray(predictions), folds, objective.score)


def _counts(evidence: Evidence, seed: int) -> Floats:
    """How often each row occurs in each resample, times what it stands for; shape (draws, n)."""
    n = len(evidence.y)
    counts = metrics.bootstrap_counts(n, 1000 if n <= 4000 else 300, seed, evidence.group)
    return counts if evidence.sampling is None else counts * evidence.sampling


def prior_verdict(objective: Objective, target: Sample, *, source: bool) -> Verdict:
    """The verdict without evidence."""
    names = ("target only", "source only", "pooled", "blend") if source else ("target only", "blend")
    reason = f"{_lack(target)}: {UNMEASURED}"
    arms = tuple(Arm(name, None) for name in names)
    return Verdict(
        "NOT MEASURED", "prior", objective.metric, arms, None, None, None, len(target), None, reason
    )


def _lack(target: Sample) -> str:
    """What folds would need."""
    units = len(np.unique(groups_of(target)))
    if not units:
        return "there is no target label"
    if units < FEWEST_LABELS:
        kind = "independent target label" if units < len(target) else "target label"
        many = f"{kind} is" if units == 1 else f"{kind}s are"
        return f"{units} {many} too few ({FEWEST_LABELS} are needed)"
    return f"{minority(target)} labels outside the largest class are too few ({FEWEST_OF_OTHERS} are needed)"


def _single_arms(evidence: Evidence, candidates: Sequence[Entry]) -> dict[str, Floats]:
    """The arms that one candidate stands for: the likeliest of the family 'source', and the pooled one."""
    alone = sorted((c for c in candidates if c.family == "source"), key=lambda c: (-c.prior, c.name))
    pooled = [c for c in candidates if c.pooled]
    arms = {"source only": alone[:1], "pooled": pooled[:1]}
    return {arm: evidence.predictions[chosen[0].name] for arm, chosen in arms.items() if chosen}


def _arm(name: str, objective: Objective, evidence: Evidence, predictions: Floats, drawn: _Drawn) -> Arm:
    """The arm; a share has at least Wilson's interval, as resamples of rows that are all right are alike."""
    value = float(np.mean([drawn.score(prediction) for prediction in predictions]))
    lo, hi = metrics.interval(drawn.of(predictions))
    if objective.metric == "accuracy":
        share = 1.0 if evidence.sampling is None else standing(evidence.sampling)
        least, most = metrics.wilson(value, len(evidence.y) * share)
        lo, hi = min(lo, least), max(hi, most)
    return Arm(name, value, lo, hi)


class _Drawn:
    """Scores of all rows and in bootstrap resamples, the latter found once for arms that predict the same.

    Args:
        objective: has the score.
        evidence: has the labels, and what each stands for.
        counts: how often each row occurs in each resample, times what it stands for, shape (draws, n).
    """

    def __init__(self, objective: Objective, evidence: Evidence, counts: Floats) -> None:
        self._objective, self._y, self._counts = objective, evidence.y, counts
        self._sampling = evidence.sampling
        self._known: list[tuple[Floats, Floats]] = []

    def score(self, prediction: Floats) -> Floats:
        """The score of all rows, each for those that it stands for."""
        return self._objective.score(self._y, prediction, self._sampling)

    def of(self, predictions: Floats) -> Floats:
        """The score in every resample, mean over the repeats; shape (draws,)."""
        for seen, draws in self._known:
            if np.array_equal(seen, predictions):
                return draws
        scores = [self._objective.score(self._y, prediction, self._counts) for prediction in predictions]
        draws = np.asarray(np.mean(scores, axis=0))
        self._known.append((predictions, draws))
        return draws


def _difference(one: Floats, other: Floats, drawn: _Drawn) -> tuple[float, Floats]:
    """Score of `one` minus that of `other`, and the same in each resample (paired)."""
    gains = [drawn.score(a) - drawn.score(b) for a, b in zip(one, other, strict=True)]
    return float(np.mean(gains)), drawn.of(one) - drawn.of(other)


def _reason(
    outcome: Outcome, metric: str, gain: float, lo: float, hi: float, labels: int, *, source: bool
) -> str:
    if not source:
        return f"there is no source; {labels} labels were used"
    by = f"{metric} {gain:+.3f} [{lo:+.3f}, {hi:+.3f}] on {labels} labels"
    sentences: Mapping[Outcome, str] = {
        "HELPS": f"with the source the blend beats the target alone: {by}",
        "HURTS": f"every use of the source is worse than the target alone ({by}); it got no weight",
        "NO EVIDENCE": f"the blend cannot be told from the target alone: {by}",
    }
    return sentences[outcome]
