"""Options: what a user may decide beside the data, as dataclasses whose fields say what they mean."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Self, get_type_hints

from xbsql import errors

MOST_SHOWN: Final = 80
"""Characters of a wrong value that an error repeats."""


class OptionKind(NamedTuple):
    """What an option takes.

    Attributes:
        name: the type as SQL calls it, for the docs.
        takes: whether a value is one of these.
        remedy: what to do about one that is not.
        read: an accepted value -> what the field holds.
        wrong: what a refused value is called; '' shows it.
        choices: the values there are, where they can be counted.
    """

    name: str
    takes: Callable[[Any], bool]
    remedy: str = ""
    read: Callable[[Any], Any] = lambda value: value
    wrong: str = ""
    choices: tuple[str, ...] = ()

    def checked(self, where: str, option: str, value: object) -> Any:  # noqa: ANN401 - the field's type
        """What the field holds.

        Raises:
            XbsqlError: the value is none of this kind.
        """
        if self.takes(value):
            return self.read(value)
        if self.choices and isinstance(value, str):
            raise errors.unknown(where, f"choice for the option '{option}'", value[:MOST_SHOWN], self.choices)
        said = repr(value)
        said = said if len(said) <= MOST_SHOWN else said[:MOST_SHOWN] + " ..."
        raise errors.invalid(where, f"the option '{option}' is {self.wrong or said}", self.remedy)


@dataclass(frozen=True)
class Option:
    """What a field of `Options` says beside its type and default.

    Attributes:
        kind: what it takes.
        meaning: one line, for the docs.
        aligned: whether it names columns that a transfer reads under the home market's names.
        at_home: whether it also holds for the home model that a transfer from rows alone begins with.
        abroad: whether it says something of a transfer alone.
        shown: the default as the docs put it, where the value itself does not say it.
        needs: another option, without which this one has no effect.
        path: the file that a value stands for; None where values are all there is.
    """

    kind: OptionKind
    meaning: str
    aligned: bool = False
    at_home: bool = True
    abroad: bool = False
    shown: str | None = None
    needs: str | None = None
    path: Callable[[str], str] | None = None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def listed(value: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several, as several."""
    return (value,) if isinstance(value, str) else tuple(value)


def whole(least: int, most: int | None = None, remedy: str = "") -> OptionKind:
    """A whole number, bounds included."""

    def takes(value: Any) -> bool:  # noqa: ANN401 - whatever a user gives
        return _is_whole(value) and value >= least and (most is None or value <= most)

    bounds = f"{least} or more" if most is None else f"{least} to {most:,}"
    return OptionKind("INTEGER", takes, remedy or f"give a whole number, {bounds}", int)


def choice(*names: str) -> OptionKind:
    """One of these words."""
    return OptionKind("VARCHAR", lambda value: value in names, f"give {' or '.join(names)}", choices=names)


FLAG: Final = OptionKind(
    "BOOLEAN", lambda value: isinstance(value, bool), "give true or false, without quotes"
)
SHARE: Final = OptionKind("DOUBLE", _is_share, "give a share between 0 and 1: 0.9", float)
WORD: Final = OptionKind("VARCHAR", _is_text, "give one text")
COLUMN: Final = OptionKind("VARCHAR", _is_text, "name one column")
COLUMNS: Final = OptionKind(
    "VARCHAR[]", lambda value: _is_text(value) or _are_texts(value), "name columns: ['column', ...]", listed
)


