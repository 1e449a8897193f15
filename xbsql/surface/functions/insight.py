"""The part of the SQL surface that looks inside, as data."""

from __future__ import annotations

from xbsql.surface.function import DATA, Argument, Function, rows_type
from xbsql.surface.handlers import insight as handlers

_SOURCE = Argument("source", f"the home market's rows: {DATA}")
_TARGET = Argument("target", "the foreign market's rows, labelled or not")
_COLUMNS = Argument(
    "columns", "a list of the columns to compare; NULL takes all that have values on both sides", "NULL"
)

EXPLAIN = Function(
    "explain",
    "set",
    (
        Argument("model", "VARCHAR: a model of classes or numbers"),
        Argument("tbl", DATA),
        Argument(
            "background", "rows to compare with; without it the rows of `tbl` are compared", "xb._nothing"
        ),
        Argument("per_row", "BOOLEAN: false sums up, one row a feature", "true"),
    ),
    rows_type(row="BIGINT", label="VARCHAR", feature="VARCHAR", value="VARCHAR", contribution="DOUBLE"),
    "What each column adds to each prediction: SHAP values of the blend. `row` is its place, from 1. "
    "Numbers: contributions are in the label's unit; classes: in probability of the class in `label`, the "
    "predicted one. `(base)` is what an average row of the background gets, and a row's contributions sum to "
    "its prediction. Exact for trees and lines; what is no column stands in brackets: `(home model)` a home "
    "prediction that enters curved, `(market)` that the row is abroad, `(bounds)` what was cut off at the "
    "range of the labels. All text columns together are one feature. `per_row := false`: the mean absolute "
    "contribution of each feature over at most 2,000 rows, `row` NULL. Rows whose inputs are all NULL are "
    "left out.",
    "FROM xb.explain('days_home', parcels, per_row := false)",
    handlers.explain,
)
LABEL_CURVE = Function(
    "label_curve",
    "set",
    (
        Argument("model", "VARCHAR: a home model, or one that was transferred from a base"),
        Argument("tbl", f"the target: {DATA}; 30 labelled rows or more"),
        Argument("label", "VARCHAR: the label column; NULL for the one the model was fitted on", "NULL"),
        Argument("options", "STRUCT: of the fits, see docs/options.md", "{}"),
    ),
    rows_type(
        labels="BIGINT",
        arm="VARCHAR",
        basis="VARCHAR",
        metric="VARCHAR",
        value="DOUBLE",
        lo="DOUBLE",
        hi="DOUBLE",
    ),
    "How many labels does this market need? The score by number of labels, out of fold with 95 % bootstrap "
    "intervals: of the target alone, and of the transfer from the home model (`blend`; `source only` is that "
    "model as it is). A transferred model stands for its base. Where the model was fitted on these very "
    "rows, or from rows without a base, the target alone is shown. `basis` is 'measured', or 'extrapolated' "
    "for two and four times the labels there are: a power law through the last points, an optimist where "
    "noise remains. Every size is fitted five times, so it takes as long as some twenty transfers.",
    "FROM xb.label_curve('days_home', parcels)",
    handlers.label_curve,
)
WEIGHTS = Function(
    "weights",
    "set",
    (
        _SOURCE,
        _TARGET,
        Argument(
            "method",
            "VARCHAR: 'density_ratio' (a classifier out of fold), 'ulsif', 'rulsif' or 'kliep'",
            "'density_ratio'",
        ),
        _COLUMNS,
    ),
    rows_type(row="BIGINT", weight="DOUBLE"),
    "How much likelier each source row is in the target than at home, of mean 1, held to 0.05 .. 20: what to "
    "weigh home rows by where there is no foreign label. `row` is the place in `source`, from 1. Name the "
    "`columns` where one of them is a label that only some rows have.",
    "FROM xb.weights(home, japan, columns := ['title']) LIMIT 3",
    handlers.weights,
)
DOMAIN_SIMILARITY = Function(
    "domain_similarity",
    "set",
    (
        _SOURCE,
        _TARGET,
        _COLUMNS,
        Argument(
            "model", "VARCHAR: a home model of classes or numbers; NULL leaves out what it says", "NULL"
        ),
    ),
    rows_type(measure="VARCHAR", column="VARCHAR", value="DOUBLE"),
    "How alike two markets are. All columns together (`column` NULL): 'proxy_a', 0 where a classifier cannot "
    "tell them apart to 2, and 'mmd2', about 0 if equal. Each column: 'ks' for numbers and dates and "
    "'total_variation' for categories, 0 to 1, the largest first; 'mmd2' of the embeddings for text; "
    "'missing', by how much the share of NULL differs. With a `model`, first what it is worth there as it "
    "is, `column` being its label: 'auc' of two classes, 'accuracy' of more or 'r2' of numbers on the labels "
    "that the target has; of classes also 'label_shift', 0 to 1: how far their shares differ from those at "
    "home, estimated without labels. It explains and does not decide: an unlike market may gain the most "
    "from a transfer.",
    "FROM xb.domain_similarity(home, japan, columns := ['title'], model := 'category_home')",
    handlers.domain_similarity,
)

INSIGHT_FUNCTIONS: tuple[Function, ...] = (EXPLAIN, LABEL_CURVE, WEIGHTS, DOMAIN_SIMILARITY)
