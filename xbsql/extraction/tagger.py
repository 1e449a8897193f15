"""A linear-chain CRF over the words of titles (Lafferty et al., ICML 2001), trained by CRFsuite.

CRFsuite's own model file is read by C code that trusts it; what rests in the store are the weights alone, and
the sums over paths are made here.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from scipy import sparse

from xbsql.extraction.titles import BASE, LONGEST
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.extraction.titles import Titles

    Floats = NDArray[np.float64]
    Hashes = NDArray[np.uint64]

NEVER: Final = -30.0
"""The weight of a move between labels of which one was never seen: no path takes it."""

LEAST: Final = 0.0005
"""Runs of words that are less likely to be, or to begin, a value count as impossible."""

STEPS: Final = 60
BATCH: Final = 256
_STATE = re.compile(r"\s*\(0\) (\S+) --> (\S+): (\S+)")
_MOVE = re.compile(r"\s*\(1\) (\S+) --> (\S+): (\S+)")


def features(titles: Titles, senses: NDArray[np.int64]) -> Hashes:
    """What the tagger sees of each word: it, its neighbours, their shapes and meanings, its place.

    Args:
        titles: T words in all.
        senses: int64 (T, levels): clusters of their meanings; 0 for none.

    Returns:
        uint64 (T, F): hashes; 0 where there is no such neighbour.
    """
    total, owner = len(titles.kind), titles.owner
    place = np.arange(total)
    before, behind = place - titles.first[:-1][owner], titles.first[1:][owner] - 1 - place
    columns = [np.ones(total, np.uint64)]
    edge = np.zeros((2, titles.hashes.shape[1]), np.uint64)
    padded = np.concatenate([edge, titles.hashes, edge])
    word, shape = {}, {}
    for d in (-2, -1, 0, 1, 2):
        inside = (before >= -d) & (behind >= d)
        word[d] = np.where(inside, padded[2 + d : 2 + d + total, 0], np.uint64(7))
        shape[d] = np.where(inside, padded[2 + d : 2 + d + total, 1], np.uint64(11))
        columns += [word[d] * BASE + np.uint64(20 + d), shape[d] * BASE + np.uint64(40 + d)]
    for level, sense in enumerate(senses.T):
        for d in (-1, 0, 1):
            inside = (before >= -d) & (behind >= d)
            near = np.where(inside, np.roll(sense, -d), -1).astype(np.uint64)
            columns.append(near * BASE + np.uint64(300 + 10 * level + d))
    group = titles.group[owner]
    columns += [titles.hashes[:, 2] * BASE + np.uint64(61), titles.hashes[:, 3] * BASE + np.uint64(62)]
    columns += [(word[0] * BASE + word[1]) * BASE + np.uint64(63)]
    columns += [(word[-1] * BASE + word[0]) * BASE + np.uint64(64)]
    columns += [group * BASE + np.uint64(65), (word[0] * BASE + group) * BASE + np.uint64(66)]
    columns += [np.minimum(before, 6).astype(np.uint64) + np.uint64(100)]
    columns += [np.minimum(behind, 4).astype(np.uint64) + np.uint64(200)]
    return np.stack(columns, axis=1)


@restorable("tagger")
@dataclass(frozen=True)
class Tagger:
    """A CRF with the labels 'outside' and, for each of A attributes, 'begins' and 'goes on'.

    Attributes:
        keys: uint64 (F,), ascending: features that weigh something.
        weights: float64 (F, 1 + 2 A): outside, A that begin, A that go on.
        moves: float64 (1 + 2 A, 1 + 2 A): from a label to the next.
    """

    keys: Hashes
    weights: Floats
    moves: Floats

    @property
    def attributes(self) -> int:
        """How many there are."""
        return int(self.weights.shape[1] - 1) // 2

    def spans(self, titles: Titles, senses: NDArray[np.int64]) -> Floats:
        """How likely a run of words is the value of an attribute, exactly from its first to its last.

        Returns:
            float64 (LONGEST, T, A): of runs of k + 1 words that begin at each word; 0 beyond a title's end
            and where it is below `LEAST`.
        """
        count = self.attributes
        found = np.zeros((LONGEST, len(titles.kind), count))
        emission = self._emission(features(titles, senses))
        order = np.argsort(titles.lengths, kind="stable")
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            self._fill(found, emission, titles.first[rows], titles.lengths[rows])
        return found

    def _emission(self, seen: Hashes) -> Floats:
        """The weight of each label at each word; (T, labels)."""
        if not len(self.keys):
            return np.zeros((len(seen), self.weights.shape[1]))
        flat = seen.ravel()
        place = np.searchsorted(self.keys, flat)
        place[place == len(self.keys)] = 0
        known = np.flatnonzero(self.keys[place] == flat)
        rows = known // seen.shape[1]
        first = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(seen)))])
        chosen = sparse.csr_matrix((np.ones(len(known)), place[known], first), (len(seen), len(self.keys)))
        return np.asarray(chosen @ self.weights)

    def _fill(
        self, found: Floats, emission: Floats, first: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> None:
        """The spans of some titles; sums over paths are scaled at each word."""
        longest = int(lengths.max(initial=0))
        if not longest:
            return
        steps = np.arange(longest)
        inside = steps < lengths[:, None]
        words = np.where(inside, first[:, None] + steps, 0)
        own = emission[words]
        own = np.exp(own - own.max(axis=2, keepdims=True)) * inside[:, :, None]
        moves = np.exp(self.moves - self.moves.max())
        forward, scale = _forward(own, moves, inside)
        backward = _backward(own, moves, inside, scale)
        count = self.attributes
        row, start, attribute = np.nonzero(
            forward[:, :, 1 : 1 + count] * backward[:, :, 1 : 1 + count] > LEAST
        )
        begins, on = 1 + attribute, 1 + count + attribute
        path, label, move = forward[row, start, begins], begins, moves[begins, on]
        for k in range(LONGEST):
            last = start + k
            more = np.flatnonzero(last + 1 < lengths[row])
            ahead = own[row[more], last[more] + 1, on[more]] / scale[row[more], last[more] + 1]
            longer = path[more] * move[more] * ahead * backward[row[more], last[more] + 1, on[more]]
            value = path * backward[row, last, label]
            value[more] -= longer
            found[k, words[row, start], attribute] = np.maximum(value, 0.0)
            path = path[more] * move[more] * ahead
            kept = longer > LEAST
            row, start, attribute = (each[more][kept] for each in (row, start, attribute))
            label = on = on[more][kept]
            path, move = path[kept], moves[on, on]

    def state(self) -> State:
        """The tagger as data."""
        kept = sparse.csr_matrix(self.weights)
        arrays = {
            "keys": self.keys.view(np.int64), "values": kept.data, "columns": kept.indices.astype(np.int32),
            "first": kept.indptr.astype(np.int64), "moves": np.ascontiguousarray(self.moves),
        }  # fmt: skip
        return State("tagger", {}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The tagger again."""
        arrays = state.arrays
        keys, moves = arrays["keys"].view(np.uint64), np.asarray(arrays["moves"], np.float64)
        if moves.shape != (len(moves), len(moves)) or len(moves) % 2 == 0:
            message = f"moves of shape {moves.shape} are none of a tagger"
            raise ValueError(message)
        weights = np.zeros((len(keys), len(moves)))
        row = np.repeat(np.arange(len(keys)), np.diff(arrays["first"]))
        weights[row, arrays["columns"]] = arrays["values"]
        return cls(keys, weights, moves)


