"""Torture by damage to a store: what is the same for folders of models and of indexes."""

from __future__ import annotations

import json
import os
import shutil
from abc import abstractmethod
from random import Random
from typing import TYPE_CHECKING, Any

from bench.torture_case import Case
from bench.torture_mutants import bytes_of

if TYPE_CHECKING:
    from pathlib import Path


class Stored(Case):
    """A folder of a store, damaged as it stands, or damaged and sealed again with right digests."""

    def attack(self, seed: int) -> str:
        """Damage a copy, and ask a new session."""
        random, store = Random(seed), self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.folder / "whole", store)
        outside = self._outside()
        sealed = bool(seed % 3)
        self.damage(store, random, sealed=sealed)
        try:
            found = self.ask(store)
        finally:
            if self._outside() != outside:
                return "outside: a file beside the store was touched"  # noqa: B012 - it weighs more than an error
        if found is None:
            return "silent: an answer that is no number"
        same = found == json.loads((self.folder / "answer.json").read_text())
        return "same" if same else "other" if sealed else "silent: another answer, and every digest old"

    @abstractmethod
    def damage(self, store: Path, random: Random, *, sealed: bool) -> None:
        """Damage something below the store."""

    @abstractmethod
    def ask(self, store: Path) -> Any:  # noqa: ANN401 - JSON
        """The answer of what may be broken, None where it is none; as JSON."""

    def _outside(self) -> str:
        beside = self.folder / "outside"
        return repr([(p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(beside.iterdir())])

    @classmethod
    def finish(cls, folder: Path) -> None:
        """After the store was made: a file beside it, and the answer."""
        (folder / "outside").mkdir()
        (folder / "outside" / "mine.txt").write_text("mine")
        (folder / "answer.json").write_text(json.dumps(cls(folder).ask(folder / "whole")))

    def replaced(self, path: Path, random: Random) -> None:
        """Put a link, a pipe or a folder in the place of a file, or damage its bytes."""
        choice = random.randrange(12)
        if choice > 3:
            path.write_bytes(bytes_of(path.read_bytes(), random))
            return
        path.unlink()
        if choice == 0:
            path.symlink_to(self.folder / "outside" / "mine.txt")
        elif choice == 1:
            os.mkfifo(path)
        elif choice == 2:
            path.mkdir()
