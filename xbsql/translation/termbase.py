"""Lists of terms as they come: CSV, ding, dictd, EDICT, TBX and TMX files, as rows."""

from __future__ import annotations

import csv
import gzip
import io
import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from xbsql import errors
from xbsql.translation.termbase_xml import tbx, tmx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

WHERE: Final = "xb.termbase"
FORMATS: Final = ("csv", "ding", "dictd", "edict", "tbx", "tmx")
VARIANTS: Final = 4
"""Ways of writing one entry that become rows, on each side."""
MOST_BYTES: Final = 1 << 30

_DIGITS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BESIDE: Final = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|/[^/]*/")
_TERM: Final = {"term", "source", "src", "from", "word"}
_TRANSLATION: Final = {"translation", "target", "dst", "to"}
_KIND: Final = {"kind", "type"}


class Term(NamedTuple):
    """A row of a termbase.

    Attributes:
        term: as written.
        translation: None where it has none: a protected word, say.
        kind: 'term' of a list of terms, 'dictionary', 'pair' of a memory, or what the file says.
        conflict: the other translations of the term, where it has several; None else.
    """

    term: str | None
    translation: str | None
    kind: str
    conflict: str | None = None


def read_terms(path: Path, src: str | None = None, dst: str | None = None) -> list[Term]:
    """The rows of a file, in its order, each once.

    Args:
        path: of the file; for dictd either the .index or the .dict(.dz) beside it.
        src: the language of the terms, in files of several; a column's name, for CSV. None: the first that
            comes.
        dst: the same of the translations. None: the second that comes.

    Raises:
        XbsqlError: there is no such file, it is of no known format or broken, or has no entry.
    """
    if not path.is_file():
        raise errors.invalid(WHERE, f"there is no file '{errors.shown(path)}'", "give the path of a file")
    if path.stat().st_size > MOST_BYTES:
        raise errors.invalid(WHERE, f"'{errors.shown(path.name)}' has more than 1 GiB", "split it")
    rows = list(dict.fromkeys(_reader(path)(path, src, dst)))
    if not rows:
        raise errors.invalid(
            WHERE, f"'{errors.shown(path.name)}' has no entry", f"formats are {', '.join(FORMATS)}"
        )
    return _with_conflicts(rows)


def _reader(path: Path) -> Callable[[Path, str | None, str | None], Iterator[Term]]:
    """What reads a file, by its name, or by how it begins."""
    name = path.name.lower()
    if name.endswith((".index", ".dict", ".dict.dz")):
        return _dictd
    for ending, reader in ((".tbx", _tbx), (".tmx", _tmx), (".csv", _csv), (".tsv", _csv)):
        if name.endswith(ending):
            return reader
    head = _text(path)[:4000]
    if "<tmx" in head or "<TMX" in head:
        return _tmx
    if "<martif" in head or "<tbx" in head:
        return _tbx
    if re.search(r"^\S.*? ?(\[.*\] )?/.+/\s*$", head, re.MULTILINE):
        return _edict
    if " :: " in head:
        return _ding
    problem = f"'{errors.shown(path.name)}' is of no format that is known"
    raise errors.invalid(WHERE, problem, f"give one of {', '.join(FORMATS)}")


def _text(path: Path) -> str:
    """A file as text: UTF-8, or Japanese as EDICT has it, or Latin."""
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "euc_jp", "latin-1"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")


