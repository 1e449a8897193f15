"""Two markets side by side without a label: how alike they are, which source rows look like the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors, kernels
from xbsql.arrow import one_chunk
from xbsql.engine.candidates.boosted import Boosted
from xbsql.engine.candidates.instance import clipped, density_ratio
from xbsql.engine.candidates.linear import Linear
from xbsql.engine.design import Layout, dense, fit_design
from xbsql.engine.likeness import mean_discrepancy, proxy_a_distance
from xbsql.features.drawn import drawn
from xbsql.features.roles import as_text, roles
from xbsql.features.table import joined
from xbsql.features.views import stack
from xbsql.tasks.reader import fit_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.engine.candidate import Learner
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats
    from xbsql.tasks.reader import Reader

METHODS = ("density_ratio", "ulsif", "rulsif", "kliep")

MOST_ROWS = 5000
"""Rows of each market that a likeness is measured on."""

MOST_FOR_MMD = 2000
"""The same for the mean discrepancy, whose time grows with their square."""


@dataclass(frozen=True)
class Markets:
    """Two markets read alike.

    Attributes:
        reader: of the columns that both have.
        source: the source's rows.
        target: the target's rows.
    """

    reader: Reader
    source: Features
    target: Features

    @property
    def layout(self) -> Layout:
        """All that is read, columns first."""
        views = [name for name in ("table", "text", "picture") if name in self.source]
        return Layout(tuple(views), self.reader.table.categorical)

    def judge(self) -> Learner:
        """What tells the two apart: trees on columns, a line where text or pictures are read."""
        if self.reader.text or self.reader.pictures:
            return Linear(self.layout, 2, penalty=1.0)
        return Boosted(self.layout, 2, small=True, rounds=40, rate=0.1)


def markets_of(
    where: str, source: pa.Table, target: pa.Table, columns: Sequence[str] | None = None
) -> Markets:
    """Read both markets' common columns; one that is all NULL on a side is left out.

    Args:
        where: the SQL function.
        source: n rows.
        target: m rows.
        columns: those to read; None reads all that both have.

    Raises:
        XbsqlError: no such column, none in common or none that can be read, or one of another type in the
            other market.
    """
    for name in columns or ():
        for table in (source, target):
            if name not in table.column_names:
                raise errors.unknown(where, "column", name, table.column_names, place="one of the tables has")
    asked = columns or [name for name in source.column_names if name in target.column_names]
    shared = [
        name
        for name in dict.fromkeys(asked)
        if all(table[name].null_count < len(table) for table in (source, target))
    ]
    if not shared:
        problem = f"no column has values in both: {', '.join(source.column_names)} in the source"
        raise errors.invalid(where, problem, f"the target has {', '.join(target.column_names)}")
    here, there = source.select(shared), target.select(shared)
    both = joined(here, there, where=where, left_out="columns := [...]")
    found = roles(both, None)
    read = [name for name in shared if found[name] != "ignored"]
    if not read:
        problem = f"no column can be compared ({', '.join(shared)}): each names the row"
        raise errors.invalid(where, problem, "give other columns")
    given = {role: [name for name in read if found[name] == role] for role in ("text", "category")}
    reader = fit_reader(both.select(read), None, given)
    return Markets(reader, reader.read(both.slice(0, len(here))), reader.read(both.slice(len(here))))


def weights(source: pa.Table, target: pa.Table, method: str, columns: Sequence[str] | None = None) -> Floats:
    """How much likelier each source row is in the target than in the source.

    Args:
        source: n rows.
        target: rows of the target, labelled or not.
        method: 'density_ratio' by a classifier out of fold, or 'ulsif', 'rulsif', 'kliep', see
            `kernels.importance_weights`.
        columns: see `markets_of`.

    Returns:
        float64, shape (n,): of mean 1, held to 0.05 .. 20 of the mean before.

    Raises:
        XbsqlError: as `markets_of`, no such method, or fewer than 6 rows on a side.
    """
    where = "xb.weights"
    if method not in METHODS:
        raise errors.unknown(where, "method", method, METHODS)
    _enough(where, source, target)
    both = markets_of(where, source, target, columns)
    if method == "density_ratio":
        return density_ratio(both.source, both.target, both.judge())
    design = fit_design(stack([both.source, both.target]), both.layout)
    here, there = (np.asarray(dense(design(rows)), np.float64) for rows in (both.source, both.target))
    return clipped(np.maximum(kernels.importance_weights(here, there, method=method), 0.0))


def similarity(
    source: pa.Table, target: pa.Table, columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """How alike two markets are as a whole, and column by column.

    Returns:
        Rows measure, column, value. For all columns together (column None): 'proxy_a', 0 (cannot be told
        apart) to 2 (Ben-David et al., 2007), and 'mmd2', about 0 if equal (Gretton et al., 2012). For each:
        'ks', the Kolmogorov-Smirnov distance of numbers and dates, 'total_variation' of categories and
        booleans, both 0 (the same) to 1 (no overlap), 'mmd2' of the embeddings of texts or pictures, and
        'missing', the share of NULL in the target less that in the source. The largest shift of a column
        comes first.

    Raises:
        XbsqlError: as `markets_of`, or fewer than 6 rows on a side.
    """
    where = "xb.domain_similarity"
    _enough(where, source, target)
    source, target = (side.take(pa.array(drawn(len(side), MOST_ROWS))) for side in (source, target))
    both = markets_of(where, source, target, columns)
    few = [rows.take(drawn(len(rows), MOST_FOR_MMD)) for rows in (both.source, both.target)]
    whole = [
        {
            "measure": "proxy_a",
            "column": None,
            "value": max(proxy_a_distance(both.source, both.target, both.judge()), 0.0),
        },
        {"measure": "mmd2", "column": None, "value": mean_discrepancy(few[0], few[1], both.layout)},
    ]
    each = [
        _column(both, name, source, target)
        for name in both.reader.schema.names
        if name not in (*both.reader.text, *both.reader.pictures)
    ]
    each.sort(key=lambda row: -row["value"])
    for view, names in (("text", both.reader.text), ("picture", both.reader.pictures)):
        if names:
            apart = mean_discrepancy(few[0], few[1], Layout((view,)))
            each.append({"measure": "mmd2", "column": " + ".join(names), "value": apart})
    missing = [_missing(name, source, target) for name in both.reader.schema.names]
    return whole + each + [row for row in missing if row["value"]]


def _column(both: Markets, name: str, source: pa.Table, target: pa.Table) -> dict[str, Any]:
    own = next(column for column in both.reader.table.columns if column.name == name)
    role = own.role
    if role in ("category", "boolean"):
        return {
            "measure": "total_variation",
            "column": name,
            "value": _total_variation(source[name], target[name]),
        }
    read = [f"{name}.days"] if role == "date" else own.outputs
    places = [both.reader.table.names.index(output) for output in read]
    here, there = (dense(rows["table"])[:, places].T for rows in (both.source, both.target))
    apart = [_ks(a[~np.isnan(a)], b[~np.isnan(b)]) for a, b in zip(here, there, strict=True)]
    return {"measure": "ks", "column": name, "value": max(apart)}


def _ks(here: Floats, there: Floats) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(here, there, method="asymp").statistic)


def _total_variation(here: pa.ChunkedArray, there: pa.ChunkedArray) -> float:
    """Half the summed difference of the shares of the values, NULL left out."""
    shares: list[dict[str, float]] = []
    for column in (here, there):
        known = as_text(column).drop_null()
        counts = pc.value_counts(one_chunk(known)).to_pylist()
        shares.append({row["values"]: row["counts"] / len(known) for row in counts})
    return 0.5 * sum(
        abs(shares[0].get(v, 0.0) - shares[1].get(v, 0.0)) for v in dict.fromkeys((*shares[0], *shares[1]))
    )


def _missing(name: str, source: pa.Table, target: pa.Table) -> dict[str, Any]:
    here, there = (table[name].null_count / len(table) for table in (source, target))
    return {"measure": "missing", "column": name, "value": there - here}


def _enough(where: str, source: pa.Table, target: pa.Table) -> None:
    for name, table in (("source", source), ("target", target)):
        if len(table) < 6:
            raise errors.invalid(
                where, f"the {name} has {len(table)} rows", "give 6 rows or more of each market"
            )
