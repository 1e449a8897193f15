"""One open store with its loaded models: which model, which version, which device; every call is logged."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import artifact, errors, tasks
from xbsql.arrow import digest
from xbsql.calls import CallLog
from xbsql.cards import arm_rows, card_rows, model_row, verdict_card
from xbsql.fits import Fits, key_of
from xbsql.index.builder import Builder
from xbsql.index.kept import Kept
from xbsql.index.shelf import Shelf
from xbsql.model import Model, restore
from xbsql.store import Store, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from xbsql.features.encoder import Encoder
    from xbsql.harmonise.money import Rates

KEPT_MODELS = 16
BLOCK_ROWS = 131_072  # matrices of more rows leave the processor's cache: twice the time, and the memory
PREDICTION = pa.struct(
    [("predicted", pa.string()), *((name, pa.float64()) for name in ("value", "lo", "hi", "shift"))]
)


class Session:
    """What one database has open. Threads may share it: models are read-only, fits take turns.

    Attributes:
        store: where its models rest.
        device: 'auto', 'cpu' or 'cuda'.
        calls: the log behind `xb.last_calls()`.
        indexes: the store's indexes, open.
        builder: what changes them.
        rates: tables of rates that were converted by of late, by digest.
        progress: called with a fraction (0 to 1) and a short text during fits.
    """

    def __init__(
        self, store: Path, *, device: str = "auto", progress: Callable[[float, str], None] | None = None
    ) -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise errors.unknown("xbsql", "device", device, ("auto", "cpu", "cuda"))
        self.store = Store(store)
        self.device = device
        self.calls = CallLog()
        self.indexes = Shelf(store / "indexes", device)
        self.builder = Builder(self.indexes, self.encoder)
        self.rates: Kept[str, Rates] = Kept()
        self.progress = progress or (lambda fraction, text: None)
        self._models: OrderedDict[Path, tuple[int, Model]] = OrderedDict()
        self._loading = threading.Lock()
        self._fits = Fits(self.store, self.calls)

    def model(self, where: str, reference: str) -> Model:
        """A model ready to predict: loaded once and kept until its folder changes.

        Raises:
            XbsqlError: unknown model or version, or a broken artifact.
        """
        name, version = self.store.resolve(where, reference)
        path = self.store.path / "models" / name / str(version)
        written = artifact.written_at(path)
        with self._loading:
            kept = self._models.get(path)
            if kept is None or kept[0] != written:
                card = self.store.artifact(where, f"{name}@{version}").card
                tasks.task_module(where, card["task"])
                kept = (written, restore(artifact.read(path)))
                self._models[path] = kept
            self._models.move_to_end(path)
            while len(self._models) > KEPT_MODELS:
                self._models.popitem(last=False)
        return kept[1]

    def encoder(self, name: str) -> Encoder:
        """The text encoder of this name on the session's device."""
        from xbsql.features.encoder import encoder

        return encoder(name, self.device)

    def classify(self, reference: str, inputs: pa.Array) -> pa.Array:
        """STRUCT(label, score, runner_up, margin, shift) of each input: a text, or a row as STRUCT."""
        model = self.model("xb.classify", reference)
        return self._predict("classify", model, reference, inputs, task="classify")

    def predict(self, reference: str, rows: pa.Array) -> pa.Array:
        """STRUCT(value, lo, hi, shift, version) of each row."""
        name, version = self.store.resolve("xb.predict", reference)
        model = self.model("xb.predict", f"{name}@{version}")
        found = self._predict("predict", model, reference, rows, task="predict")
        columns = {field.name: found.field(field.name) for field in found.type}
        columns["version"] = pa.repeat(pa.scalar(version, pa.int32()), len(found))
        return pa.StructArray.from_arrays(list(columns.values()), list(columns), mask=found.is_null())

    def predict_table(self, reference: str, rows: pa.Array, *, shift: bool = False) -> pa.Array:
        """STRUCT(predicted, value, lo, hi, shift) of each row.

        For classes `predicted` is the label and `value` its probability; `lo` and `hi` are NULL. For numbers
        `predicted` is NULL. `shift` is NULL unless it is asked for.
        """
        model = self.model("xb.predict_table", reference)
        found = self._predict("predict_table", model, reference, rows, shift=shift)
        columns = {field.name: found.field(field.name) for field in found.type}
        if model.signature.task == "classify":
            columns = {"predicted": columns["label"], "value": columns["score"], "shift": columns["shift"]}
        fields = [columns.get(field.name, pa.nulls(len(found), field.type)) for field in PREDICTION]
        return pa.StructArray.from_arrays(fields, fields=list(PREDICTION), mask=found.is_null())

    def _predict(
        self,
        function: str,
        model: Model,
        reference: str,
        inputs: pa.Array,
        task: str | None = None,
        *,
        shift: bool = True,
    ) -> pa.Array:
        fitted = model.signature.task
        if task not in (None, fitted):
            problem = f"'{reference}' was fitted for {fitted}"
            raise errors.invalid(f"xb.{function}", problem, f"use xb.{fitted} or xb.predict_table")
        batch = model.signature.batch(f"xb.{function}", reference, inputs)
        with self.calls.record(function, reference, len(inputs)) as call:
            call.kernel = "blend"
            blocks = [batch.slice(at, BLOCK_ROWS) for at in range(0, max(len(batch), 1), BLOCK_ROWS)]
            return pa.concat_arrays([model.predict(block, shift=shift) for block in blocks])

    def fit(
        self,
        model: str,
        data: pa.Table,
        label: str,
        *,
        task: str = "auto",
        market: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Fit a model of one market and store it; one row a metric.

        The same data, label and options give the version that is already there.
        """
        where, given = "xb.fit", dict(options or {})
        check_name(where, model)
        module = self._task(where, task, data, label, given)
        content = digest(data)
        key = key_of(where, [content, label, task, market, given])

        def run() -> tuple[Model, dict[str, Any]]:
            fitted, report = module.fit(data, label, market=market, options=given, progress=self.progress)
            return fitted, {"report": report, "market": market, "data": content}

        artifact, seconds = self._fits.once(where, model, key, len(data), label, run)
        return [
            {"model": artifact.name, "version": artifact.version, **row, "seconds": seconds}
            for row in artifact.card["report"]
        ]

    def transfer(
        self,
        model: str,
        data: pa.Table,
        label: str,
        *,
        base: str | None = None,
        source: pa.Table | None = None,
        market: str | None = None,
        method: str = "auto",
        options: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Carry a home model (`base`) or home rows (`source`) to the market of `data`; one row an arm.

        Rows whose label is NULL are the unlabelled target.
        """
        where, given = "xb.transfer", dict(options or {})
        check_name(where, model)
        if base is None and source is None:
            raise errors.invalid(
                where, "neither base nor source is given", "name a home model or the home rows"
            )
        home = None if base is None else self.model(where, base)
        task = home.signature.task if home else "auto"
        module = self._task(where, task, data if source is None else source, label, given)
        origin = None if base is None else self.store.artifact(where, base).card["key"]
        key = key_of(where, [digest(data), source and digest(source), origin, label, market, method, given])

        def run() -> tuple[Model, dict[str, Any]]:
            from xbsql.crossings import prepared

            crossing = prepared(self, module, data, label, home, source, given)
            found, done = module.transfer(
                crossing.data, label, base=crossing.home, source=source, market=market, method=method,
                options=crossing.options, progress=self.progress,
            )  # fmt: skip
            fitted, verdict = crossing.arrived(found, done.verdict)
            return fitted, {"verdict": verdict_card(verdict), "market": market, "base": base}

        artifact, seconds = self._fits.once(where, model, key, len(data), label, run)
        common = {"model": artifact.name, "version": artifact.version}
        return [{**common, **row, "seconds": seconds} for row in arm_rows(artifact.card["verdict"])]

    def evaluate(
        self, reference: str, data: pa.Table, label: str | None, by: str | None
    ) -> list[dict[str, Any]]:
        """Metrics of a model on labelled rows, with intervals; one row a group and metric."""
        where = "xb.evaluate"
        model = self.model(where, reference)
        column = label or model.signature.label
        if column not in data.column_names:
            raise errors.unknown(where, "column", column, data.column_names, place="the table has")
        for name in model.signature.inputs.names:
            if name not in data.column_names:
                place = f"model '{reference}' reads it, and the table has"
                raise errors.unknown(where, "column", name, data.column_names, place=place)
        with self.calls.record("evaluate", reference, len(data)):
            module = tasks.task_module(where, model.signature.task)
            return list(module.evaluate(model, data, column, by))

    def models(self) -> list[dict[str, Any]]:
        """One row a version; a broken one says so in `note`."""
        rows = []
        for name in self.store.names():
            for version in self.store.versions(name):
                try:
                    rows.append(model_row(self.store.artifact("xb.models", f"{name}@{version}")))
                except errors.XbsqlError as error:
                    rows.append({"model": name, "version": version, "note": str(error)})
        return rows

    def model_card(self, reference: str) -> list[dict[str, str]]:
        """What a model is, as (section, key, value)."""
        found = self.store.artifact("xb.model_card", reference)
        return card_rows(found, self.model("xb.model_card", reference))

    def promote(self, name: str, version: str) -> list[dict[str, Any]]:
        """Let the bare name stand for a version."""
        return [model_row(self.store.promote(f"{name.partition('@')[0]}@{version}"))]

    def drop_model(self, reference: str) -> list[dict[str, Any]]:
        """Remove a model, or one version of it, from the store and from memory."""
        name = reference.partition("@")[0]
        gone = self.store.drop(reference)
        with self._loading:
            for version in gone:
                self._models.pop(self.store.path / "models" / name / str(version), None)
        return [{"model": name, "version": version} for version in gone]

    def _task(self, where: str, task: str, data: pa.Table, label: str, options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a task's module
        if label not in data.column_names:
            raise errors.unknown(where, "label column", label, data.column_names, place="the table has")
        name = tasks.task_of(where, data.schema, label, options) if task == "auto" else task
        return tasks.task_module(where, name)
