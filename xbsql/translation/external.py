"""A network of the user's that translates: a folder of CTranslate2 or Marian, with SentencePiece models."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np

from xbsql import errors
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sentencepiece

NETWORK: Final = "model.bin"
MARIAN: Final = ".npz"
"""How a network of Marian's ends; its vocabularies end in `VOCABULARY`."""
VOCABULARY: Final = (".yml", ".yaml")
FIREFOX: Final = ".intgemm"
"""In the names of networks that Firefox translates with."""
SHARED: Final = ("sentencepiece.model", "spm.model", "spiece.model")
"""What a folder may call one SentencePiece model of both sides; else it has `SIDES`."""
SIDES: Final = ("source.spm", "target.spm")
BATCH: Final = 32
"""Texts that the network is given at once; between two such calls work can be stopped."""
READ: Final = 1 << 24


class _Loaded(NamedTuple):
    """The network, and what cuts texts for it and joins what it says."""

    network: Any
    source: sentencepiece.SentencePieceProcessor
    target: sentencepiece.SentencePieceProcessor


@restorable("external_translator")
@dataclass(frozen=True)
class External:
    """Where the network is, and which.

    The network is not copied into a model: a model holds the folder's path, and the digest of its files, so
    that another network under the same path is refused.

    Attributes:
        folder: the path.
        digest: sha256 over the files.
    """

    folder: str
    digest: str

    @classmethod
    def of(cls, where: str, folder: str) -> Self:
        """The network in a folder.

        Args:
            where: the SQL function.
            folder: made by one of CTranslate2's converters (OpenNMT, fairseq, Transformers), or Marian's own
                (an OPUS-MT release: one .npz, one or two vocabularies .yml); with `source.spm` and
                `target.spm`, or one `sentencepiece.model` for both sides.

        Raises:
            XbsqlError: files are missing or no network, or CTranslate2 is not installed.
        """
        found = cls(folder, _digest(where, folder))
        vars(found)["_loaded"] = found._load(where)  # so it is neither hashed nor loaded again
        return found

    def say(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """What the network says of each text, and how likely it holds that, 0 to 1 (the mean over pieces).

        Raises:
            XbsqlError: the network is gone, or another one than that the model was fitted with.
        """
        loaded, found = self._loaded, list[tuple[str, float]]()
        for at in range(0, len(texts), BATCH):
            pieces = [loaded.source.encode(text, out_type=str) for text in texts[at : at + BATCH]]
            answers = loaded.network.translate_batch(pieces, beam_size=4, return_scores=True)
            for each in answers:  # the score is the mean log probability of a piece
                said = loaded.target.decode(each.hypotheses[0])
                found.append((str(said), float(np.exp(each.scores[0]))))
        return found

    @cached_property
    def _loaded(self) -> _Loaded:
        where = "xb.translate"
        if _digest(where, self.folder) != self.digest:
            problem = f"'{errors.shown(self.folder)}' holds another network than the model was fitted with"
            raise errors.invalid(where, problem, "put it back, or fit the model again")
        return self._load(where)

    def _load(self, where: str) -> _Loaded:
        import sentencepiece

        try:
            import ctranslate2  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError as error:
            problem = "the option 'external' needs the package ctranslate2"
            raise errors.invalid(where, problem, "pip install 'xbsql[external]'") from error
        folder = Path(self.folder)
        try:
            network = _network(ctranslate2, folder)
            read = [
                sentencepiece.SentencePieceProcessor(model_proto=(folder / name).read_bytes(), num_threads=1)
                for name in _cutters(folder)
            ]
        except Exception as error:  # of C++ code, that has no common type
            problem = f"'{errors.shown(self.folder)}' cannot be read ({errors.shown(error, 80)})"
            raise errors.invalid(
                where, problem, "make it by a converter of CTranslate2, or by Marian"
            ) from error
        return _Loaded(network, read[0], read[-1])

    def state(self) -> State:
        """The path and the digest."""
        return State("external_translator", {"folder": self.folder, "digest": self.digest})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The same again; the network is looked at when it is first asked."""
        return cls(str(state.config["folder"]), str(state.config["digest"]))


def _network(ctranslate2: Any, folder: Path) -> Any:  # noqa: ANN401 - the package is an extra, and not typed
    """The network of a folder; one of Marian's is converted on its way into memory."""
    options = {"device": "cpu", "inter_threads": 1, "intra_threads": 2}
    if (folder / NETWORK).is_file():
        return ctranslate2.Translator(str(folder), **options)
    from ctranslate2.converters import MarianConverter  # type: ignore[import-not-found,import-untyped,unused-ignore]

    weights, *vocabularies = (str(folder / name) for name in _marian(folder))
    with tempfile.TemporaryDirectory() as made:
        MarianConverter(weights, vocabularies[:2]).convert(made, force=True)
        return ctranslate2.Translator(made, **options)


def network(folder: str) -> str:
    """The file that holds the network of a folder."""
    if "\0" in folder:
        return folder
    return f"{folder}/{(*_files(Path(folder)), NETWORK)[0]}"


def _files(folder: Path) -> tuple[str, ...]:
    """The names of the network's own files; none where there is none."""
    return (NETWORK,) if (folder / NETWORK).is_file() else _marian(folder)


def _marian(folder: Path) -> tuple[str, ...]:
    """Marian's weights and its vocabularies, source before target; none where one is missing."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    weights = [name for name in names if name.endswith(MARIAN)]
    words = [name for name in names if name.endswith(VOCABULARY) and "vocab" in name]
    words.sort(key=lambda name: ("trg" in name or "target" in name, name))
    return (weights[0], *words) if len(weights) == 1 and 1 <= len(words) <= 2 else ()


def _cutters(folder: Path) -> tuple[str, ...]:
    """The files of the SentencePiece models, one or two; none where there is none."""
    shared = next((name for name in SHARED if (folder / name).is_file()), None)
    if shared is not None:
        return (shared,)
    return SIDES if all((folder / name).is_file() for name in SIDES) else ()


def _digest(where: str, folder: str) -> str:
    """What the network's files hold.

    Raises:
        XbsqlError: there is no such folder, or no network in it.
    """
    path, shown = Path(folder), errors.shown(folder)
    if "\0" in folder or not path.is_dir():
        raise errors.invalid(where, f"no folder '{shown}' for the option 'external'", "give its path")
    cutters, files = _cutters(path), _files(path)
    if not files or not cutters:
        raise _lacking(where, path, network=bool(files))
    found = hashlib.sha256()
    for name in (*files, *cutters):
        with (path / name).open("rb") as file:
            while block := file.read(READ):
                found.update(block)
    return found.hexdigest()


def _lacking(where: str, folder: Path, *, network: bool) -> errors.XbsqlError:
    """What a folder has not that is needed."""
    shown = errors.shown(folder)
    if not network and any(FIREFOX in path.name for path in folder.iterdir()):
        problem = f"'{shown}' is a network for Firefox, whose decoder CTranslate2 cannot run"
        return errors.invalid(
            where, problem, "give the network that it was distilled from, as Marian keeps it"
        )
    if not network:
        problem = f"'{shown}' has no {NETWORK}, and not one {MARIAN} with one or two vocabularies .yml"
    else:
        problem = f"'{shown}' has no {' and '.join(SIDES)}, or {SHARED[0]}"
    remedy = "give a folder of CTranslate2 or Marian with its SentencePiece models"
    return errors.invalid(where, problem, remedy)