def _tbx(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    return (Term(a, b, "term") for a, b in tbx(WHERE, path, src, dst))


def _tmx(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    return (Term(a, b, "pair") for a, b in tmx(WHERE, path, src, dst))


def _csv(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    """Rows of two columns or more; a first row that names them is no entry."""
    text = _text(path)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:8000], ",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if "\t" in text else csv.excel
    rows = _rows(path, text, dialect)
    if not rows:
        return
    term, translation, kind, begin = _columns(path, [cell.strip().lower() for cell in rows[0]], src, dst)
    for row in rows[begin:]:
        cells = [" ".join(cell.split()) or None for cell in row] + [None] * 3
        said = cells[kind] if kind is not None and kind < len(row) else None
        yield Term(cells[term], cells[translation], (said or "term").lower())


def _rows(path: Path, text: str, dialect: type[csv.Dialect] | csv.Dialect) -> list[list[str]]:
    """The rows of a CSV that hold anything.

    Raises:
        XbsqlError: a quote is opened and never closed, or its cell is longer than any is.
    """
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, dialect, doublequote=True, strict=True)
    begin, rows = 1, []
    try:
        for row in reader:
            rows += [row] if any(cell.strip() for cell in row) else []
            begin = reader.line_num + 1
    except csv.Error as error:
        problem = f"'{errors.shown(path.name)}' is broken from line {begin} on ({errors.shown(error, 100)})"
        raise errors.invalid(WHERE, problem, "close every quote; within quotes write one as two") from error
    return rows


def _columns(
    path: Path, head: Sequence[str], src: str | None, dst: str | None
) -> tuple[int, int, int | None, int]:
    """The columns of terms, translations and kinds, and whether the first row names them (1) or not (0)."""
    kind = next((i for i, name in enumerate(head) if name in _KIND), None)
    places = []
    for wanted, words in ((src, _TERM), (dst, _TRANSLATION)):
        if wanted is not None and wanted.lower() not in head:
            raise errors.unknown(WHERE, "column", wanted, head, place=f"'{path.name}' has")
        names = {wanted.lower()} if wanted is not None else words
        places.append(next((i for i, name in enumerate(head) if name in names), None))
    codes = len(head) > 1 and all(re.fullmatch("[a-z]{2,3}([-_][a-z]+)?", name) for name in head[:2])
    named = any(place is not None for place in places) or codes
    others = [i for i in range(max(len(head), 2)) if i not in (*places, kind)]
    first = places[0] if places[0] is not None else others.pop(0)
    second = places[1] if places[1] is not None else others.pop(0) if others else first
    return first, second, kind, int(named)


def _ding(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    """'one; other | plural :: eins; anderes | Plural', as ding and dict.cc have it."""
    for line in _text(path).splitlines():
        left, between, right = line.partition("::")
        if line.startswith("#") or not between:
            continue
        for own, other in zip(left.split("|"), right.split("|"), strict=False):
            pairs = product(_variants(own, ";"), _variants(other, ";"))
            yield from (Term(a, b, "dictionary") for a, b in pairs)


def _edict(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    """'KANJI;KANJI [KANA] /(n) gloss/gloss/', as EDICT and CEDICT have it."""
    for line in _text(path).splitlines():
        found = re.match(r"(?P<head>[^\[/#]+?)\s*(?:\[[^\]]*\])?\s*/(?P<glosses>.+)/\s*$", line)
        if not found:
            continue
        heads = _variants(found["head"].split(" ")[-1], ";")
        said = (text for text in found["glosses"].split("/") if not text.startswith("EntL"))
        glosses = [gloss for text in said for gloss in _variants(text, ";")]
        yield from (Term(a, b, "dictionary") for a, b in product(heads, glosses[:VARIANTS]))


def _dictd(path: Path, src: str | None, dst: str | None) -> Iterator[Term]:
    """A list of words with places in a file of definitions, in base 64; the second may be compressed."""
    stem = re.sub(r"\.(index|dict|dict\.dz)$", "", path.name)
    index = path.with_name(f"{stem}.index")
    body = next(
        (b for b in (path.with_name(f"{stem}{e}") for e in (".dict", ".dict.dz")) if b.is_file()), None
    )
    if not index.is_file() or body is None:
        problem = f"'{stem}.index' and '{stem}.dict' or '{stem}.dict.dz' belong together"
        raise errors.invalid(WHERE, f"{problem}, and one is missing", "put both into one folder")
    content = gzip.decompress(body.read_bytes()) if body.suffix == ".dz" else body.read_bytes()
    for line in _text(index).splitlines():
        parts = line.split("\t")
        if len(parts) < 3 or parts[0].startswith("00"):
            continue
        begin, size = (_number(part.strip()) for part in parts[1:3])
        said = content[begin : begin + size].decode("utf-8", "replace").strip().splitlines()
        told = [row for row in said[1:] if row.strip()] or said[:1]
        for row in told[:VARIANTS]:
            plain = re.sub(r"^\s*\d+[.)]\s*", "", row)
            yield from (Term(parts[0], b, "dictionary") for b in _variants(plain, "[;,]") if b != parts[0])


def _number(text: str) -> int:
    found = 0
    for sign in text:
        if sign not in _DIGITS:
            raise errors.invalid(WHERE, f"an index holds '{errors.shown(text)}'", "give a dictd index")
        found = found * 64 + _DIGITS.index(sign)
    return found


def _variants(text: str, between: str) -> list[str]:
    """The ways of writing an entry, without what is said about it in brackets."""
    bare = (" ".join(_BESIDE.sub(" ", part).split()) for part in re.split(between, text))
    return [part for part in dict.fromkeys(bare) if part][:VARIANTS]


def _with_conflicts(rows: Sequence[Term]) -> list[Term]:
    """The rows; a term (of a dictionary nothing conflicts) that has others beside says which."""
    several: dict[str, list[str]] = {}
    for row in rows:
        if row.kind == "term" and row.term and row.translation:
            several.setdefault(row.term.lower(), []).append(row.translation)
    found = []
    for row in rows:
        others = [t for t in several.get((row.term or "").lower(), ()) if t != row.translation]
        conflict = " | ".join(others) if row.kind == "term" and others else None
        found.append(row._replace(conflict=conflict))
    return found
