"""Simulated markets in which transfer cannot help, or helps in a way that is easily misread.

Every trap is a pair of Arrow tables with eight numbers, a category and the label 'y', drawn from a concept
that the seed chooses anew: a line, a product of two columns, a wave and an effect of the category.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SOURCE_ROWS = 1500
LABELS = 200
UNLABELLED = 500
TEST_ROWS = 4000
NUMBERS = 8
SHOPS = tuple(f"shop{i}" for i in range(8))


@dataclass(frozen=True)
class Trap:
    """One simulated pair of markets.

    Attributes:
        source: rows of the rich market, label in 'y'.
        labelled: labelled rows of the target.
        unlabelled: rows of the target without their label.
        test: further rows of the target, never shown to the engine.
        benign: the transfer may help: any verdict but HURTS is right. Else HELPS is wrong.
    """

    source: pa.Table
    labelled: pa.Table
    unlabelled: pa.Table
    test: pa.Table
    benign: bool = False


@dataclass(frozen=True)
class Concept:
    """What the label depends on: log odds of numbers and shops."""

    line: NDArray[np.float64]
    pair: tuple[int, int]
    wave: int
    shops: NDArray[np.float64]

    def log_odds(self, x: NDArray[np.float64], shop: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shape (n,)."""
        curved = x[:, self.pair[0]] * x[:, self.pair[1]] + 1.2 * np.sin(2.0 * x[:, self.wave])
        return np.asarray(x @ self.line + curved + self.shops[shop])


@dataclass(frozen=True)
class Rows:
    """Numbers (n, 8) and shops (n,) before they become a table."""

    x: NDArray[np.float64]
    shop: NDArray[np.int64]

    def table(
        self, y: NDArray[np.int64], names: str = "abcdefgh", shops: tuple[str, ...] = SHOPS
    ) -> pa.Table:
        """An Arrow table; class codes become 'k0', 'k1' ..."""
        columns: dict[str, object] = {name: self.x[:, i] for i, name in enumerate(names)}
        columns["shop"] = np.array(shops)[self.shop]
        columns["y"] = np.array([f"k{code}" for code in range(10)])[y]
        return pa.table(columns)


def concept(generator: np.random.Generator, shops: float = 0.7) -> Concept:
    """A concept of which about six columns matter."""
    line = generator.normal(size=NUMBERS) * (generator.random(NUMBERS) < 0.6)
    first, second, wave = generator.permutation(NUMBERS)[:3]
    return Concept(line, (int(first), int(second)), int(wave), shops * generator.normal(size=len(SHOPS)))


def rows(generator: np.random.Generator, n: int, shift: float = 0.0) -> Rows:
    """Rows whose first four numbers are shifted."""
    x = generator.normal(size=(n, NUMBERS))
    x[:, :4] += shift
    return Rows(x, generator.integers(0, len(SHOPS), n))


def draw(generator: np.random.Generator, odds: NDArray[np.float64], base: float = 0.0) -> NDArray[np.int64]:
    """0 or 1 with these log odds, centred at `base`."""
    centred = odds - np.median(odds) + base
    return (generator.random(len(odds)) < 1.0 / (1.0 + np.exp(-centred))).astype(np.int64)


def inverted(g: np.random.Generator) -> Trap:
    """The target's labels follow the source's concept with the sign turned."""
    c = concept(g)
    return _binary(g, c.log_odds, lambda x, shop: -c.log_odds(x, shop), shift=0.3)


def unrelated(g: np.random.Generator) -> Trap:
    """Two concepts that have nothing to do with each other, and shifted inputs."""
    return _binary(g, concept(g).log_odds, concept(g).log_odds, shift=0.7)


def other_labels(g: np.random.Generator) -> Trap:
    """The very same inputs in both markets, labelled by another concept."""
    here, there = concept(g), concept(g)
    target = rows(g, _TARGET)
    y = draw(g, there.log_odds(target.x, target.shop))
    source = target.table(draw(g, here.log_odds(target.x, target.shop))).slice(0, SOURCE_ROWS)
    return _split(source, target.table(y))


def label_shift(g: np.random.Generator) -> Trap:
    """One concept, but the second class falls from a half to about a sixth."""
    c = concept(g)
    source, target = rows(g, SOURCE_ROWS), rows(g, _TARGET)
    y = draw(g, c.log_odds(target.x, target.shop), base=-2.0)
    return _split(source.table(draw(g, c.log_odds(source.x, source.shop))), target.table(y), benign=True)


def hundredfold(g: np.random.Generator) -> Trap:
    """One concept, 60 labels and a source of 100 times as many rows."""
    c = concept(g)
    return _binary(g, c.log_odds, c.log_odds, shift=0.3, source_rows=6000, labels=60, benign=True)


