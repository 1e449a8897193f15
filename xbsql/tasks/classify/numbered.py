"""Labels that are no classes: numbers written as text, and names or numbers of the rows themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xbsql import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NUMBERS = 50
"""Classes that may look like anything: sizes, years, codes of a short list."""

FEW_ROWS = 5
"""Rows a class, on average, below which classes that look like numbers are numbers."""

NEARLY_ALL = 0.9
"""Share of the classes that look like numbers, and of the rows that have a class of their own."""

MOST_SHAPES = 2
"""Ways in which codes are written ('8471.30' and '8471.30.00'); amounts have more lengths."""

_NUMBER = re.compile(
    r"[-+]?\s*(?:[A-Z]{3}\s+[-+]?|[^\w\s]\s*[-+]?)?\d(?:[\d.,'\u2019\s]*\d)?\s*(?:[A-Z]{3}|[^\w\s])?"
)


def refuse_numbers(where: str, label: str, values: Sequence[str], *, at_home: bool, text: bool) -> None:
    """Refuse a label column whose classes are amounts, counts, or the rows' own names.

    Args:
        where: the SQL function.
        label: the label column.
        values: the labels that are present, as text.
        at_home: False passes classes of few rows: a target with few labels has no others, nor have icons.
        text: whether the column is one of text.

    Raises:
        XbsqlError: they are.
    """
    classes = set(values)
    if len(classes) <= MOST_NUMBERS:
        return
    numbers = [name for name in classes if _NUMBER.fullmatch(name.strip())]
    if len(numbers) > NEARLY_ALL * len(classes):
        few = at_home and len(values) < FEW_ROWS * len(classes)
        if few or _amounts(numbers):
            example = min(numbers, key=lambda name: (name.isdigit(), name))
            raise _number(where, label, example, len(classes), text=text)
    if at_home and len(classes) > NEARLY_ALL * len(values):
        problem = f"label column '{label}' names its rows: {len(values)} labels are {len(classes)} classes"
        raise errors.invalid(where, problem, "learn a column whose values repeat")


def refuse_other_numbers(where: str, label: str, target: Sequence[str], home: Sequence[str]) -> None:
    """Refuse a target whose labels are numbers, none of which is a class of the home model, which has names.

    Args:
        where: the SQL function.
        label: the label column.
        target: the target's classes.
        home: the home model's.

    Raises:
        XbsqlError: they are.
    """
    numbers = [name for name in target if _NUMBER.fullmatch(name.strip())]
    names = [name for name in home if not _NUMBER.fullmatch(name.strip())]
    if len(target) < 2 or set(target) & set(home) or len(numbers) < len(target) or len(names) < len(home):
        return
    example, known = errors.shown(numbers[0], 40), ", ".join(f"'{name}'" for name in names[:3])
    problem = f"label column '{label}' holds numbers ('{example}'), and the classes at home are {known} ..."
    raise errors.invalid(where, problem, "give the labels by the home market's names")


def _amounts(numbers: Sequence[str]) -> bool:
    """Whether they are written with separators or signs, in more lengths than codes have."""
    shapes = {re.sub(r"\d", "0", name) for name in numbers}
    marked = sum(not name.isdigit() for name in numbers)
    return len(shapes) > MOST_SHAPES and 2 * marked > len(numbers)


def _number(where: str, label: str, example: str, count: int, *, text: bool) -> errors.XbsqlError:
    shown = example if len(example) <= 40 else example[:40] + " ..."
    problem = f"label column '{label}' holds numbers ('{shown}'), and each of the {count} would be a class"
    made = f"make them numbers (xb.parse_number({label}, market) AS {label}) and " if text else ""
    return errors.invalid(where, problem, f"{made}learn them with task := 'predict'")
