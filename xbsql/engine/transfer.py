"""The transfer engine: fit the candidates, weigh the evidence, blend, give the verdict. It knows no task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Self

import numpy as np

from xbsql import errors
from xbsql.engine.blend import blend_of, bounded, sum_of, with_source
from xbsql.engine.candidate import Source
from xbsql.engine.decision import Decision, decided, own_names, undecided, weighed
from xbsql.engine.evidence import Evidence, Setting, gather, merged
from xbsql.engine.folds import FEWEST_LABELS, enough, plan
from xbsql.engine.held_out import hold_out, judged_once
from xbsql.engine.label_curve import labels_saved
from xbsql.engine.verdict import UNMEASURED, contest
from xbsql.features.views import Features, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.blend import Blend
    from xbsql.engine.candidate import Candidate, Predictor, Sample
    from xbsql.engine.objective import Objective
    from xbsql.engine.verdict import Verdict
    from xbsql.metrics.rows import Floats
    from xbsql.progress import Progress
    from xbsql.store.model import State

MARGIN = 0.25
"""Members of a regression stay within the label range widened by this share of it."""


class Home(NamedTuple):
    """A home market that does not know some of the labelled rows.

    Attributes:
        candidates: the same ones by name.
        source: the home market without these rows.
        judges: bool, shape (n,): those rows.
    """

    candidates: Sequence[Candidate]
    source: Source
    judges: NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """What candidates are tried on, where the home market knows labelled rows: home without these.

    What is delivered is fitted on all that there is.

    Attributes:
        homes: together they judge every row that can be judged on.
        rows: bool, shape (n,): the labelled rows that can be judged on; None: all.
        listed: whether home sells the labelled products: the blend is then also measured with what home
            knows, as the arm 'home catalogue'.
    """

    homes: Sequence[Home]
    rows: NDArray[np.bool_] | None = None
    listed: bool = False


@dataclass(frozen=True)
class Transfer:
    """What came out of a transfer.

    Attributes:
        blend: the transferred model.
        predictors: every candidate fitted on all labels, by name; one that has no weight is fitted when it is
            asked for.
        weights: every candidate's weight, by name; they sum to 1.
        evidence: out-of-fold losses and predictions; None where there were too few labels.
        verdict: whether the source helped.
        held_out: the blend's own out-of-fold predictions of the rows that were tried, shape (repeats, t) or
            (repeats, t, classes); None where there were too few labels.
        tried: bool, shape (n,): those rows, t of them; None: all.
    """

    blend: Blend
    predictors: Mapping[str, Predictor]
    weights: Mapping[str, float]
    evidence: Evidence | None
    verdict: Verdict
    held_out: Floats | None
    tried: NDArray[np.bool_] | None = None

    def noted(self, notes: Sequence[str]) -> Self:
        """The same with further notes in the verdict."""
        return replace(self, verdict=self.verdict.noted(notes))


class _NoSource:
    """Stands where there is no source; only target-only candidates are fitted then, and they never ask."""

    def predict(self, x: Features) -> NoReturn:
        raise errors.invalid("transfer", f"{len(x)} rows were sent to a source that does not exist")

    def state(self) -> State:
        raise errors.invalid("transfer", "there is no source to store")

    @classmethod
    def from_state(cls, state: State) -> Self:
        raise errors.invalid("transfer", f"there is no source in a state of kind '{state.kind}'")


NO_SOURCE: Final = Source(_NoSource())
"""For candidates that use the target alone."""


def transfer(
    candidates: Sequence[Candidate],
    source: Source | None,
    target: Sample,
    unlabelled: Features,
    objective: Objective,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    trial: Trial | None = None,
) -> Transfer:
    """Carry the source to the target and say whether that helped.

    Every candidate is scored out of fold on the target's labels; the blend weighs them by that evidence.
    With under 30 independent labels, or under 5 outside the largest class, the weights are the candidates'
    priors; with no label only the candidates that use none are served. Candidates may read the view
    'source', the home model's prediction.

    Args:
        candidates: names are unique; with labels at least one is of the family 'target'.
        source: the rich market, or None: then only target-only candidates take part.
        target: the labelled rows of the target; may be empty, but its views exist.
        unlabelled: further rows of the target; candidates see them together with the rows of `target`.
        objective: how predictions are judged.
        seed: of folds and bootstrap. The same input and seed give the same result, in any candidate order.
        progress: told the share that is done and the name of the candidate after each fit.
        trial: what the candidates are tried on; None: on what they are fitted on.

    Raises:
        XbsqlError: no candidate can be fitted, or none is target-only though there are labels.
    """
    tried = _tried(candidates, source, target, unlabelled, objective, seed, progress, trial)
    weights, verdict, predicted = _decide(tried, source=source is not None)
    if trial is not None and trial.listed and tried.evidence is not None and tried.held is None:
        found = _listed(tried, tried.evidence, weights)
        verdict = verdict.measured("home catalogue", found, tried.evidence, objective, seed)
    predictors = tried.fitted(weights)
    blend = _blend(tried, predictors, weights, source)
    rows = None if trial is None else trial.rows
    if tried.held is not None:
        rows = tried.held if rows is None else _within(rows, tried.held)
    return Transfer(blend, predictors, weights, tried.evidence, verdict, predicted, rows)


def carried(
    candidates: Sequence[Candidate],
    source: Source | None,
    target: Sample,
    unlabelled: Features,
    objective: Objective,
    *,
    seed: int = 0,
) -> Blend:
    """The blend of `transfer`, with the same arguments, where nobody asks for a verdict."""
    tried = _tried(candidates, source, target, unlabelled, objective, seed)
    if tried.evidence is None:
        weights = _decide(tried, source=source is not None).weights
    else:
        abroad = any(candidate.family != "target" for candidate in tried.candidates)
        hurts = abroad and contest(tried.evidence, tried.candidates, objective).hurts
        weights = weighed(tried.candidates, tried.evidence, hurts=hurts)
    return _blend(tried, tried.fitted(weights), weights, source)


@dataclass(frozen=True)
class _Tried:
    """Candidates, and what they did out of fold.

    Attributes:
        candidates: those that take part.
        setting: what they are fitted on.
        judged: the same with the labelled rows that they are judged on.
        fixed: those that use no label, fitted, by name.
        evidence: None where there are too few labels.
        step: called with a candidate's name after each fit.
        held: bool, shape (judged rows,): those that the evidence is of; None: all.
    """

    candidates: Sequence[Candidate]
    setting: Setting
    judged: Setting
    fixed: Mapping[str, Predictor]
    evidence: Evidence | None
    step: Callable[[str], None]
    held: NDArray[np.bool_] | None = None

    def fitted(self, weights: Mapping[str, float]) -> Predictors:
        """The candidates fitted on all labels: at once those that have weight, the others when asked for."""
        predictors = Predictors(self.setting, self.candidates, self.fixed)
        for name in (name for name in predictors if name not in self.fixed):
            if weights[name] > 0:
                predictors[name]
            self.step(name)
        return predictors


def _tried(
    candidates: Sequence[Candidate], source: Source | None, target: Sample, unlabelled: Features,
    objective: Objective, seed: int, progress: Progress | None = None, trial: Trial | None = None,
) -> _Tried:  # fmt: skip
    """Let the candidates that can take part predict rows whose labels they have not seen."""
    taking_part = _taking_part(candidates, source, len(target))
    setting = _setting(source, target, unlabelled, objective, seed)
    judged = setting
    if trial is not None and trial.rows is not None:  # the others stay among the unlabelled ones
        judged = replace(setting, target=setting.target.take(trial.rows))
    step = _counter(taking_part, judged, progress)
    fixed, evidence = _without_labels(taking_part, setting, step), None
    if enough(judged.target, objective) and judged_once(len(judged.target), objective.classes):
        found = hold_out(judged, taking_part, fixed, step)
        return _Tried(taking_part, setting, judged, fixed, found.evidence, step, found.rows)
    if enough(judged.target, objective):
        parts = trial and [_elsewhere(home, judged, trial.rows, step) for home in trial.homes]
        evidence = merged(parts) if parts else gather(judged, taking_part, fixed, step)
    return _Tried(taking_part, setting, judged, fixed, evidence, step)


def _within(rows: NDArray[np.bool_], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the rows that can be judged on those that were held out."""
    found = rows.copy()
    found[rows] = held
    return found


