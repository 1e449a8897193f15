"""Every mistake a user can make, as one line: what was given, what exists, what to do."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class XbsqlError(ValueError):
    """A mistake in what xbsql was given; its text is one line and stands alone: 'function: what; remedy'."""

    @property
    def said(self) -> str:
        """The text without the function."""
        return str(self).partition(": ")[2]

    def name(self, where: str) -> None:
        """Name the function that the user called, in place of whoever found the mistake."""
        self.args = (f"{where}: {self.said}",)


MOST_SHOWN = 200
"""Characters of an input that an error repeats."""


def shown(given: object, most: int = MOST_SHOWN) -> str:
    """An input as an error repeats it: at most so many characters, and each of them printable."""
    text = str(given)[: most + 1]
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _listed(names: Iterable[str], most: int = 12) -> str:
    """Names in reading order, cut after `most` of them: 'a, b, c (+4 more)'."""
    ordered = [shown(name) for name in names]
    few = ", ".join(ordered[:most])
    return f"{few} (+{len(ordered) - most} more)" if len(ordered) > most else few or "nothing"


def _hint(name: str, known: Iterable[str]) -> str:
    """' (did you mean ...?)' where a known name is close, or the same but for case and blanks; else ''."""
    plain = shown(name).strip().casefold()
    names = list(known)
    close = [each for each in names if each.strip().casefold() == plain]
    close = close or get_close_matches(shown(name), names, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def unknown(where: str, what: str, name: str, known: Iterable[str], *, place: str = "there is") -> XbsqlError:
    """`name` is none of `known`: says what exists and the closest spelling."""
    names = list(known)
    return XbsqlError(f"{where}: no {what} '{shown(name)}'; {place} {_listed(names)}{_hint(name, names)}")


def invalid(where: str, problem: str, remedy: str = "") -> XbsqlError:
    """A value that cannot be used: the problem, then what to do about it."""
    return XbsqlError(f"{where}: {problem}" + (f"; {remedy}" if remedy else ""))


def broken_artifact(path: str, problem: str) -> XbsqlError:
    """An artifact that must not be loaded, and how to be rid of it."""
    return XbsqlError(f"store: {path} {problem}; fit the model again or remove that folder")
