"""A table of pairs, titles and terms, read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from xbsql import errors
from xbsql.arrow import is_text
from xbsql.features.drawn import drawn
from xbsql.features.language import identify
from xbsql.features.roles import as_text
from xbsql.features.scripts import NAMES
from xbsql.harmonise.remeasured import remeasured
from xbsql.tasks.translate.options import language
from xbsql.tasks.translate.turned import straightened
from xbsql.translation.pieces import pieces
from xbsql.translation.terms import Terms
from xbsql.translation.words import plain, remembered, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from xbsql.tasks.translate.options import TranslateOptions
    from xbsql.translation.words import Words

KINDS: Final = ("pair", "title", "term", "dictionary", "protected", "forbidden")
LONGEST: Final = 40
"""Words of a text that are learnt from."""
MOST_PAIRS: Final = 150_000
SHORT: Final = 120
"""Characters below which a text is translated as a whole, in most languages."""
LOOKED_AT: Final = 400
"""Texts of a column that say its language."""
FEWEST: Final = 20
"""Pairs from which on columns are thought swapped."""


@dataclass(frozen=True)
class Material:
    """What a table says.

    Attributes:
        pairs: texts and their translations, each pair once.
        dictionary: the same of words, which are not tried.
        titles: texts of the target market.
        waiting: source texts without a translation.
        terms: the user's words.
        src: the language of the sources; dst: of the translations; '' where nobody can tell.
        notes: one line each.
        market: whose units sizes are given in; '' where they stay as they are.
    """

    pairs: tuple[tuple[str, str], ...]
    dictionary: tuple[tuple[str, str], ...]
    titles: tuple[str, ...]
    waiting: tuple[str, ...]
    terms: Terms
    src: str
    dst: str
    notes: tuple[str, ...] = ()
    market: str = ""

    def measured(self, text: str) -> str:
        """A source text as it is learnt from: with the market's sizes where these are asked for."""
        return remeasured(plain(text), self.market)[0] if self.market else text


def source_column(where: str, table: pa.Table, label: str, options: TranslateOptions) -> str:
    """The column of source texts.

    Raises:
        XbsqlError: no such column, or several that could be meant.
    """
    texts = [
        name
        for name in table.column_names
        if name not in (label, options.kind or "kind") and is_text(table.schema.field(name).type)
    ]
    if options.text is not None:
        if options.text not in table.column_names:
            raise errors.unknown(
                where, "column for the option 'text'", options.text, table.column_names, place="the table has"
            )
        if options.text == label:
            raise errors.invalid(
                where, f"text and label are both '{errors.shown(label)}'", "name the column of source texts"
            )
        return options.text
    if len(texts) != 1:
        listed = ", ".join(map(errors.shown, texts)) or "none is text"
        problem = f"{len(texts)} columns could hold the source texts ({listed})"
        raise errors.invalid(where, problem, "name one: options := {'text': 'column'}")
    return str(texts[0])


def read(where: str, table: pa.Table, label: str, options: TranslateOptions) -> Material:
    """Read a table.

    Args:
        where: the SQL function.
        table: its rows. A row without a translation waits for one, a row without a source is a title, one
            without both is left out.
        label: the column of translations.
        options: of the user, checked.

    Raises:
        XbsqlError: a column that there is not or that is no text, a kind that there is not, columns that are
            the wrong way round.
    """
    text = source_column(where, table, label, options)
    for name in (text, label):
        if not is_text(table.schema.field(name).type) and table[name].null_count < len(table):
            held = table.schema.field(name).type
            problem = f"column '{errors.shown(name)}' holds {held}, and texts are translated"
            raise errors.invalid(
                where, problem, f"cast it ({name}::VARCHAR), or name another with the option 'text'"
            )
    rows = list(zip(_texts(table, text), _texts(table, label), _kinds(where, table, options), strict=True))
    pairs = dict.fromkeys((a, b) for a, b, kind in rows if kind == "pair" and a and b)
    titles = [b for a, b, kind in rows if b and ((kind == "pair" and not a) or kind == "title")]
    waiting = [a for a, b, kind in rows if kind == "pair" and a and not b]
    terms = Terms.of(
        (a or b for a, b, kind in rows if kind == "protected"),
        ((a, b) for a, b, kind in rows if kind == "term" and a and b),
        (b or a for a, b, kind in rows if kind == "forbidden"),
    )
    words = dict.fromkeys((a, b) for a, b, kind in rows if kind in ("term", "dictionary") and a and b)
    kept, long = _apart(pairs)
    notes = _said(rows, terms, kept)
    if len(kept) > MOST_PAIRS:
        notes.append(f"{MOST_PAIRS} of {len(kept)} pairs are read")
        kept = [kept[i] for i in drawn(len(kept), MOST_PAIRS)]
    if long:
        notes.append(f"{long} pairs of long texts do not come apart alike and are not read")
    src, dst = _languages(where, text, label, kept, [*titles[:LOOKED_AT]], waiting, options)
    kept, turned = straightened(kept, src, dst)
    notes += [turned] if turned else []
    return Material(tuple(kept), tuple(words), tuple(titles), tuple(waiting), terms, src, dst, tuple(notes))