def _elsewhere(
    home: Home, setting: Setting, rows: NDArray[np.bool_] | None, step: Callable[[str], None]
) -> tuple[Evidence, NDArray[np.bool_]]:
    """The evidence with another home, and the rows that it judges."""
    bare = _bare(setting.target.x), _bare(setting.everyone)
    target = replace(setting.target, x=with_source(bare[0], home.source.predictor))
    everyone = with_source(bare[1], home.source.predictor)
    there = replace(setting, source=home.source, target=target, everyone=everyone)
    candidates = _taking_part(home.candidates, home.source, len(target))
    found = gather(there, candidates, _without_labels(candidates, there, step), step)
    return found, home.judges if rows is None else home.judges[rows]


def _bare(x: Features) -> Features:
    """The features without the view 'source'."""
    return Features({name: x[name] for name in x.views if name != "source"})


def _listed(tried: _Tried, evidence: Evidence, weights: Mapping[str, float]) -> Floats:
    """What the blend predicts out of fold with all that home knows: one round of the evidence's folds.

    Returns:
        Shape (1, n) or (1, n, classes).
    """
    judged, fold = tried.judged, evidence.folds[0]
    members = [candidate for candidate in tried.candidates if weights[candidate.name] > 0]
    found = {c.name: np.array(evidence.predictions[c.name][0]) for c in members}
    for name in (c.name for c in members if c.name in tried.fixed):
        found[name] = bounded(tried.fixed[name].predict(judged.target.x), judged.bounds)
    for held_out in np.unique(fold):
        rows = fold == held_out
        split = judged.split(rows)
        for candidate in (c for c in members if c.name not in tried.fixed and c.family != "target"):
            found[candidate.name][rows] = split.predicted(candidate)
    return sum_of(found, weights)[None]


