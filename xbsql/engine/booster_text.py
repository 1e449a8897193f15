"""LightGBM's text, read strictly: what LightGBM would die of, or hang over, is found before it sees a byte.

One reader serves files from elsewhere and models of the store. LightGBM is handed the header and the trees,
which have been read, and not the parameters behind them, which it parses without a check. A text that says
things this reader does not know (another version's) LightGBM reads in a process of its own first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import lightgbm as lgb

from xbsql import errors
from xbsql.engine.booster_probe import survives
from xbsql.engine.booster_trees import broken_trees

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES: Final = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
"""Objectives whose raw score is the label itself: what the engine can go on from."""

_REMEDY: Final = "give a file that Booster.save_model wrote"
_END: Final = "\nend of trees\n"
_LEVELS: Final = "\npandas_categorical:"
_KNOWN: Final = {
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective",
    "average_output", "feature_names", "monotone_constraints", "feature_infos", "tree_sizes",
}  # fmt: skip
_NEEDED: Final = ("objective", "feature_names", "feature_infos", "tree_sizes", "num_class", "max_feature_idx")
_SETTINGS: Final = {"binary": ("sigmoid",), "multiclass": ("num_class",), "quantile": ("alpha",)}
_COUNTS: Final = re.compile(r"[0-9]{1,9}( [0-9]{1,9})*")
_INFO: Final = re.compile(r"none|\[\S+:\S+\]|-?\d+(:-?\d+)*")
_FORBIDDEN: Final = bytes({*range(32), 127} - {10})
"""Control characters: LightGBM stops at some, runs for ever at others, and writes none."""


class BrokenText(ValueError):
    """A text that is not LightGBM's; says why."""


@dataclass(frozen=True)
class BoosterText:
    """A LightGBM text that has been read.

    Attributes:
        text: all of it.
        header: the values above the trees.
        trees: how many there are.
        strange: what of it this reader does not know; '' where it knows all.
    """

    text: str
    header: Mapping[str, str]
    trees: int
    strange: str

    @property
    def names(self) -> list[str]:
        """The columns that the model reads."""
        return self.header["feature_names"].split(" ")

    @property
    def classes(self) -> int | None:
        """How many classes the objective has; None for values.

        Raises:
            BrokenText: the objective is none that the engine can go on from.
        """
        name, *settings = self.header["objective"].split(" ")
        given = dict(setting.partition(":")[::2] for setting in settings)
        if name == "binary" and _number(given.get("sigmoid", "1")) == 1:
            return 2
        if name == "multiclass":
            return int(self.header["num_class"])
        if name in VALUES and "sqrt" not in settings:
            return None
        raise BrokenText(f"has the objective '{errors.shown(self.header['objective'], 80)}'")

    @cached_property
    def booster(self) -> lgb.Booster:
        """The trees; read-only.

        Raises:
            BrokenText: LightGBM does not read them.
        """
        if self.strange and not survives(loadable(self.text)):
            raise BrokenText(f"is no text that LightGBM reads ({self.strange})")
        try:
            return lgb.Booster(model_str=loadable(self.text))
        except lgb.basic.LightGBMError as error:
            raise BrokenText(f"is no text that LightGBM reads ({errors.shown(error, 80)})") from error


def read_text(text: str) -> BoosterText:
    """Read a LightGBM text: its header, each of its trees, and how they agree.

    Raises:
        BrokenText: it is none, or not all of it, or two parts of it contradict one another.
    """
    head, marker, rest = text.partition("\nTree=")
    trees, end, _ = rest.partition(_END)
    if not text.startswith("tree\n") or not marker or not end or _has_control(text):
        raise BrokenText("is no LightGBM text, or not all of it")
    header = _header(head)
    sizes = [int(size) for size in header["tree_sizes"].split(" ")]
    _check_header(header, len(sizes))
    body = f"Tree={trees}\n".encode()
    problem = broken_trees(body, sizes, int(header["max_feature_idx"]) + 1)
    if problem:
        raise BrokenText(f"a tree is broken: {problem}")
    return BoosterText(text, header, len(sizes), _strange(header))


def _has_control(text: str) -> bool:
    content = text.encode(errors="replace")
    return len(content.translate(None, _FORBIDDEN)) < len(content)


def stored_text(text: str) -> BoosterText:
    """Read the text of a model of the store; LightGBM is handed it only later, by whoever asks the model.

    Raises:
        BrokenText: as `read_text`, or LightGBM dies of it.
    """
    found = read_text(text)
    if found.strange and not survives(loadable(text)):
        raise BrokenText(f"is no text that LightGBM reads ({found.strange})")
    return found


def loadable(text: str) -> str:
    """What of a LightGBM text LightGBM is handed: the header and the trees."""
    return text[: text.index(_END) + len(_END)]


