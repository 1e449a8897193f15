"""Plain LightGBM text: what it is a model of, before anything is built on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb

from xbsql import errors
from xbsql.engine.booster_trees import sound

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
"""Objectives whose raw score is the label itself: what the engine can go on from."""

_REMEDY = "give a file that Booster.save_model wrote"


@dataclass(frozen=True)
class Plain:
    """A LightGBM model from elsewhere.

    Attributes:
        booster: its trees.
        classes: how many; None for values.
        levels: of the columns that pandas held as categories: level i has code i.
    """

    booster: lgb.Booster
    classes: int | None
    levels: Mapping[str, list[Any]]


def read_plain(where: str, path: str, text: str) -> Plain:
    """Read LightGBM text.

    Args:
        where: the function, for errors.
        path: of the file, for errors.
        text: its content.

    Raises:
        XbsqlError: no LightGBM text, a random forest, an objective that cannot be carried on from, or
            categories of which the file does not say which column has which.
    """
    header = _header(where, path, text)
    classes = _classes(where, path, header)
    names = header["feature_names"].split()
    if len(set(names)) != len(names) or len(header["feature_infos"].split()) != len(names):
        raise errors.invalid(where, f"{path} names two columns alike", "give each feature a name of its own")
    if not sound(text, len(names)):
        raise errors.invalid(where, f"LightGBM cannot read {path}: a tree is broken", _REMEDY)
    booster = lgb.Booster(model_str=text)
    return Plain(booster, classes, _levels(where, path, header, booster))


def _header(where: str, path: str, text: str) -> dict[str, str]:
    """The lines 'key=value' above the trees."""
    head, marker, _ = text.partition("\nTree=")
    if not text.startswith("tree\n") or not marker or "end of trees" not in text:
        raise errors.invalid(where, f"{path} is no LightGBM text, or not all of it", _REMEDY)
    lines = [line.partition("=") for line in head.splitlines()]
    found = {key: value for key, _, value in lines}
    for key in ("objective", "feature_names", "feature_infos"):
        if key not in found:
            raise errors.invalid(where, f"{path} has no line '{key}='", _REMEDY)
    if "average_output" in found:
        raise errors.invalid(where, f"{path} is a random forest", "boost the trees (boosting='gbdt')")
    return found


def _classes(where: str, path: str, header: dict[str, str]) -> int | None:
    """How many classes the objective has; None for values."""
    name, *settings = header["objective"].split()
    given = dict(setting.partition(":")[::2] for setting in settings)
    if name == "binary" and float(given.get("sigmoid", "1")) == 1:
        return 2
    if name == "multiclass":
        return int(given["num_class"])
    if name in VALUES and "sqrt" not in settings:
        return None
    problem = f"{path} has the objective '{header['objective']}'"
    known = f"use one of {', '.join(VALUES)}, binary (sigmoid 1) or multiclass"
    raise errors.invalid(where, problem, known)


def _levels(where: str, path: str, header: dict[str, str], booster: lgb.Booster) -> dict[str, list[Any]]:
    """The levels of each category; the file lists them in the order of the columns that hold codes."""
    names, infos = header["feature_names"].split(), header["feature_infos"].split()
    levels = list(booster.pandas_categorical or [])
    if not levels:
        return {}
    coded = [name for name, info in zip(names, infos, strict=True) if re.fullmatch(r"-?\d+(:-?\d+)+", info)]
    if len(coded) != len(levels):
        problem = f"{path} has {len(levels)} categories and {len(coded)} columns that use one"
        raise errors.invalid(where, problem, "fit it without the categories that have one value")
    return dict(zip(coded, levels, strict=True))