def _without_labels(
    candidates: Sequence[Candidate], setting: Setting, step: Callable[[str], None]
) -> dict[str, Predictor]:
    """The candidates that use no label, fitted."""
    none, fitted = replace(setting, target=setting.target.take(slice(0, 0))), {}
    for candidate in (c for c in candidates if not c.uses_labels):
        fitted[candidate.name] = none.fitted(candidate)
        step(candidate.name)
    return fitted


def _blend(
    tried: _Tried, predictors: Mapping[str, Predictor], weights: Mapping[str, float], source: Source | None
) -> Blend:
    setting = tried.setting
    probe = (setting.target.x if len(setting.target) else setting.everyone).take(slice(0, 2))
    home = None if source is None else source.predictor
    return blend_of(predictors, weights, home, setting.bounds, probe)


class Predictors(Mapping[str, "Predictor"]):
    """Candidates fitted on all rows of a setting, each when it is first asked for.

    Args:
        setting: what they are fitted on.
        candidates: all of them.
        fitted: those that are fitted already, by name.
    """

    def __init__(
        self, setting: Setting, candidates: Sequence[Candidate], fitted: Mapping[str, Predictor]
    ) -> None:
        self._setting = setting
        self._candidates = {candidate.name: candidate for candidate in candidates}
        self._fitted = dict(fitted)

    def __getitem__(self, name: str) -> Predictor:
        if name not in self._fitted:
            self._fitted[name] = self._setting.fitted(self._candidates[name])
        return self._fitted[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._candidates)

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, name: object) -> bool:
        return name in self._candidates