def _header(head: str) -> dict[str, str]:
    """The lines 'key=value' above the trees, each key once."""
    found = _lines(head)
    for key in _NEEDED:
        if key not in found:
            raise BrokenText(f"has no line '{key}='")
    for key in ("num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "tree_sizes"):
        if not _COUNTS.fullmatch(found.get(key, "0")) or (key != "tree_sizes" and " " in found.get(key, "")):
            raise BrokenText(f"has the line '{key}={errors.shown(found[key], 40)}'")
    return found


def _lines(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in head.rstrip("\n").split("\n")[1:]:
        key, _, value = line.partition("=")
        if not key or ("=" in value and key != "feature_names"):
            raise BrokenText(f"has the line '{errors.shown(line, 80)}'")
        if key in found:
            raise BrokenText(f"has two lines '{errors.shown(key, 80)}='")
        found[key] = value
    return found


def _check_header(header: Mapping[str, str], trees: int) -> None:
    """Raise where two lines of a header contradict each other."""
    if "average_output" in header:
        raise BrokenText("is a random forest")
    names, infos = header["feature_names"].split(" "), header["feature_infos"].split(" ")
    if len(set(names)) != len(names) or "" in names:
        raise BrokenText("names two columns alike, or one by nothing")
    if not len(names) == len(infos) == int(header["max_feature_idx"]) + 1:
        raise BrokenText("counts its columns in two ways")
    if not all(_INFO.fullmatch(info) for info in infos):
        raise BrokenText("has feature_infos that are none")
    rising = header.get("monotone_constraints", " ".join("0" for _ in names)).split(" ")
    if len(rising) != len(names) or not {"0", "1", "-1"}.issuperset(rising):
        raise BrokenText("has monotone_constraints that are none")
    classes, once = int(header["num_class"]), int(header.get("num_tree_per_iteration", header["num_class"]))
    if not 1 <= once <= trees or trees % once:
        raise BrokenText(f"has {trees} trees, {once} at a time")
    told = re.fullmatch(r"multiclass num_class:([0-9]{1,9})", header["objective"])
    if classes != once or classes != (int(told[1]) if told else 1) or (told and classes < 2):
        problem = f"has num_class={classes}, {once} trees at a time, and the objective"
        raise BrokenText(f"{problem} '{errors.shown(header['objective'], 80)}'")


def _strange(header: Mapping[str, str]) -> str:
    """What of a header this reader does not know; '' for nothing."""
    for key in header:
        if key not in _KNOWN:
            return f"a line '{errors.shown(key, 40)}'"
    if header.get("version") not in ("v3", "v4"):
        return f"version {errors.shown(header.get('version'), 40)}"
    name, *settings = header["objective"].split(" ")
    given = [setting.partition(":")[::2] for setting in settings]
    right = all(key in _SETTINGS.get(name, ()) and _number(value) > 0 for key, value in given)
    return "" if right and len(dict(given)) == len(given) else "settings of its objective"


def _number(text: str) -> float:
    """A plain number, -1 for anything else."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,20})?", text) else -1.0


@dataclass(frozen=True)
class Plain:
    """A LightGBM model from elsewhere.

    Attributes:
        booster: its trees.
        text: to store: the file's, or what LightGBM makes of one whose every word this reader does not know.
        classes: how many; None for values.
        levels: of the columns that pandas held as categories: level i has code i.
    """

    booster: lgb.Booster
    text: str
    classes: int | None
    levels: Mapping[str, list[Any]]


def read_plain(where: str, path: str, text: str) -> Plain:
    """Read LightGBM text from elsewhere.

    Args:
        where: the function, for errors.
        path: of the file, for errors.
        text: its content.

    Raises:
        XbsqlError: no LightGBM text, a random forest, an objective that cannot be carried on from, or
            categories of which the file does not say which column has which.
    """
    try:
        found = read_text(text)
        levels = _levels(found)
        classes = found.classes
        booster = found.booster
        if found.strange:
            text = booster.model_to_string()
            found = read_text(text)
        return Plain(booster, text, classes, levels)
    except BrokenText as error:
        raise errors.invalid(where, f"{errors.shown(path, 100)} {error}", _remedy(str(error))) from error


def _remedy(problem: str) -> str:
    if "random forest" in problem:
        return "boost the trees (boosting='gbdt')"
    if problem.startswith("has the objective"):
        return f"use one of {', '.join(VALUES)}, binary (sigmoid 1) or multiclass"
    if "names two columns" in problem:
        return "give each feature a name of its own"
    if "categories and" in problem:
        return "fit it without the categories that have one value"
    return _REMEDY


def _levels(found: BoosterText) -> dict[str, list[Any]]:
    """The levels of each category; the file lists them in the order of the columns that hold codes."""
    levels = _listed(found.text)
    if not levels:
        return {}
    infos = found.header["feature_infos"].split(" ")
    coded = [n for n, info in zip(found.names, infos, strict=True) if re.fullmatch(r"-?\d+(:-?\d+)+", info)]
    if len(coded) != len(levels):
        raise BrokenText(f"has {len(levels)} categories and {len(coded)} columns that use one")
    return dict(zip(coded, levels, strict=True))


def _listed(text: str) -> list[list[Any]]:
    """What pandas held: a list of levels a category, each of texts or of numbers, none twice."""
    _, marker, line = text.rpartition(_LEVELS)
    if not marker:
        return []
    try:
        levels = json.loads(line.split("\n")[0], parse_constant=lambda _: None) or []
    except (ValueError, RecursionError) as error:
        raise BrokenText("has a line 'pandas_categorical:' that is no JSON") from error
    if not isinstance(levels, list) or not all(isinstance(each, list) and _alike(each) for each in levels):
        raise BrokenText("has a line 'pandas_categorical:' that lists no categories")
    return levels


def _alike(levels: list[Any]) -> bool:
    kinds = {type(level) for level in levels}
    right = kinds <= {str} or kinds <= {int} or kinds <= {float} or kinds <= {bool}
    small = not kinds <= {int} or all(abs(level) < 2**63 for level in levels)
    return right and small and len(set(levels)) == len(levels)
