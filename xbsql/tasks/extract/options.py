"""Options of an extraction."""

from dataclasses import dataclass
from typing import Annotated

from xbsql.tasks.options import COLUMN, COLUMNS, SHARE, Option, Options, whole


@dataclass(frozen=True)
class ExtractOptions(Options):
    """What a user may decide of an extraction beside the data."""

    text: Annotated[str, Option(COLUMN, "the column of titles")] = "title"
    attribute: Annotated[
        str,
        Option(COLUMN, "the column that names the attribute, where a row is one value of one title"),
    ] = "attribute"
    attributes: Annotated[
        tuple[str, ...],
        Option(
            COLUMNS,
            "the columns of values, one an attribute, where a row is a title; without it the label column alone",
        ),
    ] = ()
    kind: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column that says what is sold (its category): titles are asked for the attributes of their kind",
        ),
    ] = None
    same: Annotated[
        tuple[str, ...],
        Option(COLUMNS, "attributes whose values are written alike in every market (brand, model number)"),
    ] = ()
    local: Annotated[
        tuple[str, ...],
        Option(COLUMNS, "attributes whose values mean something else in each market (a shoe size)"),
    ] = ()
    abstain: Annotated[
        float | None,
        Option(
            SHARE,
            "probability below which no value is given",
            shown="tuned on held-out titles for the largest F1",
        ),
    ] = None
    seed: Annotated[int, Option(whole(0), "the seed of folds and resamples; another one is another fit")] = 0
