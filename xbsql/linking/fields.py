"""What stands beside the text of a row, compared in levels: the first says most for one product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import family_of, is_text, is_vector, matrix, one_chunk, unit_rows
from xbsql.features.ngrams import Ngrams
from xbsql.harmonise.blank import core
from xbsql.linking.gtin import gtin, indicator, piece
from xbsql.matching.blank import is_blank
from xbsql.matching.neighbours import rowwise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.linking.graph import Floats, Ints

ABSENT: Final = -1
MOST_SHARED: Final = 20
"""Rows of one market that may have one GTIN; one that more have says nothing."""
_SUPPOSED: Final = 20.0  # pairs that stand for how often two products are called alike
_ALIKE: Final = 0.6  # cosine of n-grams from which on two brands may be one
_NUMBERS: Final = (0.005, 0.03, 0.1, 0.3, 0.7)  # |ln ratio| up to which numbers are of a level
_COSINES: Final = (0.95, 0.85, 0.7, 0.5)
_LEAST_LIKELY: Final = 8.0  # likely pairs of two markets from which their currencies can be told


class Field(Protocol):
    """One thing that is known beside the text."""

    @property
    def levels(self) -> Sequence[str]:
        """What each level is called."""
        ...

    @property
    def start(self) -> tuple[Sequence[float], Sequence[float]]:
        """For each level, how often it is met among pairs of one product and of two, before any is seen."""
        ...

    def compared(self, i: Ints, j: Ints, between: Ints, likely: Floats) -> tuple[Ints, Floats]:
        """The level of each pair and how often two products reach it by chance.

        Args:
            i: int64, shape (p,): rows.
            j: int64, shape (p,): rows of other markets.
            between: int64, shape (p,): which two markets they are of.
            likely: float64, shape (p,): how likely they are one product by the text.

        Returns:
            int64, shape (p,), -1 where either row says nothing; float64, shape (p,): the chance of this very
            value, NaN where the level's own is meant.
        """
        ...


@dataclass(frozen=True)
class Words:
    """Texts such as brands: rare ones say more, and one that every row has says nothing."""

    codes: Ints
    shares: Floats
    ngrams: object
    levels: Sequence[str] = ("same", "alike", "other")
    start: tuple[Sequence[float], Sequence[float]] = ((0.85, 0.08, 0.07), (0.1, 0.05, 0.85))

    @classmethod
    def of(cls, column: pa.Array) -> Words:
        """Read a column; placeholders are NULL."""
        given = [None if text is None or is_blank(text) else core(text) for text in column.to_pylist()]
        known = sorted({text for text in given if text})
        places = {text: place for place, text in enumerate(known)}
        codes = np.array([places.get(text or "", ABSENT) for text in given], np.int64)
        count = np.bincount(codes[codes >= 0], minlength=len(known))
        ngrams = Ngrams.fit(known).transform(known) if known else None
        rows = count.sum()
        pairs, equal = rows * (rows - 1) / 2, (count * (count - 1)).sum() / 2
        one, two = cls.start
        # How often any two rows are equal, beside what stands for a few pairs before any is seen.
        same = (_SUPPOSED * two[0] + equal) / (_SUPPOSED + pairs)
        others = [(1 - same) * share / (1 - two[0]) for share in two[1:]]
        return cls(codes, count / max(rows, 1), ngrams, start=(one, (same, *others)))

    def compared(self, i: Ints, j: Ints, between: Ints, likely: Floats) -> tuple[Ints, Floats]:
        """See `Field`."""
        a, b = self.codes[i], self.codes[j]
        level, chance = np.full(len(i), ABSENT, np.int64), np.full(len(i), np.nan)
        both = np.flatnonzero((a >= 0) & (b >= 0))
        same = a[both] == b[both]
        level[both] = np.where(same, 0, 2)
        chance[both[same]] = self.shares[a[both[same]]]
        other = both[~same]
        near = rowwise(
            len(other),
            lambda s: np.asarray(
                self.ngrams[a[other[s]]].multiply(self.ngrams[b[other[s]]]).sum(axis=1)  # type: ignore[index]
            ).ravel(),
        )
        level[other[near >= _ALIKE]] = 1
        return level, chance


@dataclass(frozen=True)
class Gtins:
    """GTINs: the same, another pack of the same, another."""

    whole: Ints
    piece: Ints
    levels: Sequence[str] = ("same", "another pack", "other")
    start: tuple[Sequence[float], Sequence[float]] = ((0.9, 0.01, 0.09), (0.0005, 0.0005, 0.999))

    @classmethod
    def of(cls, column: pa.Array, market: Ints) -> Gtins:
        """Read a column of texts or whole numbers; what is no GTIN, and what too many rows have, is NULL."""
        numbers = [gtin(text) for text in column.cast(pa.string()).to_pylist()]
        whole = _coded(numbers)
        there = np.flatnonzero((whole >= 0) & (market >= 0))
        keys = whole[there] * (market.max(initial=0) + 1) + market[there]
        _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
        shared = np.unique(whole[there[(count > MOST_SHARED)[place]]])
        whole[np.isin(whole, shared)] = ABSENT
        pieces = [None if number is None or indicator(number) == "9" else piece(number) for number in numbers]
        found = _coded(pieces)
        found[whole < 0] = ABSENT
        return cls(whole, found)

    def compared(self, i: Ints, j: Ints, between: Ints, likely: Floats) -> tuple[Ints, Floats]:
        """See `Field`."""
        a, b = self.whole[i], self.whole[j]
        pack = (self.piece[i] == self.piece[j]) & (self.piece[i] >= 0)
        level = np.where(a == b, 0, np.where(pack, 1, 2))
        level[(a < 0) | (b < 0)] = ABSENT
        return level, np.full(len(i), np.nan)

    def sharing(self, market: Ints) -> tuple[Ints, Ints]:
        """The pairs of rows of different markets that have one number, ordered."""
        rows = np.flatnonzero((self.whole >= 0) & (market >= 0))
        rows = rows[np.argsort(self.whole[rows], kind="stable")]
        codes = self.whole[rows]
        end = np.searchsorted(codes, codes, side="right")
        later = end - np.arange(len(rows)) - 1
        own = np.repeat(np.arange(len(rows)), later)
        other = own + 1 + np.arange(len(own)) - np.repeat(np.cumsum(later) - later, later)
        a, b = np.minimum(rows[own], rows[other]), np.maximum(rows[own], rows[other])
        kept = market[a] != market[b]
        order = np.lexsort((b[kept], a[kept]))
        return a[kept][order], b[kept][order]


@dataclass(frozen=True)
class Numbers:
    """Positive numbers such as prices, up to a factor between two markets: currency, tax, price level."""

    logs: Floats
    scaled: bool
    levels: Sequence[str] = ("same", "within 3 %", "within 10 %", "within 30 %", "within half", "other")
    start: tuple[Sequence[float], Sequence[float]] = (
        (0.15, 0.2, 0.25, 0.25, 0.1, 0.05),
        (0.02, 0.03, 0.08, 0.17, 0.25, 0.45),
    )

    @classmethod
    def of(cls, column: pa.Array, *, scaled: bool) -> Numbers:
        """Read a column; what is not above 0, and nines alone (9999, 99999.99), is NULL."""
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        held = np.isfinite(values) & (values > 0) & ~np.array([_nines(value) for value in values], np.bool_)
        return cls(np.log(np.where(held, values, np.nan)), scaled)

    def compared(self, i: Ints, j: Ints, between: Ints, likely: Floats) -> tuple[Ints, Floats]:
        """See `Field`."""
        apart = self.logs[i] - self.logs[j]
        if self.scaled:
            apart = apart - _middles(apart, between, likely)[between]
        level = np.searchsorted(np.array(_NUMBERS), np.abs(apart)).astype(np.int64)
        level[np.isnan(apart)] = ABSENT
        return level, np.full(len(i), np.nan)


@dataclass(frozen=True)
class Vectors:
    """Vectors such as those of images."""

    unit: NDArray[np.float32]
    there: NDArray[np.bool_]
    levels: Sequence[str] = ("same", "very alike", "alike", "somewhat", "other")
    start: tuple[Sequence[float], Sequence[float]] = (
        (0.3, 0.3, 0.2, 0.12, 0.08),
        (0.01, 0.04, 0.15, 0.3, 0.5),
    )

    @classmethod
    def of(cls, where: str, column: pa.Array) -> Vectors:
        """Read a column; vectors of length 0, and such as hold NaN or infinity, are NULL."""
        return cls(*unit_rows(*matrix(one_chunk(column), where)))

    def compared(self, i: Ints, j: Ints, between: Ints, likely: Floats) -> tuple[Ints, Floats]:
        """See `Field`."""
        cosine = rowwise(len(i), lambda s: np.einsum("pd,pd->p", self.unit[i[s]], self.unit[j[s]]))
        level = np.searchsorted(-np.array(_COSINES), -cosine).astype(np.int64)
        level[~(self.there[i] & self.there[j])] = ABSENT
        return level, np.full(len(i), np.nan)


def read(where: str, beside: pa.Array, market: Ints) -> dict[str, Field]:
    """The fields of what stands beside the texts, by name; those that hold nothing are left out.

    Args:
        where: the function, for errors.
        beside: n structs, or all NULL. 'gtin' is read as GTINs and 'price' as prices; any other field by its
            type: text, numbers, booleans, vectors.
        market: int64, shape (n,): the market of each row.

    Raises:
        XbsqlError: no struct, a field of a type that cannot be compared.
    """
    if pa.types.is_null(beside.type):
        return {}
    if not pa.types.is_struct(beside.type):
        remedy = "give a STRUCT: {'gtin': ..., 'brand': ..., 'price': ...}"
        raise errors.invalid(where, f"beside is {beside.type}", remedy)
    names = [beside.type.field(place).name for place in range(beside.type.num_fields)]
    parts = zip(names, beside.flatten(), strict=True)
    return {name: _field(where, name, part, market) for name, part in parts if part.null_count < len(part)}


def _field(where: str, name: str, column: pa.Array, market: Ints) -> Field:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if name == "gtin" and (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return Gtins.of(column, market)
    if name == "price" and family_of(kind) == "number":
        return Numbers.of(column, scaled=True)
    if name in ("gtin", "price"):
        remedy = {"gtin": "give text or whole numbers", "price": "give a number"}[name]
        raise errors.invalid(where, f"the {name} is {kind}", remedy)
    if is_text(kind) or pa.types.is_boolean(kind):
        return Words.of(column.cast(pa.string()))
    if family_of(kind) == "number":
        return Numbers.of(column, scaled=False)
    if is_vector(kind):
        return Vectors.of(where, column)
    remedy = "give text, a number, a boolean or a vector"
    raise errors.invalid(where, f"{errors.shown(name)} in beside is {kind}", remedy)


def _coded(values: Sequence[str | None]) -> Ints:
    places = {text: place for place, text in enumerate(sorted({text for text in values if text is not None}))}
    return np.array([ABSENT if text is None else places[text] for text in values], np.int64)


def _nines(value: float) -> bool:
    digits = f"{value:.2f}".removesuffix(".00").replace(".", "")
    return len(digits) >= 4 and set(digits) == {"9"} and value >= 9999


def _middles(apart: Floats, between: Ints, likely: Floats) -> Floats:
    """The factor between the prices of two markets, as its log: the median over their likely pairs.

    NaN where too few are likely: nobody can tell the currency.
    """
    found = np.full(int(between.max(initial=-1)) + 1, np.nan)
    for pair in np.unique(between):
        rows = np.flatnonzero((between == pair) & np.isfinite(apart) & (likely > 0.5))
        if likely[rows].sum() >= _LEAST_LIKELY:
            found[pair] = np.median(apart[rows])
    return found
