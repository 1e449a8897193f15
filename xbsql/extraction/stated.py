"""Values that a table of spellings knows, in titles of which nothing else is said: 'rot' without a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql.extraction.answers import Answers
from xbsql.extraction.canonical import spelled
from xbsql.extraction.titles import SIGN, joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from xbsql.extraction.sheet import Queries
    from xbsql.extraction.titles import Titles

    Ints = NDArray[np.int64]

LONGEST: Final = 3
"""Words of such a value; signs between them count."""
SCORE: Final = 0.5
"""What is said of such an answer. Asked for OA-Mine's attributes with AE-110K for home, and for home's own,
199 were given and 103 of them were right."""


def stated(titles: Titles, queries: Queries, rows: Ints, forms: Sequence[Mapping[str, str]]) -> Answers:
    """The longest run of words that a table knows, of equally long ones the first; never the whole title.

    Args:
        titles: n titles.
        queries: of these.
        rows: int64: the queries to answer.
        forms: of each attribute, spelling -> form; empty where no table knows its values.
    """
    found: list[tuple[int, int, int]] = []
    for row in rows.tolist():
        known = forms[int(queries.attribute[row])]
        run = _run(titles, int(queries.title[row]), known) if known else None
        if run is not None:
            found.append((row, run[1] - 1, run[0]))
    query, layer, word = np.array(found, np.int64).reshape(-1, 3).T
    ends = zip(word.tolist(), (word + layer + 1).tolist(), strict=True)
    value = np.array([joined(titles.hashes[begin:end, 0]) for begin, end in ends], np.uint64)
    return Answers(query, layer, word, value, np.full(len(found), SCORE))


def _run(titles: Titles, title: int, known: Mapping[str, str]) -> tuple[int, int] | None:
    """The first word of the run, and how many there are; None where the title has none."""
    begin, end = int(titles.first[title]), int(titles.first[title + 1])
    spoken = (titles.kind[begin:end] & SIGN) == 0
    for size in range(min(LONGEST, end - begin), 0, -1):
        for at in range(end - begin - size + 1):
            inside = spoken[at : at + size]
            if not (inside[0] and inside[-1]) or inside.sum() == spoken.sum():
                continue
            start, stop = titles.start[begin + at], titles.stop[begin + at + size - 1]
            if spelled(titles.texts[title][start:stop]) in known:
                return begin + at, size
    return None