class Options:
    """The base of every task's options: a frozen dataclass whose fields are `Annotated` with an `Option`."""

    @classmethod
    def of(cls, where: str, given: Mapping[str, Any] | None, beside: Iterable[str] = ()) -> Self:
        """The options as a user gives them; NULL leaves the default.

        Args:
            where: the SQL function.
            given: values by name, as JSON or Python has them.
            beside: options of the function that are not the task's; an unknown one is told of these too.

        Raises:
            XbsqlError: an option that there is not, a value of another type or out of bounds, or an option
                without the one that it needs.
        """
        known = described(cls)
        for name in given or {}:
            if name not in known:
                raise errors.unknown(where, "option", str(name), (*known, *beside))
        said = {name: value for name, value in (given or {}).items() if value is not None}
        found = cls(**{name: known[name].kind.checked(where, name, value) for name, value in said.items()})
        default = cls()
        for name in said:
            needed, told = known[name].needs, getattr(found, name) != getattr(default, name)
            if told and needed is not None and not getattr(found, needed):
                problem = f"the option '{name}' has no effect without '{needed}'"
                raise errors.invalid(where, problem, f"give '{needed}' too, or leave '{name}' out")
        found.check(where)
        return found

    def check(self, where: str) -> None:
        """Refuse options that do not go together."""

    @classmethod
    def split(cls, where: str, given: Mapping[str, Any]) -> tuple[Self, dict[str, Any]]:
        """These options out of a mapping that holds others as well, and the others.

        Raises:
            XbsqlError: as `of`.
        """
        own = described(cls)
        rest = {name: value for name, value in given.items() if name not in own}
        return cls.of(where, {name: given[name] for name in given if name in own}), rest

    @classmethod
    def at_home(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those that hold for the home model as well."""
        known = described(cls)
        return {name: value for name, value in given.items() if name not in known or known[name].at_home}

    @classmethod
    def refuse_abroad(cls, where: str, given: Mapping[str, Any]) -> None:
        """Refuse what has no effect on the rows of one market.

        Raises:
            XbsqlError: an option is given that is of a transfer alone.
        """
        for name, said in described(cls).items():
            if said.abroad and given.get(name):
                problem = f"the option '{name}' has no effect on the rows of one market"
                raise errors.invalid(where, problem, f"give it to xb.transfer, or leave '{name}' out")

    def refuse_label(self, where: str, label: str, names: Iterable[str]) -> None:
        """Refuse the label as another column.

        Raises:
            XbsqlError: one of these options names it.
        """
        for option in names:
            if label in listed(getattr(self, option) or ()):
                problem = f"the option '{option}' names '{errors.shown(label)}', which is the label"
                raise errors.invalid(where, problem, "name another column")

    @classmethod
    def written(cls, given: Mapping[str, Any]) -> list[list[Any]]:
        """Option, size and time of writing of the files that options name: another file is another fit."""
        found = []
        for name, said in described(cls).items():
            value = given.get(name)
            file = said.path(value) if said.path is not None and isinstance(value, str) else ""
            if file and "\0" not in file and (path := Path(file).expanduser()).is_file():
                found.append([name, path.stat().st_size, path.stat().st_mtime_ns])
        return found

    @classmethod
    def under(cls, names: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
        """The options with the columns that they name called by new names."""
        known = described(cls)
        return {
            name: _renamed(value, names) if name in known and known[name].aligned else value
            for name, value in given.items()
        }


def described(cls: type[Options]) -> dict[str, Option]:
    """What each field of an options class says of itself, by name, in their order."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: _said(hints[name]) for name in (field.name for field in fields(cls))}  # type: ignore[arg-type]


def _said(hint: Any) -> Option:  # noqa: ANN401 - a type
    return next(said for said in hint.__metadata__ if isinstance(said, Option))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - a name, or a list of them
    if isinstance(value, str):
        return names.get(value, value)
    return [names.get(name, name) for name in value] if isinstance(value, list | tuple) else value


def _is_alignment(value: object) -> bool:
    named = isinstance(value, Mapping) and all(map(_is_text, (*value.keys(), *value.values())))
    return named or isinstance(value, bool)


ALIGNMENT: Final = OptionKind(
    "BOOLEAN or STRUCT", _is_alignment, "give true, or {'theirs': 'home'}, columns by their names"
)

SAME: Final = OptionKind("VARCHAR", lambda value: value == "same", "say 'same', or leave it out")


@dataclass(frozen=True)
class CrossingOptions(Options):
    """Options of a transfer of rows, which it takes care of before the task sees them."""

    align: Annotated[
        bool | Mapping[str, str],
        Option(
            ALIGNMENT,
            "`true` reads the target's columns by name, then by meaning, as `xb.align_columns` shows; a "
            "struct, target column -> home column, says which. See [markets](markets.md)",
        ),
    ] = False
    units: Annotated[
        str | None,
        Option(
            SAME,
            "`'same'` says that columns whose names give different units or currencies are in one unit",
        ),
    ] = None