def _said(rows: Sequence[tuple[str, str, str]], terms: Terms, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What there is to say of words and pairs that do not mean what they seem to.

    Args:
        rows: source, translation and kind of each row.
        terms: made of them.
        pairs: that are learnt from.
    """
    notes = []
    if terms.conflicts:
        listed = "; ".join(terms.conflicts[:5])
        notes.append(f"{len(terms.conflicts)} terms have several translations, the first counts: {listed}")
    if lone := sum(kind in ("term", "dictionary") and not (a and b) for a, b, kind in rows):
        notes.append(f"{lone} terms without a translation, or translations without a term, are left out")
    first: dict[str, str] = {}
    several = {a for a, b in pairs if first.setdefault(remembered(plain(a)), b) != b}
    if several:
        notes.append(f"{len(several)} texts have several translations, the first is the one remembered")
    copied = sum(plain(a) == plain(b) for a, b in pairs)
    if copied > len(pairs) / 2:
        notes.append(f"{copied} of {len(pairs)} translations are the text itself")
    return notes


def _apart(pairs: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], int]:
    """Pairs as they are translated, long texts by their sentences; and how many do not come apart alike."""
    found: dict[tuple[str, str], None] = {}
    lost = 0
    for source, target in pairs:
        if len(source) < SHORT and len(target) < SHORT:
            found[source, target] = None
            continue
        own, other = ([p.text for p in pieces(text) if p.speaks] for text in (source, target))
        lost += len(own) != len(other)
        found.update(dict.fromkeys(zip(own, other, strict=True) if len(own) == len(other) else ()))
    return list(found), lost


def _texts(table: pa.Table, name: str) -> list[str]:
    return [(value or "").strip() for value in as_text(table[name], name).to_pylist()]


def _kinds(where: str, table: pa.Table, options: TranslateOptions) -> list[str]:
    name = options.kind or ("kind" if "kind" in table.column_names else None)
    if name is None:
        return ["pair"] * len(table)
    if name not in table.column_names:
        raise errors.unknown(
            where, "column for the option 'kind'", name, table.column_names, place="the table has"
        )
    found = [(value or "").strip().lower() or "pair" for value in as_text(table[name], name).to_pylist()]
    for kind in dict.fromkeys(found):
        if kind not in KINDS:
            raise errors.unknown(where, f"kind of row in column '{name}'", kind, KINDS)
    return found


def _languages(
    where: str, text: str, label: str, pairs: list[tuple[str, str]], titles: list[str], waiting: list[str],
    options: TranslateOptions,
) -> tuple[str, str]:  # fmt: skip
    """The languages of both columns, as the user says or as they look.

    Raises:
        XbsqlError: the columns look swapped.
    """
    some = [pairs[i] for i in drawn(len(pairs), LOOKED_AT)]
    left = looks([a for a, _ in some] or waiting[:LOOKED_AT], options.src)
    right = looks([b for _, b in some] or titles, options.dst)
    src, dst = language(options.src or left), language(options.dst or right)
    given = bool(options.src or options.dst) and left != right
    turned = (not options.src or src == right) and (not options.dst or dst == left)
    if len(some) >= FEWEST and given and turned and left and right:
        one, two = f"'{errors.shown(text)}' looks {NAMES[left]}", f"'{errors.shown(label)}' {NAMES[right]}"
        problem = f"column {one} and {two}, the wrong way round"
        raise errors.invalid(where, problem, f"swap src and dst, or let '{text}' be the label")
    return src, dst


def looks(texts: list[str], expected: str | None = None) -> str:
    """The language that texts are in, read as one text; '' where they are too few to tell."""
    if not texts:
        return ""
    size = max(len(texts) // 10, 1)
    blocks = [". ".join(texts[i : i + size]).lower() for i in range(0, len(texts), size)]
    codes, scores = identify(blocks)
    counted: dict[str, float] = {}
    for code, score in zip(codes, scores.tolist(), strict=True):
        if code and code != "und":
            counted[code] = counted.get(code, 0.0) + score
    return max(sorted(counted), key=lambda code: counted[code]) if counted else ""


def as_words(text: str, terms: Terms) -> Words:
    """A text as it is learnt from: kept words are one sign, long texts are cut."""
    marked = terms.mark(plain(text))
    found = split(marked.text, marked.marks)
    return type(found)(found.forms[:LONGEST], found.shown[:LONGEST])


def units_of(sources: list[str]) -> np.ndarray:
    """Equal sources are one unit; int64, shape (n,)."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(text.lower(), len(places)) for text in sources], np.int64)
