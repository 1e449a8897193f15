"""Plain LightGBM text as a model of a task, and a model's boosters as plain LightGBM text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from xbsql import errors
from xbsql.engine.booster_text import read_plain
from xbsql.engine.candidates.boosted import BoostedPredictor
from xbsql.engine.design import Layout
from xbsql.features.column import Column
from xbsql.features.table import TableEncoder
from xbsql.tasks.classify.classifier import Classifier
from xbsql.tasks.predict.regressor import Regressor
from xbsql.tasks.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.engine.booster_text import Plain


def model_of(
    where: str, path: str, text: str, label: str, classes: Sequence[str] | None, market: str | None
) -> tuple[Regressor | Classifier, int]:
    """A plain LightGBM model as a model of a task, and how many trees it has.

    Columns are the file's feature names. Those that pandas held as categories are read as categories with the
    levels of `pandas_categorical`; all others as numbers.

    Args:
        where: the function, for errors.
        path: of the file, for errors.
        text: its content.
        label: the column that it predicts.
        classes: names by code, or None.
        market: for the record.

    Raises:
        XbsqlError: no LightGBM text, an objective that cannot be carried on from, or as many class names as
            there are not classes.
    """
    plain = read_plain(where, path, text)
    count, columns = plain.classes, _columns(plain)
    encoder = TableEncoder(tuple(column for column, _ in columns))
    schema = pa.schema([(column.name, kind) for column, kind in columns])
    predictor = BoostedPredictor(Layout(("table",), encoder.categorical), count, plain.text, len(columns))
    reader = Reader(schema, (), None, encoder)
    if count is None:
        if classes:
            raise errors.invalid(where, f"{path} predicts numbers", "leave `classes` out")
        return Regressor(reader, predictor, label, market=market), plain.booster.num_trees()
    names = tuple(str(name) for name in classes or range(count))
    if len(names) != count or len(set(names)) != count:
        problem = f"{path} has {count} classes, and {len(set(names))} names were given"
        raise errors.invalid(where, problem, "name each class once, in the order of their codes")
    return Classifier(reader, names, predictor, label, market), plain.booster.num_trees()


def plain_text(part: BoostedPredictor, encoder: TableEncoder) -> str:
    """A booster as LightGBM text with its columns' names and the levels of its categories.

    LightGBM then takes a pandas frame with these columns, categories as such; as a matrix it takes what
    `column_cards` describes. Characters that LightGBM keeps for itself become '_' in names.
    """
    names = [re.sub(r"[\s,:\[\]{}\"]", "_", card["name"]) for card in column_cards(part, encoder)]
    text = re.sub(r"(?m)^feature_names=.*$", lambda _: "feature_names=" + " ".join(names), part.text, count=1)
    owners = {name: column for column in encoder.columns for name in column.outputs}
    levels = [list(owners[encoder.names[place]].coded) for place in part.layout.categorical]
    levels = levels if part.width is None else levels[: sum(p < part.width for p in part.layout.categorical)]
    text = re.sub(r"(?m)^pandas_categorical:.*\n?", "", text).rstrip("\n")
    return f"{text}\n\npandas_categorical:{json.dumps(levels)}\n"


def column_cards(part: BoostedPredictor, encoder: TableEncoder) -> list[dict[str, Any]]:
    """What each column of a booster's matrix is: its name, the view it is of, and for categories the levels.

    Level i has code i, NULL is NaN; any other value has the code `others`, or len(levels) where there is no
    `others`. Under a `key` levels are the BLAKE2b hashes of the values (16 bytes, hexadecimal).

    'source' is the home model's prediction (log odds of classes), 'market' is 1 for the target's rows.
    """
    owners = {name: column for column in encoder.columns for name in column.outputs}
    cards: list[dict[str, Any]] = []
    wide = {"market": 1, "source": 1 if part.classes in (None, 2) else int(part.classes or 1)}
    own = len(encoder.names) if part.width is None else part.width
    rest = part.booster.num_feature() - sum(
        own if view == "table" else wide.get(view, 0) for view in part.layout.views
    )
    for view in part.layout.views:
        if view == "table":
            cards += [_card(name, owners[name]) for name in encoder.names[:own]]
        else:
            width = wide.get(view, rest)
            names = [view] if width == 1 else [f"{view}.{i}" for i in range(width)]
            cards += [{"name": name, "view": view, "column": None, "role": "number"} for name in names]
    return cards


def _card(name: str, column: Column) -> dict[str, Any]:
    card: dict[str, Any] = {"name": name, "view": "table", "column": column.name, "role": column.role}
    if column.role != "category":
        return card
    held = {"others": column.others, "key": column.key}
    return {**card, "levels": list(column.coded)} | {k: v for k, v in held.items() if v is not None}


def _columns(plain: Plain) -> list[tuple[Column, pa.DataType]]:
    """Each column, and the type that its values have outside."""
    found: list[tuple[Column, pa.DataType]] = []
    for name in plain.booster.feature_name():
        if name not in plain.levels:
            found.append((Column(name, "number"), pa.float64()))
            continue
        values = pa.array(plain.levels[name])
        texts = tuple(values.cast(pa.string()).to_pylist())
        found.append((Column(name, "category", texts), values.type))
    return found
