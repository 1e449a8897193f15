"""Options of an extraction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from xbsql.extraction.sizes import spellings, systems
from xbsql.tasks.options import COLUMN, COLUMNS, SHARE, Option, OptionKind, Options, whole


def _texts(value: object) -> bool:
    listed = isinstance(value, list | tuple)
    return isinstance(value, str) or (listed and all(isinstance(each, str) for each in value))  # type: ignore[attr-defined]


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        forms in systems() or (isinstance(forms, Mapping) and all(map(_texts, forms.values())))
        for forms in value.values()
    )


def _listed(value: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    tables = {name: spellings(forms) if isinstance(forms, str) else forms for name, forms in value.items()}
    return {
        name: {form: [each] if isinstance(each, str) else list(each) for form, each in forms.items()}
        for name, forms in tables.items()
    }


SPELLINGS = OptionKind(
    "STRUCT",
    _is_table,
    "give {'size': {'EU 38': ['UK 5', 'US 7.5']}}: attribute, form, spellings; or {'size': SYSTEM}, one of "
    f"{', '.join(systems())}",
    _listed,
)


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
            "the columns of values, one an attribute, where a row is a title; else the label alone",
        ),
    ] = ()
    kind: Annotated[
        str | None,
        Option(
            COLUMN,
            "a column that says what is sold (its category): titles are asked for the attributes of theirs",
        ),
    ] = None
    same: Annotated[
        tuple[str, ...],
        Option(
            COLUMNS,
            "attributes whose values are written alike in every market (brand, model number)",
            at_home=False,
        ),
    ] = ()
    local: Annotated[
        tuple[str, ...],
        Option(
            COLUMNS,
            "attributes whose values mean something else in each market (a shoe size)",
            at_home=False,
        ),
    ] = ()
    canonical: Annotated[
        Mapping[str, Mapping[str, Sequence[str]]],
        Option(
            SPELLINGS,
            "your own table for the canonical form of an attribute's values, in place of the built-in one: "
            "`{'size': {'EU 38': ['UK 5', 'US 7.5']}}`; or a table of sizes: `{'size': 'women shoes'}`, "
            "`men shoes`, `women clothes`, `men clothes`",
            shown="",
            at_home=False,
        ),
    ] = field(default_factory=dict)
    abstain: Annotated[
        float | None,
        Option(
            SHARE,
            "probability below which no value is given",
            shown="tuned on held-out titles for the largest F1",
        ),
    ] = None
    seed: Annotated[int, Option(whole(0), "the seed of folds and resamples; another one is another fit")] = 0