def _forward(own: Floats, moves: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Sums over the paths up to each word, which sum to 1, and what they were divided by."""
    forward, scale = np.zeros_like(own), np.ones(own.shape[:2])
    for t in range(own.shape[1]):
        now = own[:, t] if t == 0 else (forward[:, t - 1] @ moves) * own[:, t]
        total = np.where(inside[:, t], np.maximum(now.sum(axis=1), 1e-300), 1.0)
        scale[:, t] = total
        forward[:, t] = now / total[:, None]
    return forward, scale


def _backward(own: Floats, moves: Floats, inside: NDArray[np.bool_], scale: Floats) -> Floats:
    """Sums over the paths behind each word, in the scale of `_forward`: their products are probabilities."""
    backward = np.ones_like(own)
    for t in range(own.shape[1] - 2, -1, -1):
        ahead = (own[:, t + 1] * backward[:, t + 1] / scale[:, t + 1, None]) @ moves.T
        backward[:, t] = np.where(inside[:, t + 1, None], ahead, 1.0)
    return backward


def fit_tagger(
    titles: Titles,
    senses: NDArray[np.int64],
    labels: NDArray[np.int64],
    attributes: int,
    steps: int = STEPS,
) -> Tagger:
    """Train on labelled words.

    Args:
        titles: T words in all.
        senses: int64 (T, levels): clusters of their meanings; 0 for none.
        labels: int64 (T,): 0 outside, 1 + a begins, 1 + A + a goes on.
        attributes: A.
        steps: of L-BFGS.
    """
    import pycrfsuite  # type: ignore[import-untyped]

    if not labels.any():
        size = 1 + 2 * attributes
        return Tagger(np.zeros(0, np.uint64), np.zeros((0, size)), np.zeros((size, size)))
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": steps, "feature.possible_transitions": True})
    names = [[format(each, "x") for each in row] for row in features(titles, senses).tolist()]
    said = [str(label) for label in labels.tolist()]
    for a, b in zip(titles.first[:-1].tolist(), titles.first[1:].tolist(), strict=True):
        if b > a:
            trainer.append(names[a:b], said[a:b])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        trainer.train(str(path))
        tagger = pycrfsuite.Tagger()
        tagger.open(str(path))
        tagger.dump(str(path) + ".txt")
        tagger.close()
        text = Path(str(path) + ".txt").read_text()
    return _dumped(text, np.unique(labels), attributes)


def _dumped(text: str, seen: NDArray[np.int64], attributes: int) -> Tagger:
    """The weights that CRFsuite prints; it leaves out those that are 0, and labels that it has not seen."""
    size = 1 + 2 * attributes
    moves = np.full((size, size), NEVER)
    moves[np.ix_(seen, seen)] = 0.0
    for one, other, weight in _MOVE.findall(text):
        moves[int(one), int(other)] = float(weight)
    found = _STATE.findall(text)
    names, place = np.unique(np.array([int(each[0], 16) for each in found], np.uint64), return_inverse=True)
    weights = np.zeros((len(names), size))
    weights[place, [int(each[1]) for each in found]] = [float(each[2]) for each in found]
    return Tagger(names, weights, moves)
