"""The candidates for text: what a home model of titles can do for titles in another language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xbsql.engine.candidate import Candidate, Sample
from xbsql.engine.candidates.alignment import Moved, laid, map_between, moved
from xbsql.engine.candidates.covariance import MOST_ROWS
from xbsql.engine.candidates.feature import source_score
from xbsql.engine.candidates.finetune import HeadTuner
from xbsql.engine.candidates.instance import pool, pooling, rows_of
from xbsql.engine.candidates.linear import Linear, LinearPredictor
from xbsql.engine.candidates.neighbours import NeighbourVote
from xbsql.engine.candidates.parameter import l2_sp, recalibrated
from xbsql.engine.candidates.process import GaussianProcess, Process, share_of_each
from xbsql.engine.candidates.pseudo_labels import Unechoed, adopted
from xbsql.engine.candidates.relation import label_shift, source_only
from xbsql.engine.design import Layout, dense
from xbsql.features.encoder import encoder
from xbsql.tasks.candidates import TEXT, alone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Learner, Predictor, Source
    from xbsql.engine.candidates.process import Factor
    from xbsql.features.views import Features

MOST_ADOPTED = 2048
"""Unlabelled target rows that get a pseudo-label, those nearest to their partner first."""

FEWEST_TO_ALIGN = 100
"""Unlabelled target rows below which nothing is aligned or adopted."""

ADOPTED_NOISE = 0.6
"""Pseudo-labels are trusted half as much as the source's labels, and class names as much as these."""

TARGET_NOISE = 0.15
"""The target's own labels are trusted twice as much as the source's."""

LINE_PENALTY = 1 / 3


@dataclass(frozen=True)
class Texts:
    """The kind of text problem, and what candidates are made of beside the source.

    Attributes:
        classes: how many, over source and target together.
        pool: target rows without a label, never to be scored on; may be empty.
        names: the classes' own names in the target's language, labelled; None where the user gave none.
    """

    classes: int
    pool: Features
    names: Sample | None = None


class Abroad:
    """The home process laid out over the target: aligned, with adopted rows, ready to take labels.

    Everything in it is made once, when the first fold asks, and no target label enters.
    """

    def __init__(self, home: Process, texts: Texts) -> None:
        self._home, self._texts = home, texts

    @cached_property
    def across(self) -> NDArray[np.float32]:
        """The map from the target's embeddings to the home market's."""
        pool, home = dense(self._texts.pool["text"]), dense(self._home.rows["text"])
        return map_between(np.asarray(pool, np.float32), np.asarray(home, np.float32))

    @cached_property
    def adopted(self) -> Sample:
        """Rows of the pool with the class of their partner at home."""
        known = Sample(self._home.rows, self._home.y)
        return adopted(moved(self._texts.pool, self.across), known, MOST_ADOPTED)

    @cached_property
    def factor(self) -> Factor:
        """The home factor with the adopted rows and the class names."""
        home, found = self._home, self.adopted
        grown = home.factor.extended(found.x, np.asarray(found.y, np.int64), ADOPTED_NOISE)
        if self._texts.names is None:
            return grown
        names = self._texts.names
        return grown.extended(moved(names.x, self.across), np.asarray(names.y, np.int64), ADOPTED_NOISE)

    def fit(self, target: Sample) -> Moved:
        """The process with the target's labels on top; with none of them it is what home alone gives."""
        rows = laid(target.x, self.across) if len(target) else target.x
        grown, process = with_labels(self.factor, rows, target, self._home, self._texts.classes)
        first, held = len(self._home.y), self.adopted.x
        heard = Unechoed(process, first, held, lambda: grown.left_out(process, first, first + len(held)))
        return Moved(heard, self.across)


