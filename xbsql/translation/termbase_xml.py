"""Terms and pairs in XML: TBX (ISO 30042, versions 2 and 3) and TMX (1.1 to 1.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def tbx(where: str, path: Path, src: str | None, dst: str | None) -> Iterator[tuple[str, str]]:
    """Terms of one concept in two languages."""
    concepts = ("termEntry", "conceptEntry")
    return _pairs(where, path, concepts, ("langSet", "langSec"), ("term",), src, dst)


def tmx(where: str, path: Path, src: str | None, dst: str | None) -> Iterator[tuple[str, str]]:
    """Segments of one unit in two languages."""
    return _pairs(where, path, ("tu",), ("tuv",), ("seg",), src, dst)


def _pairs(
    where: str, path: Path, units: Sequence[str], sides: Sequence[str], texts: Sequence[str],
    src: str | None, dst: str | None,
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """The texts of a unit in the source language beside each in the target language."""
    seen: dict[str, None] = {}
    for unit in _units(where, path, units):
        said: dict[str, list[str]] = {}
        for side in (each for each in unit.iter() if _bare(each.tag) in sides):
            code = (side.get(_LANG) or side.get("lang") or "").lower()
            found = (
                " ".join("".join(each.itertext()).split()) for each in side.iter() if _bare(each.tag) in texts
            )
            said.setdefault(code, []).extend(text for text in found if text)
        seen.update(dict.fromkeys(said))
        own, other = _two(where, path, list(seen), src, dst)
        yield from ((a, b) for a in said.get(own, ()) for b in said.get(other, ()))


def _units(where: str, path: Path, names: Sequence[str]) -> Iterator[ElementTree.Element]:
    """The units of a file, each forgotten when it was looked at.

    Raises:
        XbsqlError: no XML, or one that defines entities of its own, which may be of any size.
    """
    with path.open("rb") as file:
        if b"<!ENTITY" in file.read(65_536).replace(b"\x00", b""):
            raise errors.invalid(where, f"'{errors.shown(path.name)}' defines entities", "write them out")
    try:
        for _, element in ElementTree.iterparse(path):
            if _bare(element.tag) in names:
                yield element
                element.clear()
    except ElementTree.ParseError as error:
        problem = f"'{errors.shown(path.name)}' is broken XML ({errors.shown(error, 100)})"
        raise errors.invalid(where, problem, "export it again") from error


def _two(where: str, path: Path, seen: Sequence[str], src: str | None, dst: str | None) -> tuple[str, str]:
    """The source and the target language among those that a file has."""
    own = _code(seen, src) if src is not None else next((c for c in seen if not _is(c, dst)), "")
    other = _code(seen, dst) if dst is not None else next((c for c in seen if c != own), "")
    return own, other


def _code(seen: Sequence[str], wanted: str) -> str:
    """A file's own code for a language; the wanted one where it has not come yet."""
    return next((code for code in seen if _is(code, wanted)), wanted.lower())


def _is(code: str, wanted: str | None) -> bool:
    """Whether a code is the wanted one, or of the same language where no region is asked for."""
    if wanted is None:
        return False
    asked = wanted.lower().replace("_", "-")
    return code == asked or ("-" not in asked and re.split("[-_]", code)[0] == asked)


def _bare(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]
