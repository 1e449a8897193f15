"""Classification into classes that have nothing above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import is_text
from xbsql.engine.candidates.relation import share_ratio
from xbsql.engine.estimate import Confidence
from xbsql.engine.folds import FEWEST_LABELS, minority
from xbsql.engine.objective import TILTED, classification
from xbsql.engine.tilt import factors, fit_tilt, tilted
from xbsql.engine.verdict import RARE
from xbsql.metrics import rows as metrics
from xbsql.tasks.classify.candidates import home_candidates, many_notes, transfer_candidates
from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.classify.estimated import estimated
from xbsql.tasks.classify.labels import Labels, coded, labels_of, merged
from xbsql.tasks.classify.more_classes import widened
from xbsql.tasks.classify.numbered import refuse_numbers, refuse_other_numbers
from xbsql.tasks.classify.options import ClassifyOptions
from xbsql.tasks.notes import class_notes, named_notes, spelling_notes
from xbsql.tasks.row_task import RowTask
from xbsql.tasks.scores import CLASSES, answering, class_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Candidate, Predictor
    from xbsql.engine.objective import Objective
    from xbsql.engine.transfer import Transfer
    from xbsql.metrics.rows import Floats
    from xbsql.metrics.rows import Labels as Answers
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.row_problem import Classes, RowProblem
    from xbsql.tasks.scores import Members, Score

    Problem = RowProblem[ClassifyOptions, Classifier]

LEARNERS_TO_KEEP = (":process", ":text", ":pictures")
"""Predictors without weight that a home model keeps, because a transfer starts from them."""


class Flat(RowTask[ClassifyOptions, Labels, Classifier]):
    """Labels are text, integers or booleans, at home of at least two classes."""

    name = "classify"
    options = ClassifyOptions
    fitted = Classifier
    metric = "accuracy"

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Text and booleans."""
        kind = schema.field(label).type
        return bool(is_text(kind) or pa.types.is_boolean(kind))

    def labels(self, where: str, table: pa.Table, label: str) -> Labels:
        """The labels as text."""
        return labels_of(where, table, label)

    def refuse(self, where: str, label: str, found: Labels, *, at_home: bool) -> None:
        """One class alone at home, and labels that are numbers or name the rows."""
        several = at_home and not found.pictured
        refuse_numbers(where, label, found.values, at_home=several, text=found.text)
        if at_home and len(found.classes) < 2:
            only = f"only one class, '{found.classes[0]}'" if found.classes else "no label, every row is NULL"
            problem = f"label column '{label}' holds {only}"
            raise errors.invalid(where, problem, "give rows of two classes or more")

    def classes(
        self, found: Labels, home: Classifier | None, source: Labels | None, options: ClassifyOptions
    ) -> tuple[str, ...]:
        """Those of the home model first, then what else occurs or is named, in order of the name."""
        if home is None:
            return found.classes
        return merged(home.classes, source, found, options.classes or ())

    def coded(self, found: Labels, classes: Classes) -> NDArray[np.int64]:
        """Each label's place among the classes."""
        return coded(found, classes or ())

    def judge(self, classes: Classes) -> Objective:
        """Log loss, told as accuracy."""
        return classification(len(classes or ()))

    def objective(self, problem: Problem) -> Objective:
        """The metric that was asked for; without one AUC where of two classes one is rare, else accuracy.

        Accuracy hardly moves where one class has most of the rows: a gain would not be seen.
        """
        classes, asked, y = len(problem.classes or ()), problem.options.metric, problem.sample.y
        if asked is None:
            rare = classes == 2 and len(y) >= FEWEST_LABELS and minority(problem.sample) < RARE * len(y)
            asked = "auc" if rare else "accuracy"
        return classification(classes, asked)

    def check(self, problem: Problem) -> None:
        """F1 of more than two classes, and labels that are numbers where the home market has names."""
        classes = len(problem.classes or ())
        if problem.options.metric == "f1" and classes > 2:
            what = f"the option 'metric' is 'f1', which is of two classes, and there are {classes}"
            raise errors.invalid(problem.asked.where, what, "use 'macro_f1'")
        if problem.home is not None:
            asked, own = problem.asked, np.unique(np.asarray(problem.target.y, np.int64))
            target = [(problem.classes or ())[code] for code in own]
            refuse_other_numbers(asked.where, asked.label, target, problem.home.classes)

    def reader_abroad(
        self, home: Classifier, target: pa.Table, label: str, options: ClassifyOptions
    ) -> Reader:
        """The home reader; for fine-tuning with the encoder before its dense head."""
        return home.reader.abroad(target, label, options.roles, options.keeping, pooled=options.finetune)

    def at_home_predictor(self, home: Classifier, classes: Classes) -> Predictor:
        """The home model's, for which further classes have probability 0."""
        return widened(home.predictor, len(home.classes), len(classes or ()))

    def candidates(self, problem: Problem) -> list[Candidate]:
        """See `classify.candidates`."""
        if problem.home is None:
            return home_candidates(problem)
        return transfer_candidates(problem)

    def model(self, problem: Problem, found: Transfer) -> Classifier:
        """The blend; a home model also keeps what a transfer starts from."""
        kept: dict[str, Predictor] = {}
        if problem.home is None:
            spare = [name for name in found.predictors if name not in found.blend.members]
            kept = {name: found.predictors[name] for name in spare if name.endswith(LEARNERS_TO_KEEP)}
        asked, classes = problem.asked, problem.classes or ()
        abstain, confidence = problem.options.abstain, None
        if found.held_out is not None and found.evidence is not None:
            confidence = Confidence.of(found.evidence.y, found.held_out.mean(axis=0), found.evidence.sampling)
        return Classifier(
            problem.reader, classes, found.blend, asked.label, asked.market, problem.reach, kept, abstain,
            problem.seen, confidence, self._factors(problem, found),
        )  # fmt: skip

    def _factors(self, problem: Problem, found: Transfer) -> tuple[float, ...] | None:
        """What the classes' probabilities are multiplied by before one is answered; None where it is nothing.

        Without evidence the tilt is 1 for balanced accuracy and a half for F1.
        """
        metric, y = problem.options.metric, np.asarray(problem.sample.y, np.int64)
        if metric not in TILTED or not len(y):
            return None
        tilt = 1.0 if metric == "balanced_accuracy" else 0.5
        if found.evidence is not None and found.held_out is not None:
            y = np.asarray(found.evidence.y, np.int64)
            tilt = fit_tilt(y, found.held_out, self.objective(problem).score)
        return tuple(factors(y, len(problem.classes or ()), tilt).tolist())

    def estimated(self, problem: Problem, found: Transfer) -> Transfer:
        """See `classify.estimated`."""
        return estimated(problem, found)

    def notes(self, problem: Problem) -> list[str]:
        """Labels taken as missing, classes of two spellings, and those that only one of the markets has."""
        asked = problem.asked
        blank = self.labels(asked.where, asked.data, asked.label).notes
        blank += spelling_notes(asked.label, problem.classes or ())
        blank += many_notes(problem)
        if problem.home is None or problem.classes is None or problem.origin is None:
            return blank
        home = problem.origin.sample
        known = len(problem.home.classes)
        at_home = {*range(known), *(() if home is None else np.unique(home.y).tolist())}
        labels = np.asarray(problem.target.y, np.int64)
        blank += named_notes(problem.options.classes or (), problem.classes, labels, at_home)
        return blank + class_notes(problem.classes, labels, at_home)

    def scores(self, classes: Classes) -> Mapping[str, Score]:
        """Accuracy, macro-F1, log loss, calibration error, and for two classes AUC."""
        return class_scores(len(classes or ()))

    def prediction(self, model: Classifier, rows: pa.Table, classes: Classes) -> Floats:
        """Probabilities; a class that the model does not know has 0 and counts as missed."""
        known = model.probabilities(rows)
        return np.pad(known, ((0, 0), (0, len(classes or ()) - known.shape[1])))

    def scoring(
        self, model: Classifier, rows: pa.Table, prediction: Floats, classes: Classes
    ) -> Callable[[Members], Mapping[str, Score]]:
        """The scores of `fit`, and where a row gets no label 'answered' and 'accuracy_answered'.

        These are rows below the least score of a model that abstains, and rows in which nothing can be read.
        """
        shown = class_scores(len(classes or ()))
        if model.factors is not None:
            shown |= _of_answers(np.pad(model.factors, (0, prediction.shape[1] - len(model.factors))))
        blank = model.reader.blank(rows)
        if model.abstain is None and not blank.any():
            return lambda members: shown
        answered = ~blank & (prediction.max(axis=1) >= (model.abstain or 0.0))
        return lambda members: shown | answering(answered[members], "accuracy", CLASSES["accuracy"])

    def truth(self, found: Labels) -> Answers:
        """The classes' names."""
        return np.array(found.values, object)

    def answers(self, prediction: Floats, classes: Classes) -> Answers:
        """The likeliest class of each row, by name, whatever metric is asked for."""
        return np.array(np.array(classes, object)[prediction.argmax(axis=1)])

    def agreement(self, truth: Answers, answers: Answers, weight: Floats | None) -> Floats:
        """Accuracy."""
        return metrics.mean(np.asarray(truth == answers, np.float64), weight)

    def unlabelled_fit(self, model: Classifier, source: pa.Table, target: pa.Table) -> dict[str, float]:
        """'label_shift', 0 to 1: how far the classes' shares moved.

        The total variation between the shares that the model finds at home and the likeliest ones in the
        target if only these differ (by EM, without labels: Saerens et al., 2002).
        """
        home = model.probabilities(source).mean(axis=0)
        there = home * share_ratio(model.probabilities(target), home)
        return {"label_shift": 0.5 * float(np.abs(there / there.sum() - home).sum())}


def _of_answers(factor: Floats) -> dict[str, Score]:
    """The scores of answers that rare classes are given sooner for."""

    def of(score: Score) -> Score:
        return lambda y, probability, weight: score(y, tilted(probability, factor), weight)

    own = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}
    more = {"balanced_accuracy": metrics.balanced_accuracy, "f1": metrics.f1}
    return {name: of(score) for name, score in (own | more).items()}
