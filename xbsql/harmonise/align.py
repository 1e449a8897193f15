"""Which column of one table is which of another: by name, then by meaning, one to one, or not at all."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from xbsql.harmonise.assignment import assigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.harmonise.profile import Profile

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

How: TypeAlias = Literal["name", "normalised name", "meaning", "given"]

THRESHOLD = 0.55
"""Least score of a pair by meaning; below it a column stays unaligned."""

MARGIN = 0.1
"""A pair whose rival for one of its columns scores within this is a guess, and stays unaligned."""

NUMBERS, TEXTS = 0.25, 0.5
"""Weight of the values beside that of the name. Texts count only where both sides have `SHARED` of them: that
they differ says nothing where the languages do, and that both are yes or no says little."""

SHARED = 3
"""Texts that two columns must have in common before that says something."""

KINDS = ({"number", "boolean"}, {"text"}, {"date"}, {"blob"})
"""Kinds of columns that can stand for each other."""


@dataclass(frozen=True)
class Pair:
    """A column of the source and the target's column that means the same.

    Attributes:
        source: its name, or None where the target's column has no partner.
        target: its name, or None where the source's column has no partner.
        how: what they were aligned by; None for a column without a partner.
        score: 1 for names; by meaning, see `align`; for a column without a partner the best score it had,
            None where no column was of its kind.
    """

    source: str | None
    target: str | None
    how: How | None
    score: float | None


def align(source: Mapping[str, Profile], target: Mapping[str, Profile], encode: Encode) -> list[Pair]:
    """Align the columns of two tables.

    Equal names come first, then names that are equal but for case, accents, word breaks and units. What is
    left is scored by meaning, from the cosine of the names' embeddings and the overlap of the values (see
    `likeness`), and assigned one to one (see `assigned`). A pair below `THRESHOLD`, or with a rival within
    `MARGIN`, is not aligned: nothing is guessed.

    Args:
        source: profiles by name.
        target: profiles by name.
        encode: texts -> float32 unit vectors, shape (n, d).

    Returns:
        One pair for every column of the source in its order, then the target's columns without a partner.
    """
    found = {name: Pair(name, name, "name", 1.0) for name in source if name in target}
    found |= _normalised(_left(source, found.values()), _left(target, found.values()))
    theirs, ours = _left(source, found.values()), _left(target, found.values())
    by_meaning, best = _by_meaning(theirs, ours, encode)
    found |= by_meaning
    taken = {pair.target for pair in found.values()}
    alone = [Pair(None, name, None, best.get(("target", name))) for name in target if name not in taken]
    return [found.get(name) or Pair(name, None, None, best.get(("source", name))) for name in source] + alone


def renames(pairs: Sequence[Pair]) -> dict[str, str]:
    """The target's names for the source's, where they differ: target -> source."""
    return {
        pair.target: pair.source
        for pair in pairs
        if pair.target is not None and pair.source is not None and pair.target != pair.source
    }


def _left(side: Mapping[str, Profile], pairs: Iterable[Pair]) -> dict[str, Profile]:
    used = {name for pair in pairs for name in (pair.source, pair.target)}
    return {name: profile for name, profile in side.items() if name not in used}


def _normalised(source: Mapping[str, Profile], target: Mapping[str, Profile]) -> dict[str, Pair]:
    """Pairs of names that are one name when written plainly; a name that two columns share is left."""
    ours = _by_plain(target)
    found = {}
    for plain, (name, *more) in _by_plain(source).items():
        others = ours.get(plain, [])
        if not more and len(others) == 1 and _kin(source[name], target[others[0]]):
            found[name] = Pair(name, others[0], "normalised name", 1.0)
    return found


def _by_plain(side: Mapping[str, Profile]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, profile in side.items():
        letters = unicodedata.normalize("NFKD", "".join(profile.words).casefold())
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
        found.setdefault(plain, []).append(name)
    return found


def _by_meaning(
    source: Mapping[str, Profile], target: Mapping[str, Profile], encode: Encode
) -> tuple[dict[str, Pair], dict[tuple[str, str], float]]:
    """The pairs that are sure enough, and the best score of every column: ('source', name) -> score."""
    rows, columns = list(source.values()), list(target.values())
    if not rows or not columns:
        return {}, {}
    vectors = encode([" ".join(profile.words) for profile in [*rows, *columns]])
    score = _scores(rows, columns, (vectors[: len(rows)] @ vectors[len(rows) :].T).astype(np.float64))
    i, j = np.nonzero(np.isfinite(score))
    chosen = assigned(i, j, _log_odds(score[i, j]), float(_log_odds(np.array(THRESHOLD))), score.shape)
    found = {}
    for row, pair in enumerate(chosen.tolist()):
        if pair >= 0 and score[row, j[pair]] >= _rival(score, row, int(j[pair])) + MARGIN:
            names = rows[row].name, columns[j[pair]].name
            found[names[0]] = Pair(*names, "meaning", round(float(score[row, j[pair]]), 3))
    best = {("source", p.name): float(value) for p, value in zip(rows, score.max(axis=1), strict=True)}
    best |= {("target", p.name): float(value) for p, value in zip(columns, score.max(axis=0), strict=True)}
    return found, {key: round(value, 3) for key, value in best.items() if np.isfinite(value)}


def _scores(
    rows: Sequence[Profile], columns: Sequence[Profile], names: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The score of each pair, -inf where the kinds differ."""
    score = np.full(names.shape, -np.inf)
    for i, one in enumerate(rows):
        for j, other in enumerate(columns):
            if _kin(one, other):
                score[i, j] = likeness(float(np.clip(names[i, j], 0, 1)), one, other)
    return score


def _kin(one: Profile, other: Profile) -> bool:
    """Whether two columns hold the same kind of thing; a number in text is no word."""
    return one.digits == other.digits and any({one.kind, other.kind} <= kinds for kinds in KINDS)


def _rival(score: NDArray[np.float64], row: int, column: int) -> float:
    """The best score of another pair with the same row or column."""
    others = np.concatenate([np.delete(score[row], column), np.delete(score[:, column], row)])
    return float(others.max()) if len(others) else -np.inf


def _log_odds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(score, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


def likeness(name: float, one: Profile, other: Profile) -> float:
    """How sure it is that two columns are one, 0 to 1.

    Args:
        name: cosine of their names' embeddings.
        one: a column.
        other: a column of the same kind.
    """
    same = overlap(one, other)
    if same is None:
        return name
    if not one.levels:
        return (1 - NUMBERS) * name + NUMBERS * same
    shared = len(one.levels.keys() & other.levels.keys())
    return max(name, (1 - TEXTS) * name + TEXTS * same) if shared >= SHARED else name


def overlap(one: Profile, other: Profile) -> float | None:
    """How much the values of two columns have in common, 0 to 1; None where one side's are not known.

    Text: the share that both have of each value, summed. Numbers and dates: how much of the two ranges from
    10 to 90 % is shared, on a logarithmic axis where no number is below 0.
    """
    if one.levels and other.levels:
        return sum(min(share, other.levels.get(value, 0.0)) for value, share in one.levels.items())
    if not one.deciles or not other.deciles:
        return None
    a, b = np.array(one.deciles[1:10]), np.array(other.deciles[1:10])
    if min(one.deciles[0], other.deciles[0]) >= 0:
        a, b = np.log1p(a), np.log1p(b)
    shared = min(a[-1], b[-1]) - max(a[0], b[0])
    whole = max(a[-1], b[-1]) - min(a[0], b[0])
    return float(max(shared, 0.0) / whole) if whole > 0 else 1.0
