"""What to look at in the label of a table: what is no class, classes of one row, columns that tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql.features.drawn import drawn
from xbsql.features.roles import LOOKED_AT, as_text, kind_of
from xbsql.harmonise.contradictions import Finding, quoted
from xbsql.harmonise.lint_table import FEWEST_ROWS, counts_rows
from xbsql.harmonise.lint_texts import DATE_MARKETS, MARKETS, are_codes, distinct, is_marked, reading
from xbsql.harmonise.written import read_dates, read_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

SURE = 0.995
"""Rank correlation with a label of numbers, or share of its classes told, from which on a column leaks."""

COMMONEST = 0.95
"""Share of the commonest class from which on any column tells the label well."""

MOST_CLASSES = 0.5
"""Classes a labelled row from which on they can hardly be learnt."""


def labels(table: pa.Table, label: str) -> Iterator[Finding]:
    """What is wrong with a label: numbers or dates in text, row numbers, one class, classes of one row."""
    column = table[label].filter(pc.is_valid(table[label]))
    if not len(column):
        yield Finding("error", label, f"the label '{label}' is NULL in every row", "rows with a label")
    elif counts_rows(column):
        remedy = "another column as the label"
        yield Finding("error", label, f"the label '{label}' numbers the rows: no two share a value", remedy)
    elif kind_of(column.type) == "text":
        finding = _written(label, distinct(column))
        yield from [finding] if finding else _classes(label, as_text(column).combine_chunks())


def _written(label: str, values: pa.Array) -> Finding | None:
    """Numbers or dates that would become classes."""
    if not len(values):
        return None
    column, many = quoted(label), f"would be {len(values)} classes"
    dates = reading(values, read_dates, DATE_MARKETS)
    if dates is not None:
        remedy = f"epoch(xb.parse_date({column}, '{dates.market}')) AS {column}"
        return Finding("error", label, f"the label '{label}' holds dates as text, which {many}", remedy)
    numbers = reading(values, read_numbers, MARKETS)
    two = len(values) <= 2 and not is_marked(values)  # '0' and '1' are two classes
    if numbers is None or two or are_codes(label, values):
        return None
    call = f"xb.{'' if numbers.whole else 'try_'}parse_number"
    ways = [f"{call}({column}, '{code}') AS {column}" for code in (numbers.market, *numbers.others)]
    problem = f"the label '{label}' holds numbers as text, '{values[0].as_py()[:60]}', which {many}"
    return Finding("error", label, problem, " -- or ".join(ways))


def _classes(label: str, texts: pa.Array) -> Iterator[Finding]:
    """Classes that are too many, too few, of one row, or one in two spellings."""
    counts, column = pc.value_counts(texts), quoted(label)
    classes = len(counts)
    if len(texts) >= FEWEST_ROWS and classes > MOST_CLASSES * len(texts):
        problem = f"the label '{label}' has {classes} classes in {len(texts)} rows"
        yield Finding("error", label, problem, "a label that rows share")
        return
    if classes == 1:
        yield Finding("error", label, f"the label '{label}' has one class", "rows of another class")
    alone = pc.sum(pc.equal(counts.field("counts"), 1)).as_py()
    if alone and len(texts) >= FEWEST_ROWS:
        remedy = f"FROM data QUALIFY count(*) OVER (PARTITION BY {column}) > 1"
        yield Finding("warning", label, f"classes of '{label}' that have one row: {alone}", remedy)
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(counts.field("values")))
    same = classes - len(pc.unique(plain))
    if same:
        problem = f"classes of '{label}' that differ from another in case or blanks alone: {same}"
        yield Finding("warning", label, problem, f"lower(trim({column})) AS {column}")


def leaks(table: pa.Table, label: str) -> Iterator[Finding]:
    """Columns that tell the label almost perfectly on their own."""
    if label not in table.column_names:
        return
    rows = table.filter(pc.is_valid(table[label]))
    if kind_of(table[label].type) == "other":
        return
    if len(rows) > LOOKED_AT:
        rows = rows.take(pa.array(drawn(len(rows), LOOKED_AT)))
    for name in rows.column_names:
        if name != label and len(rows) >= FEWEST_ROWS and _tells(rows[name], rows[label]) >= SURE:
            problem = f"'{name}' alone tells the label almost perfectly"
            yield Finding(
                "warning", name, problem, f"options {{'ignore': ['{name}']}} if it is not known in time"
            )


def _tells(column: pa.ChunkedArray, label: pa.ChunkedArray) -> float:
    """How well a column tells the label, 0 to 1: rank correlation, or the rows in a value's class."""
    numbers = {"number", "boolean"}
    if kind_of(label.type) == "number":
        if kind_of(column.type) not in numbers:
            return 0.0
        x, y = (np.asarray(each.cast(pa.float64(), safe=False).to_numpy()) for each in (column, label))
        return _rank_correlation(x, y)
    values = as_text(column).combine_chunks() if kind_of(column.type) in {"text", *numbers} else None
    if values is None or pc.count_distinct(values).as_py() > len(values) / 10:
        return 0.0
    classes = as_text(label).combine_chunks()
    if pc.max(pc.value_counts(classes).field("counts")).as_py() > COMMONEST * len(classes):
        return 0.0
    counts = (
        pa.table({"v": values, "c": classes, "n": np.ones(len(values))})
        .group_by(["v", "c"])
        .aggregate([("n", "sum")])
    )
    most = counts.group_by("v").aggregate([("n_sum", "max")])
    return float(pc.sum(most["n_sum_max"]).as_py()) / len(values)


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.stats import spearmanr

    there = np.isfinite(x) & np.isfinite(y)
    if there.sum() < 20 or np.ptp(x[there]) == 0 or np.ptp(y[there]) == 0:
        return 0.0
    return abs(float(spearmanr(x[there], y[there]).statistic))
