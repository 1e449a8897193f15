"""A fitted classifier: rows in, the likeliest class of each out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.store.model import Signature, State, restorable, restore
from xbsql.tasks.reach import shifts
from xbsql.tasks.row_model import Explained, Promise, RowModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.engine.blend import Blend
    from xbsql.engine.candidate import Predictor
    from xbsql.engine.estimate import Confidence
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.classify.path_answers import PathAnswers
    from xbsql.tasks.reach import Reach
    from xbsql.tasks.reader import Reader
    from xbsql.tasks.seen import Seen

CELLS = 2_000_000
"""Probabilities that are held at a time."""

OUTPUT = pa.struct(
    [
        ("label", pa.string()),
        ("score", pa.float64()),
        ("runner_up", pa.string()),
        ("margin", pa.float64()),
        ("shift", pa.float64()),
        ("path", pa.list_(pa.string())),
        ("level", pa.int32()),
        ("scores", pa.list_(pa.float64())),
        ("best", pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())]))),
    ]
)


@restorable("classifier")
@dataclass(frozen=True)
class Classifier(RowModel):
    """A blend of predictors over named classes.

    Attributes:
        reader: table -> views.
        classes: names by class code.
        predictor: views -> probabilities.
        label: the column it was fitted on.
        market: what it was fitted for; None where nobody said.
        reach: for `shift`; None where no row may leave the market: `shift` is NULL then.
        kept: predictors without weight in the blend that a transfer starts from, by name.
        abstain: the least score with which a row gets a label; None labels every row.
        seen: hashes of the rows that it was fitted on.
        confidence: how often it is right by how sure it is; None where there were too few labels to tell.
        factors: by class: the one whose probability times this is largest is answered, see the option
            `metric`; None answers the likeliest.
        tree: of labels that are paths; None where they are not.
    """

    reader: Reader
    classes: tuple[str, ...]
    predictor: Predictor
    label: str
    market: str | None = None
    reach: Reach | None = None
    kept: Mapping[str, Predictor] = field(default_factory=dict)
    abstain: float | None = None
    seen: Seen | None = None
    confidence: Confidence | None = None
    factors: tuple[float, ...] | None = None
    tree: PathAnswers | None = None

    @cached_property
    def signature(self) -> Signature:  # type: ignore[override]
        """What it reads and returns."""
        return Signature("classify", self.reader.inputs, OUTPUT, self.label)

    def predict(self, batch: pa.RecordBatch, *, shift: bool = True) -> pa.StructArray:
        """The likeliest class of each row; the class that comes first wins a tie.

        Args:
            batch: the columns of `signature.inputs`, in any order.
            shift: False leaves `shift` NULL.

        Returns:
            STRUCT(label, score, runner_up, margin, shift, path, level, scores, best): `score` is the class's
            probability, `margin` how much more likely it is than the runner-up. NULL for a row whose inputs
            are all NULL; `label` alone is NULL where the model abstains. The last four are NULL unless labels
            are paths, see `PathAnswers`.
        """
        table = pa.Table.from_batches([batch])
        x = self.reader.read(table)
        spans = blocks(len(x), len(self.classes))
        parts = [self._answers(x if len(spans) == 1 else x.take(slice(*span))) for span in spans]
        named = [pa.concat_arrays(list(columns)) for columns in zip(*parts, strict=True)]
        fields = [*named[:4], shifts(self.reach if shift else None, x), *named[4:]]
        return pa.StructArray.from_arrays(
            fields, fields=list(OUTPUT), mask=pa.array(self.reader.blank(table))
        )

    def _answers(self, x: Features) -> list[pa.Array]:
        """All of `predict` but `shift`, of rows that were read."""
        probability = self.predictor.predict(x)
        weighed = self._weighed(probability)
        if self.tree is not None:
            tilted = self.factors is not None
            return self.tree.answers(weighed / weighed.sum(axis=1, keepdims=True) if tilted else weighed)
        order = first_two(weighed)
        best, second = np.take_along_axis(probability, order, axis=1).T
        label = self._names(order[:, 0])
        if self.abstain is not None:
            label = pc.if_else(pa.array(best >= self.abstain), label, None)
        columns = [label, best, self._names(order[:, 1]), best - second]
        return [*map(pa.array, columns), *(pa.nulls(len(x), field.type) for field in list(OUTPUT)[5:])]

    def probabilities(self, table: pa.Table) -> Floats:
        """Probabilities of `classes`, float64, shape (n, classes)."""
        return self.predictor.predict(self.reader.read(table))

    def under(self, names: Mapping[str, str]) -> Self:
        """The classifier for a target that calls columns otherwise."""
        return replace(self, reader=replace(self.reader, names=names))

    def chosen(self, prediction: Floats) -> tuple[NDArray[np.int64], pa.Array]:
        """The class that is answered of each row, as code and as name."""
        codes = self._weighed(prediction).argmax(axis=1)
        return codes, self._names(codes)

    def explained(self, prediction: Floats) -> list[Explained]:
        """The answered class; of labels that are paths the node of each level of the likeliest path."""
        if self.tree is None:
            return super().explained(prediction)
        return self.tree.explained(self._weighed(prediction))

    @property
    def spare(self) -> Mapping[str, Predictor]:
        """Those that were kept."""
        return self.kept

    def refitted(self, blend: Blend, spare: Mapping[str, Predictor], classes: tuple[str, ...] | None) -> Self:
        """The classifier with other predictors over these classes."""
        return replace(self, predictor=blend, kept=spare, classes=classes or self.classes)

    def promised(self, y: NDArray[np.generic], prediction: Floats, rows: pa.Table) -> Promise | None:
        """Right answers, as often as its confidence was out of fold."""
        known = self.confidence
        if known is None:
            return None
        expected = np.interp(prediction.max(axis=1), known.sure, known.right)
        return Promise(prediction.argmax(axis=1) == y, expected, known.rows)

    def state(self) -> State:
        """The classifier as data."""
        parts = {"reader": self.reader.state(), "predictor": self.predictor.state()}
        if self.reach is not None:
            parts["reach"] = self.reach.state()
        if self.seen is not None:
            parts["seen"] = self.seen.state()
        if self.confidence is not None:
            parts["confidence"] = self.confidence.state()
        if self.tree is not None:
            parts["tree"] = self.tree.state()
        names = sorted(self.kept)
        parts |= {f"kept{i}": self.kept[name].state() for i, name in enumerate(names)}
        config = {
            "classes": list(self.classes),
            "label": self.label,
            "market": self.market,
            "kept": names,
            "abstain": self.abstain,
            "factors": None if self.factors is None else list(self.factors),
        }
        return State("classifier", config, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The classifier again."""
        config, parts = state.config, state.parts
        return cls(
            restore(parts["reader"]),
            tuple(config["classes"]),
            restore(parts["predictor"]),
            config["label"],
            config["market"],
            restore(parts["reach"]) if "reach" in parts else None,
            {name: restore(parts[f"kept{i}"]) for i, name in enumerate(config["kept"])},
            config["abstain"],
            restore(parts["seen"]) if "seen" in parts else None,
            restore(parts["confidence"]) if "confidence" in parts else None,
            None if config.get("factors") is None else tuple(config["factors"]),
            restore(parts["tree"]) if "tree" in parts else None,
        )

    def _weighed(self, probability: Floats) -> Floats:
        return probability if self.factors is None else probability * np.array(self.factors)

    def _names(self, codes: NDArray[np.int64]) -> pa.Array:
        return pa.array(self.classes, pa.string()).take(pa.array(codes))


def blocks(rows: int, classes: int) -> list[tuple[int, int]]:
    """Where blocks of rows begin and end, so that no matrix of probabilities is larger than `CELLS`."""
    step = max(1, CELLS // classes)
    return [(start, min(start + step, rows)) for start in range(0, max(rows, 1), step)]


def first_two(scores: Floats) -> NDArray[np.int64]:
    """The columns of the largest and the second largest of each row, the lower one first among equals."""
    first = scores.argmax(axis=1)
    others = scores.copy()
    others[np.arange(len(scores)), first] = -np.inf
    return np.column_stack([first, others.argmax(axis=1)])
