"""Columns that give the label away: what one of them alone says of labels that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from xbsql.engine.design import dense
from xbsql.engine.folds import FEWEST_LABELS, minority
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text
from xbsql.metrics import rows as metrics
from xbsql.tasks.word_leaks import numbers_in, words_tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Sample
    from xbsql.metrics.rows import Floats, Labels
    from xbsql.tasks.reader import Reader

LEAK = "alone predicts the label almost perfectly"
"""What the note of such a column says of it."""

ALMOST_PERFECT = 0.98
"""AUC, or R2 of the label's ranks, from which on a column is pointed out."""

MOST_ROWS = 4000
MOST_CLASSES = 1000
BINS = 200
FOLDS = 4
FEWEST_IN_A_BIN = 3
MOST_QUOTED = 3


class Told(NamedTuple):
    """What tells the label by itself.

    Attributes:
        shown: what a note calls it.
        score: AUC, or R2 of the label's ranks, out of fold.
    """

    shown: str
    score: float


def leak_notes(
    reader: Reader,
    data: pa.Table,
    sample: Sample,
    classes: int | None,
    *,
    quoted: bool = True,
    home: tuple[pa.Table, Sample] | None = None,
) -> list[str]:
    """A note for each column that alone predicts the label almost perfectly, out of fold.

    A column's value is cut into bins of equal counts, a category into its levels; the label of a row is
    guessed by the mean over its bin in the other folds. Values are compared by rank, so that any rising or
    falling curve of the label is found. Of a text it is a single word, or number, that must tell the label:
    that all its words together do is what a text is read for. What tells the label well at home, but not
    almost perfectly, is no leak because a few target labels let it look like one.

    Args:
        reader: of the columns.
        data: the labelled rows.
        sample: the same, read; under 30 nothing is said.
        classes: how many; None for values. Of more than 1,000 nothing is said: what tells them all is a name.
        quoted: False keeps the words of a text out of the notes, which are stored with the model.
        home: the home market's labelled rows and the same read; None where they may not be read.
    """
    if len(sample) < FEWEST_LABELS or (classes or 0) > MOST_CLASSES:
        return []
    told = _told(reader, data, sample, classes, quoted=quoted)
    found = {what: one for what, one in told.items() if one.score > ALMOST_PERFECT}
    if found and home is not None and len(home[1]) > len(sample):
        there = _told(reader, *home, classes, quoted=quoted)
        found = {
            what: one
            for what, one in found.items()
            if not (what in there and _least(one.score, sample, classes) < there[what].score < ALMOST_PERFECT)
        }
    metric = "R2" if classes is None else "AUC"
    return [
        f"{one.shown} {LEAK} ({metric} {one.score:.3f}, surely above "
        f"{_least(one.score, sample, classes):.2f}, out of fold): is it known before the label is?"
        for one in found.values()
    ]


def _least(score: float, sample: Sample, classes: int | None) -> float:
    """The lower end of a score's 95 % interval.

    An AUC is taken for a share of the labels outside the largest class (Wilson, JASA 1927), which is wide
    enough where it is 1; an R2 for a squared correlation (Fisher, 1921).
    """
    if classes is not None:
        return float(metrics.wilson(score, minority(sample))[0])
    r = np.arctanh(np.sqrt(min(score, 1.0 - 1e-12))) - 1.96 / np.sqrt(max(len(sample) - 3, 1))
    return float(np.square(np.tanh(max(r, 0.0))))


def _told(
    reader: Reader, data: pa.Table, sample: Sample, classes: int | None, *, quoted: bool
) -> dict[tuple[str, str], Told]:
    """How well each column, and each text's numbers and words, tell the label."""
    rows = drawn(len(sample), MOST_ROWS)
    y = sample.y[rows]
    found = _in_columns(reader, sample.take(rows), classes) if "table" in sample.x else {}
    for name in reader.text:
        texts = as_text(data[name].take(pa.array(rows))).fill_null("").to_pylist()
        numbers = [_score(_cells(column), y, classes) for column in numbers_in(texts).T]
        found["number", name] = Told(f"a number in column '{name}'", max(numbers))
        if classes is not None:
            told = words_tell(texts, y, classes, _folds(len(y)))
            shown = _quoted(told.words, name) if quoted else f"a word in column '{name}'"
            found["word", name] = Told(shown, told.auc)
    return found


def _in_columns(reader: Reader, sample: Sample, classes: int | None) -> dict[tuple[str, str], Told]:
    """How well each column tells the label."""
    table, found = dense(sample.x["table"]), dict[tuple[str, str], Told]()
    owners = [column.name for column in reader.table.columns for _ in column.outputs]
    for place, name in enumerate(owners):
        category, what = place in reader.table.categorical, ("column", name)
        score = _score(_cells(table[:, place], category=category), sample.y, classes, category=category)
        score = max(score, found[what].score) if what in found else score
        found[what] = Told(f"column '{name}'", score)
    return found


def _quoted(words: Sequence[str], column: str) -> str:
    """'the word ... in column ...', of many words the first."""
    shown = ", ".join(f"'{word}'" for word in words[:MOST_QUOTED])
    return f"the word {shown}{' ...' if len(words) > MOST_QUOTED else ''} in column '{column}'"


def _cells(values: Floats, *, category: bool = False) -> NDArray[np.int64]:
    """The bin of each value, NaN in one of its own; int64, shape (n,)."""
    if category:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    bins = max(2, min(BINS, len(values) // (2 * FEWEST_IN_A_BIN)))
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else known
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _score(cells: NDArray[np.int64], y: Labels, classes: int | None, *, category: bool = False) -> float:
    """R2 of the ranks, or AUC, of the means of the other folds; 0 where it is not defined."""
    truth = rankdata(y)[:, None] if classes is None else np.eye(classes)[np.asarray(y, np.int64)]
    guess = _held_out(cells, np.asarray(truth, np.float64), category=category)
    score = metrics.r2(truth[:, 0], guess[:, 0]) if classes is None else metrics.auc(y, guess)
    return float(np.nan_to_num(score))


def _folds(n: int) -> NDArray[np.int64]:
    """The fold of each row; int64, shape (n,)."""
    return np.random.default_rng(0).permutation(n) % FOLDS


def _held_out(cells: NDArray[np.int64], truth: Floats, *, category: bool) -> Floats:
    """The mean of each row's cell over the other folds.

    Where the cell is empty there, that of the cells beside it, or for a category the mean of all rows.
    """
    guess = np.empty_like(truth)
    fold = _folds(len(truth))
    size = int(cells.max()) + 1
    for held_out in range(FOLDS):
        rows = fold != held_out
        count = np.bincount(cells[rows], minlength=size)
        means = np.zeros((size, truth.shape[1]))
        np.add.at(means, cells[rows], truth[rows])
        means /= np.maximum(count, 1)[:, None]
        known, places = np.flatnonzero(count), np.arange(size)
        if category:
            means[count == 0] = truth[rows].mean(axis=0)
        else:
            means = np.stack([np.interp(places, known, column[known]) for column in means.T], axis=1)
        guess[~rows] = means[cells[~rows]]
    return guess
