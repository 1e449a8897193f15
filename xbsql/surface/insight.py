"""What looks inside: why a model says so, what labels bring, how markets differ."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.session import insight
from xbsql.session.estimate import estimate as run_estimate
from xbsql.session.session import Session
from xbsql.surface.arguments import DATA, ColumnOf, Flag, Given, Model, Name, Names, Rows, Text, Whole
from xbsql.surface.function import Columns, Like, function

Named = Annotated[
    str | None,
    ColumnOf(python="str | None"),
    "what names a row in the answer, of any type; NULL: its place, from 1",
]
CONTRIBUTION: Columns = {
    "label": "VARCHAR", "feature": "VARCHAR", "value": "VARCHAR", "contribution": "DOUBLE",
}  # fmt: skip
Target = Annotated[pa.Table, Rows(order=""), "the foreign market's rows, labelled or not"]
Compared = Annotated[Names, "the columns to compare; NULL takes all that have values on both sides"]


@function(
    {"row": Like("tbl", "id", "BIGINT"), **CONTRIBUTION},
    example="FROM xb.explain('days_home', parcels, per_row := false)",
    travels={"place": "BIGINT", **CONTRIBUTION},
)
def explain(
    session: Session,
    model: Annotated[Name, "a model of classes or numbers"],
    tbl: Annotated[pa.Table, Rows(order=""), DATA],
    background: Annotated[
        pa.Table | None,
        Rows(order="", optional=True),
        "rows to compare with; without it the rows of `tbl` are compared",
    ] = None,
    per_row: Annotated[Flag, "false sums up, one row a feature"] = True,
    id: Named = None,
) -> pa.Table:
    """What each column adds to each prediction: SHAP values of the blend. `row` is its place, from 1, or
    what `id` says of it. Numbers: contributions are in the label's unit; classes: in probability of the
    class in `label`, the predicted one; where labels are paths each level of the likeliest path is explained,
    `label` says which. `(base)` is what an average row of the background gets, and a
    row's contributions sum to its prediction. They are exact for trees and lines. What is no column stands
    in brackets: `(home model)` is a home prediction that cannot be taken apart, `(market)` that the row is
    abroad, `(bounds)` what was cut off at the range of the labels. All text columns together are one feature.
    `per_row := false`: the mean absolute contribution of each feature over at most 2,000 rows, `row`
    NULL. Rows whose inputs are all NULL are left out.
    """
    behind = None if background is None else one_chunk(background.to_struct_array())
    found = insight.explain(session, model, one_chunk(tbl.to_struct_array()), behind, per_row=per_row)
    return _named("xb.explain", found, tbl, id)


@function(
    {
        "labels": "BIGINT", "arm": "VARCHAR", "basis": "VARCHAR", "metric": "VARCHAR", "value": "DOUBLE",
        "lo": "DOUBLE", "hi": "DOUBLE",
    },
    example="FROM xb.label_curve('days_home', parcels)",
)  # fmt: skip
def label_curve(
    session: Session,
    model: Annotated[Model, "a home model, or one that was transferred from a base"],
    tbl: Annotated[pa.Table, Rows(), f"the target: {DATA}; 30 labelled rows or more"],
    label: Annotated[Text, "the label column; NULL for the one the model was fitted on"] = None,
    options: Annotated[Given, "of the fits, see docs/options.md"] = None,
) -> list[dict[str, Any]]:
    """How many labels does this market need? The answer is the score by number of labels, out of fold
    with 95 % bootstrap intervals: of the target alone, and of the transfer from the home model
    (`blend`; `source only` is that model as it is). A transferred model stands for its base. Where the
    model was fitted on these very rows, or from rows without a base, the target alone is shown. `basis`
    is 'measured', or 'extrapolated' for two and four times the labels there are: a power law through
    the last points, which promises too much where noise remains that no label removes. Every size is
    fitted five times, so it takes as long as some twenty transfers.
    """
    return insight.label_curve(session, model, tbl, label, options or {})


@function(
    {"row": Like("tbl", "id", "BIGINT"), "part": "VARCHAR", "weight": "DOUBLE", "doubt": "DOUBLE"},
    example="FROM xb.suggest_labels('category_home', japan, 8)",
    travels={"place": "BIGINT", "part": "VARCHAR", "weight": "DOUBLE", "doubt": "DOUBLE"},
)
def suggest_labels(
    session: Session,
    model: Annotated[Model, "a home model, or one that was transferred"],
    tbl: Annotated[pa.Table, Rows(order=""), f"the target: {DATA}; rows with a label stay out"],
    n: Annotated[Whole, "how many rows"] = 50,
    by: Annotated[Text, "a column, such as the market, whose values share the rows fairly"] = None,
    seed: Annotated[Whole, "of what is drawn"] = 0,
    id: Named = None,
) -> pa.Table:
    """Which rows to label next, the most useful first. Three quarters are `chosen`: rows that the members
    of the model disagree about, that are like many others it is unsure of, and unlike what is labelled or
    chosen already. The others are `random`, so that evidence stays fair: with `weight` (of mean 1) the labels
    stand for the whole market. Keep it beside the labels, and name its column in the option `weight` of
    `xb.transfer`.
    `doubt` is the probability that the model's class is wrong, or how far the members of its blend lie apart,
    in the label's unit. 2,000 of the unlabelled rows are looked at. `row` is the place in `tbl`, from 1, or
    what `id` says of it.
    """
    found = insight.suggest_labels(session, model, tbl, n, by, seed)
    return _named("xb.suggest_labels", found, tbl, id)


@function(
    {"function": "VARCHAR", "rows": "BIGINT", "seconds": "DOUBLE", "gb": "DOUBLE"},
    example="FROM xb.estimate('transfer', parcels, 'days', base := 'days_home')",
)
def estimate(
    session: Session,
    function: Annotated[Name, "'fit', 'transfer', 'label_curve' or 'match'"],
    tbl: Annotated[pa.Table, Rows(order=""), f"what it would read: {DATA}; of a match the left catalogue"],
    label: Annotated[Name, "the label column; of a match the column with the text of both sides"],
    base: Annotated[Text, "the home model of a transfer or a label curve; NULL for none"] = None,
    source: Annotated[
        pa.Table | None,
        Rows(order="", optional=True),
        "the home rows of a transfer; the right side of a match",
    ] = None,
    options: Annotated[Given, "of the call, see docs/options.md"] = None,
) -> list[dict[str, Any]]:
    """What a long call would take, before it is made: seconds of one processor of this machine, and gigabytes
    beside what the process holds already. The work is counted (folds, candidates, rows of each) and priced by
    what it took elsewhere, scaled by a short probe of this machine; expect half to twice of it, and more on a
    busy machine. Fits and transfers are those of the tasks 'classify' and 'predict'; others are refused.
    """
    return run_estimate(session, function, tbl, label, base, source, options or {})


@function(
    {"row": Like("source", "id", "BIGINT"), "weight": "DOUBLE"},
    example="FROM xb.weights(home, japan, columns := ['title']) LIMIT 3",
    travels={"place": "BIGINT", "weight": "DOUBLE"},
)
def weights(
    session: Session,
    source: Annotated[pa.Table, Rows(order=""), f"the home market's rows: {DATA}"],
    target: Target,
    method: Annotated[
        Name, "'density_ratio' (a classifier out of fold), 'ulsif', 'rulsif' or 'kliep'"
    ] = "density_ratio",
    columns: Compared = None,
    id: Named = None,
) -> pa.Table:
    """How much likelier each source row is in the target than at home, of mean 1, held to 0.05 .. 20: what to
    weigh home rows by where there is no foreign label. `row` is the place in `source`, from 1, or what `id`
    says of it. Name the `columns` where one of them is a label that only some rows have.
    """
    found = insight.weights(session, source, target, method, columns)
    return _named("xb.weights", found, source, id)


@function(
    {"measure": "VARCHAR", "column": "VARCHAR", "value": "DOUBLE"},
    example="FROM xb.domain_similarity(home, japan, columns := ['title'], model := 'category_home')",
)
def domain_similarity(
    session: Session,
    source: Annotated[pa.Table, Rows(order=""), f"the home market's rows: {DATA}"],
    target: Target,
    columns: Compared = None,
    model: Annotated[Text, "a home model of classes or numbers; NULL leaves out what it says"] = None,
) -> list[dict[str, Any]]:
    """How alike two markets are. All columns together (`column` NULL): 'proxy_a', 0 where a classifier cannot
    tell them apart to 2, and 'mmd2', about 0 if equal. Each column: 'ks' for numbers and dates and
    'total_variation' for categories, 0 to 1, the largest first; 'mmd2' of the embeddings for text;
    'missing', by how much the share of NULL differs. With a `model`, first what it is worth there as it is,
    `column` being its label: 'auc' of two classes, 'accuracy' of more or 'r2' of numbers on the labels that
    the target has; of classes also 'label_shift', 0 to 1: how far their shares differ from those at home,
    estimated without labels. It explains and does not decide: an unlike market may gain the most from a
    transfer.
    """
    return insight.domain_similarity(session, source, target, columns, model)


def _named(where: str, found: pa.Table, rows: pa.Table, id: str | None) -> pa.Table:
    """What was found, with the value of a column in place of each row's place; NULL where there is none."""
    if id is None:
        return found
    if id not in rows.column_names:
        raise errors.unknown(where, "column", id, rows.column_names, place="the table has")
    return found.set_column(0, "row", one_chunk(rows[id]).take(pc.subtract(one_chunk(found["row"]), 1)))
