"""One draw of labels, one transfer, every arm's score on rows that no model has seen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from threadpoolctl import threadpool_limits

from xbsql.engine.blend import bounded, with_source
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.boosted import Boosted
from xbsql.engine.candidates.tables import Tables, target_only
from xbsql.features.views import Features, stack
from xbsql.metrics import rows as metrics
from xbsql.tasks import road, task_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.tabular_tasks import Task
    from xbsql.engine.candidate import Predictor
    from xbsql.engine.transfer import Transfer
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.classify.classifier import Classifier
    from xbsql.tasks.predict.regressor import Regressor

ARMS = (
    *("target only", "linear", "boosted"),
    *("source only", "pooled", "naive pool", "selected", "blend", "oracle"),
)
MOST_POOL = 2000
"""Target rows that a draw is taken from; those without a label are the unlabelled ones."""


class Truth(NamedTuple):
    """The test rows' labels, and how a prediction of them is scored."""

    y: np.ndarray[Any, np.dtype[Any]]
    kind: str

    def score(self, prediction: Floats) -> float:
        """AUC or R2; NaN where one class only was to be predicted."""
        return float((metrics.auc if self.kind == "classify" else metrics.r2)(self.y, prediction))


@dataclass
class Arena:
    """A task with its home model, ready for draws."""

    task: Task
    home: Any = field(init=False)

    def __post_init__(self) -> None:
        torch.set_num_threads(1)
        self.kind: Any = task_named("bench", self.task.kind)
        with threadpool_limits(1):
            self.home, _ = road.fit(self.kind, self.task.source, self.task.label, options=self.task.options)

    def draw(self, seed: int) -> pa.Table:
        """The pool in an order that the seed draws, groups kept together: n labels are its first n rows."""
        pool, group = self.task.pool, self.task.group
        generator = np.random.default_rng([seed, 7])
        units = np.arange(pool.num_rows)
        if group is not None:
            units = pool[group].combine_chunks().dictionary_encode().indices.to_numpy()
        place = generator.permutation(int(units.max()) + 1)[units]
        order = np.lexsort((generator.random(len(place)), place))[:MOST_POOL]
        return pool.take(pa.array(order))

    def measured(self, labels: int, seed: int) -> dict[str, Any]:
        """Scores of all arms, with what the blend weighs, its interval's coverage and the seconds."""
        task, rows = self.task, self.draw(seed)
        shown = pa.array(np.arange(rows.num_rows) < labels)
        place = rows.column_names.index(task.label)
        hidden = pc.if_else(shown, rows[task.label].combine_chunks(), None)
        data = rows.set_column(place, task.label, hidden)
        start = time.perf_counter()
        with threadpool_limits(1):
            model, done = road.transfer(
                self.kind, data, task.label, base=self.home, source=task.source, options=task.options
            )
            seconds = time.perf_counter() - start
            scores = self._scores(model, done, rows.slice(0, labels))
        return {**scores, "seconds": seconds, **_told(done), **self._interval(model)}

    def alone(self, labels: int, seed: int) -> float:
        """The better target-only learner with so many labels, picked by the test score."""
        rows = self.draw(seed).slice(0, labels)
        reader = self.home.reader.abroad(rows, self.task.label, self.task.options)
        tables = Tables(2 if self.task.kind == "classify" else None, reader.table.categorical)
        sample, x = Sample(reader.read(rows), self._codes(rows)), reader.read(self.task.test)
        truth = self._truth()
        with threadpool_limits(1):
            found = [c.fit(None, sample, sample.x) for c in target_only(tables)]  # type: ignore[arg-type]
        return max(truth.score(one.predict(x)) for one in found)

    def _truth(self) -> Truth:
        return Truth(self._codes(self.task.test), self.task.kind)

    def _codes(self, rows: pa.Table) -> np.ndarray[Any, np.dtype[Any]]:
        values = rows[self.task.label]
        if self.task.kind == "predict":
            return np.asarray(values.to_numpy(), np.float64)
        names = pa.array(self.home.classes)
        return np.asarray(pc.index_in(values.cast(pa.string()), names).to_numpy(), np.int64)

    def _scores(self, model: Classifier | Regressor, done: Transfer, labelled: pa.Table) -> dict[str, float]:
        truth, x = self._truth(), with_source(model.reader.read(self.task.test), self.home.predictor)
        found = {
            name: truth.score(bounded(one.predict(x), done.blend.bounds))
            for name, one in done.predictors.items()
        }
        own = {name.partition(":")[2]: found[name] for name in found if name.startswith("target_only")}
        return {
            "target only": max(own.values()),
            **own,
            "source only": truth.score(self.home.predictor.predict(x)),
            "pooled": found["balanced_pool:boosted"],
            "naive pool": truth.score(self._naive(model, labelled).predict(x)),
            "selected": found[_selected(done)],
            "blend": truth.score(model.predictor.predict(x)),
            "oracle": max(found.values()),
            **({"error": self._error(model, done, x)} if self.task.kind == "predict" else {}),
        }

    def _error(self, model: Classifier | Regressor, done: Transfer, x: Features) -> float:
        """Mean absolute error of the blend less that of the better target-only learner: below 0 is better."""
        y = self._truth().y
        error = {
            name: float(metrics.mae(y, bounded(one.predict(x), done.blend.bounds)))
            for name, one in done.predictors.items()
            if name.startswith("target_only")
        }
        return float(metrics.mae(y, model.predictor.predict(x))) - min(error.values())

    def _naive(self, model: Classifier | Regressor, labelled: pa.Table) -> Predictor:
        """All rows in one heap, no flag and no weights."""
        reader = model.reader
        both = stack([reader.read(self.task.source), reader.read(labelled)])
        y = np.concatenate([self._codes(self.task.source), self._codes(labelled)])
        tables = Tables(2 if self.task.kind == "classify" else None, reader.table.categorical)
        return Boosted(tables.layout(), tables.classes).fit(Sample(both, y))

    def _interval(self, model: Classifier | Regressor) -> dict[str, float]:
        """Share of test labels inside the blend's intervals."""
        if self.task.kind == "classify":
            return {}
        said = model.predict(self.task.test.drop_columns([self.task.label]).combine_chunks().to_batches()[0])
        lo, hi = (said.field(name).to_numpy(zero_copy_only=False) for name in ("lo", "hi"))
        y = self._truth().y
        return {"coverage": float(np.mean((y >= lo) & (y <= hi))) if not np.isnan(lo).all() else float("nan")}


def _selected(done: Transfer) -> str:
    """The candidate with the lowest out-of-fold loss; the likeliest before any evidence."""
    if done.evidence is None:
        return max(sorted(done.weights), key=lambda name: done.weights[name])
    return done.evidence.best()


def _told(done: Transfer) -> dict[str, Any]:
    """What the verdict says, and what weighs most."""
    heaviest = sorted(done.weights, key=lambda name: -done.weights[name])[:6]
    weights: Mapping[str, float] = {name: round(float(done.weights[name]), 3) for name in heaviest}
    return {"outcome": done.verdict.outcome, "basis": done.verdict.basis, "weights": weights}