def other_columns(g: np.random.Generator) -> Trap:
    """One concept, but all numbers have other names and the shops do as well."""
    c = concept(g)
    source, target = rows(g, SOURCE_ROWS), rows(g, _TARGET)
    here = source.table(draw(g, c.log_odds(source.x, source.shop)))
    there = target.table(
        draw(g, c.log_odds(target.x, target.shop)), "stuvwxyz", tuple(f"winkel{i}" for i in range(len(SHOPS)))
    )
    return _split(here, there)


def other_classes(g: np.random.Generator) -> Trap:
    """Three classes at home and three others abroad, which follow other concepts."""
    source, target = rows(g, SOURCE_ROWS), rows(g, _TARGET)
    here, there = _three(g, source, concept(g), concept(g)), _three(g, target, concept(g), concept(g))
    return _split(source.table(here), target.table(there + 3))


def unseen_categories(g: np.random.Generator) -> Trap:
    """The shop is nearly all that counts, and the target has other shops."""
    names = tuple(f"new{i}" for i in range(len(SHOPS)))
    c, d = (Concept(np.zeros(NUMBERS), (0, 1), 2, 1.5 * g.normal(size=len(SHOPS))) for _ in range(2))
    source, target = rows(g, SOURCE_ROWS), rows(g, _TARGET)
    here = source.table(draw(g, c.shops[source.shop]))
    return _split(here, target.table(draw(g, d.shops[target.shop]), shops=names))


def no_labels(g: np.random.Generator) -> Trap:
    """No label at all: nothing can be measured, so nothing may be claimed."""
    c = concept(g)
    return _binary(g, c.log_odds, c.log_odds, shift=0.3, labels=0)


def missing_class(g: np.random.Generator) -> Trap:
    """One concept with three classes; the source has never seen the third."""
    first, second = concept(g), concept(g)
    source, target = rows(g, 2 * SOURCE_ROWS), rows(g, _TARGET)
    here = _three(g, source, first, second)
    kept = np.flatnonzero(here < 2)[:SOURCE_ROWS]
    return _split(source.table(here).take(kept), target.table(_three(g, target, first, second)), benign=True)


def leaking_column(g: np.random.Generator) -> Trap:
    """At home one column is the label itself, a little blurred; abroad it is noise, the concept another."""
    here, there = concept(g), concept(g)
    source, target = rows(g, SOURCE_ROWS), rows(g, _TARGET)
    y = draw(g, here.log_odds(source.x, source.shop))
    source.x[:, -1] = y + 0.05 * g.normal(size=len(y))
    target.x[:, -1] = 0.5 + 0.5 * g.normal(size=_TARGET)
    there_odds = there.log_odds(np.where(np.arange(NUMBERS) < NUMBERS - 1, target.x, 0.0), target.shop)
    return _split(source.table(y), target.table(draw(g, there_odds)))


TRAPS: dict[str, Callable[[np.random.Generator], Trap]] = {
    "inverted source": inverted,
    "unrelated source": unrelated,
    "other labels": other_labels,
    "label shift": label_shift,
    "source 100 times the target": hundredfold,
    "other columns": other_columns,
    "other classes": other_classes,
    "unseen categories": unseen_categories,
    "no labels": no_labels,
    "missing class": missing_class,
    "leaking column": leaking_column,
}

_TARGET = LABELS + UNLABELLED + TEST_ROWS


def _binary(
    g: np.random.Generator,
    here: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
    there: Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
    *,
    shift: float,
    source_rows: int = SOURCE_ROWS,
    labels: int = LABELS,
    benign: bool = False,
) -> Trap:
    source, target = rows(g, source_rows), rows(g, _TARGET, shift)
    y = draw(g, there(target.x, target.shop))
    return _split(
        source.table(draw(g, here(source.x, source.shop))), target.table(y), labels=labels, benign=benign
    )


def _three(g: np.random.Generator, found: Rows, first: Concept, second: Concept) -> NDArray[np.int64]:
    """Classes 0, 1, 2: the largest of two concepts and zero, with Gumbel noise (a multinomial logit)."""
    odds = np.stack([first.log_odds(found.x, found.shop), second.log_odds(found.x, found.shop)], axis=1)
    odds = np.concatenate([odds - np.median(odds, axis=0), np.zeros((len(odds), 1))], axis=1)
    return np.asarray((odds + g.gumbel(size=odds.shape)).argmax(axis=1), np.int64)


def _split(source: pa.Table, target: pa.Table, *, labels: int = LABELS, benign: bool = False) -> Trap:
    rest = target.slice(labels)
    return Trap(source, target.slice(0, labels), rest.slice(0, UNLABELLED), rest.slice(UNLABELLED), benign)
