"""One open store with its loaded models: it says which model, which version and which device a call uses."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from xbsql import errors, tasks
from xbsql.index.builder import Builder
from xbsql.index.kept import Kept
from xbsql.index.shelf import OpenIndexes
from xbsql.session.fits import Fits
from xbsql.session.log import CallLog
from xbsql.session.whole import restored
from xbsql.store import artifact
from xbsql.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa

    from xbsql.features.encoder import Encoder
    from xbsql.harmonise.money import Rates
    from xbsql.linking.judged import Judged
    from xbsql.progress import Progress
    from xbsql.store.model import Model

KEPT_MODELS = 16


class Session:
    """What one database has open. Threads may share it: models are read-only, fits take turns.

    Attributes:
        store: where its models rest.
        device: 'auto', 'cpu' or 'cuda'.
        calls: the log behind `xb.last_calls()`.
        indexes: the store's indexes, open.
        builder: what changes them.
        rates: tables of rates that were converted by of late, by digest.
        judged: pairs of offers that were judged of late, by digest.
        translated: tables of translations that were asked for of late, by digest.
        progress: who hears how far a call has come: a callback; None where a person looks, False nobody.
    """

    def __init__(self, store: Path, *, device: str = "auto", progress: Progress | bool | None = None) -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise errors.unknown("xbsql", "device", device, ("auto", "cpu", "cuda"))
        self.store = Store(store)
        self.device = device
        self.calls = CallLog()
        self.indexes = OpenIndexes(store / "indexes", device)
        self.builder = Builder(self.indexes, self.encoder)
        self.rates: Kept[str, Rates] = Kept()
        self.judged: Kept[str, Judged] = Kept()
        self.translated: Kept[str, pa.Table] = Kept()
        self.progress = progress
        self._models: OrderedDict[Path, tuple[int, Model]] = OrderedDict()
        self._loading = threading.Lock()
        self.fits = Fits(self.store, self.calls)

    def model(self, where: str, reference: str) -> Model:
        """A model ready to predict: loaded once and kept until its folder changes.

        Raises:
            XbsqlError: unknown model or version, or a broken artifact.
        """
        name, version = self.store.resolve(where, reference)
        path = self.store.folder(name, version)
        written = artifact.written_at(path)
        with self._loading:
            kept = self._models.get(path)
            if kept is None or kept[0] != written:
                kept = (written, self._loaded(where, f"{name}@{version}"))
                self._models[path] = kept
            self._models.move_to_end(path)
            while len(self._models) > KEPT_MODELS:
                self._models.popitem(last=False)
        return kept[1]

    def _loaded(self, where: str, reference: str) -> Model:
        card = self.store.artifact(where, reference).card
        if "task" not in card:
            raise errors.broken_artifact(reference, "does not say which task it was fitted for")
        tasks.task_named(where, card["task"])
        return restored(reference, self.store.read(where, reference), card["task"])

    def encoder(self, name: str) -> Encoder:
        """The text encoder of this name on the session's device."""
        from xbsql.features.encoder import encoder

        return encoder(name, self.device)

    def forget(self, name: str, versions: Iterable[int]) -> None:
        """Let go of versions that are no longer in the store."""
        with self._loading:
            for version in versions:
                self._models.pop(self.store.folder(name, version), None)