def text_candidates(
    texts: Texts, source: Source | None, home: Process | None, line: LinearPredictor | None
) -> list[Candidate]:
    """What can be tried on this problem with what is left of the source.

    Args:
        texts: the kind of problem.
        source: rows and model, the model alone, or None for the target-only candidates.
        home: the home market's process, its classes being the first ones; None where no row left home.
        line: the home market's line on the view 'text'; None where there is none.

    Returns:
        Candidates with unique names; target-only ones come first.
    """
    found = target_only(texts)
    if source is None:
        return found
    found += from_model(texts, source, only_model=home is None)
    if line is not None:
        wide = widened(line, texts.classes)
        found.append(l2_sp(lambda _: wide, TEXT, texts.classes, "l2_sp:text", penalty=1.0, prior=0.2))
    if home is not None:
        found += from_process(texts, home)
    if source.sample is not None:
        found.append(pooling(NeighbourVote(texts.classes), "balanced_pool:neighbours", prior=0.1))
    return found


def target_only(texts: Texts) -> list[Candidate]:
    """Both learners on the target's rows alone."""
    learners: dict[str, Learner] = {
        "target_only:text": Linear(TEXT, texts.classes, LINE_PENALTY),
        "target_only:process": GaussianProcess(texts.classes),
    }
    return [alone(name, learner) for name, learner in learners.items()]


def from_model(texts: Texts, source: Source, *, only_model: bool) -> list[Candidate]:
    """Candidates that need the home model's prediction and at most the class shares of its rows.

    Its score as a feature takes as long to fit as all others together, so it takes part only where the model
    is `only_model`: where no row left home and the process is missing.
    """
    found = [source_only(prior=0.15), recalibrated(texts.classes, "recalibrated:home", prior=0.1)]
    if only_model:
        scored = Linear(Layout(("source", "text")), texts.classes, penalty=1.0)
        found.append(source_score(scored, "source_score:text", prior=0.2))
    if source.sample is not None:
        found.append(label_shift(texts.classes, "label_shift:home", prior=0.05))
    return found


def from_process(texts: Texts, home: Process) -> list[Candidate]:
    """The home process with the target's labels, and laid out over the target's unlabelled rows."""

    def pooled(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return with_labels(home.factor, target.x, target, home, texts.classes)[1]

    found = [Candidate("pool:process", "instance", pooled, prior=0.5, pooled=True)]
    if not texts.pool.views or len(texts.pool) < FEWEST_TO_ALIGN:
        return found
    abroad = Abroad(home, texts)

    def aligned(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return abroad.fit(target)

    return [
        *found,
        Candidate("aligned:process", "feature", aligned, uses_labels=False, prior=1.0),
        Candidate("aligned_pool:process", "instance", aligned, prior=2.0),
    ]


def fine_tuned(classes: int) -> Candidate:
    """The encoder's dense head, fine-tuned on balanced pooled rows."""
    tuner = HeadTuner(encoder().head(), classes)

    def fit(source: Source, target: Sample, unlabelled: Features) -> Predictor:
        return tuner.fit(pool(rows_of(source), target))

    return Candidate("finetuned:head", "parameter", fit, prior=0.5)


def widened(line: LinearPredictor, classes: int) -> LinearPredictor:
    """The same line with further classes that it holds for unlikely."""
    more = classes - len(line.intercept)
    if not more:
        return line
    coefficients = np.pad(line.coefficients, ((0, 0), (0, more)))
    intercept = np.pad(line.intercept, (0, more), constant_values=line.intercept.min() - 3.0)
    return LinearPredictor(line.design, coefficients, intercept, classes)


def with_labels(
    factor: Factor, rows: Features, target: Sample, home: Process, classes: int
) -> tuple[Factor, Process]:
    """A factor with the target's labels, at most `MOST_ROWS`; they say how sharp probabilities may be."""
    y = np.asarray(target.y, np.int64)
    kept = share_of_each(y, MOST_ROWS)
    rows = rows if len(kept) == len(y) else rows.take(kept)
    grown = factor.extended(rows, y[kept], TARGET_NOISE)
    group = target.group[kept] if target.group is not None and home.covariance.picture else None
    return grown, grown.fitted(classes, last=len(kept), sharpness=home.sharpness, group=group)