def _taking_part(candidates: Sequence[Candidate], source: Source | None, labels: int) -> list[Candidate]:
    """The candidates that can be fitted here, by name, so that the order they are given in changes no bit."""
    possible = [c for c in candidates if source is not None or c.family == "target"]
    fit = [c for c in possible if labels or not c.uses_labels]
    if not fit:
        lack = "no candidate serves without target labels" if possible else "every candidate needs a source"
        raise errors.invalid("transfer", lack, "label some target rows or give a source")
    if labels and not any(c.family == "target" for c in fit):
        raise errors.invalid("transfer", "there is no target-only candidate to compare with", "add one")
    names = [c.name for c in fit]
    if twice := {name for name in names if names.count(name) > 1}:
        raise errors.invalid("transfer", f"two candidates are named '{min(twice)}'", "rename one")
    return sorted(fit, key=lambda c: c.name)


def _setting(
    source: Source | None, target: Sample, unlabelled: Features, objective: Objective, seed: int
) -> Setting:
    """Labelled rows and all rows of the target, both with the view 'source' where there is one."""
    rows = len(unlabelled) if unlabelled.views else 0
    everyone = stack([target.x, unlabelled]) if rows else target.x
    home = source or NO_SOURCE
    bounds = _bounds(home, target, objective)
    if source is not None:
        target = replace(target, x=with_source(target.x, source.predictor))
        everyone = with_source(everyone, source.predictor)
    return Setting(home, target, everyone, objective, bounds, seed)


def _bounds(home: Source, target: Sample, objective: Objective) -> tuple[float, float] | None:
    """The range of values that members are held to; while labels are few the source's count as well."""
    if objective.classes is not None:
        return None
    labels = np.asarray(target.y, np.float64)
    if len(labels) < FEWEST_LABELS:
        if home.sample is None:
            return None
        labels = np.concatenate([labels, np.asarray(home.sample.y, np.float64)])
    lo, hi = float(labels.min()), float(labels.max())
    return lo - MARGIN * (hi - lo), hi + MARGIN * (hi - lo)


def _counter(
    candidates: Sequence[Candidate], setting: Setting, progress: Progress | None
) -> Callable[[str], None]:
    """A function to call after each fit; it turns the count into a share for `progress`."""
    labels = len(setting.target)
    folds, repeats = plan(labels) if enough(setting.target, setting.objective) else (0, 0)
    if judged_once(labels, setting.objective.classes):
        folds, repeats = min(folds, 1), 1
    total = sum(folds * repeats + 1 if c.uses_labels else 1 for c in candidates)
    done = 0

    def step(name: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done / total, name)

    return step


def _unseen(found: Decision, labels: int) -> Decision:
    """The same where home was fitted on labelled rows, which say nothing of it; `labels` counts all."""
    left = found.verdict.labels
    reason = f"home was fitted on {labels - left} of {labels} labelled rows, and {left} others are too few"
    reason = f"{reason} ({FEWEST_LABELS} are needed): {UNMEASURED}"
    return found._replace(verdict=replace(found.verdict, reason=reason, labels=labels))


def _decide(tried: _Tried, *, source: bool) -> Decision:
    """Weights by candidate name, the verdict, and what the blend of these weights predicts out of fold."""
    candidates, evidence, judged = tried.candidates, tried.evidence, tried.judged
    objective, labels = judged.objective, len(tried.setting.target)
    if evidence is None:
        own = min(1.0, labels / FEWEST_LABELS)
        found = undecided(candidates, judged.target, objective, own, source=source)
        return found if labels == len(judged.target) else _unseen(found, labels)
    found = decided(candidates, evidence, objective, judged.seed)
    verdict = found.verdict
    if verdict.outcome == "HELPS" and tried.held is None:
        best = evidence.only(own_names(candidates)).best()
        candidate = next(c for c in candidates if c.name == best)
        saved = labels_saved(judged, candidate, verdict.value("target only"), verdict.value("blend"))
        found = found._replace(verdict=replace(verdict, labels_saved=saved))
    return found
