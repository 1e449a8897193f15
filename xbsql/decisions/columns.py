"""What the rows of a market are read for: which column is the title, the price, the customer ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from xbsql import errors
from xbsql.arrow import one_chunk
from xbsql.features.roles import as_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MEANINGS: Final = (
    "market", "category", "title", "price", "currency", "customer", "amount", "ts", "days",
)  # fmt: skip
"""market: country code or name; category, title: of the product; price: of a unit, in `currency`; customer:
who bought; amount: what the row came to; ts: when; days: from the order to its delivery."""


OF_MARKETS: Final = ("market", "currency", "days")
"""What home's rows need not say: its name and money are known otherwise, and no parcel goes there."""


def named(where: str, home: pa.Table, others: pa.Table, given: Mapping[str, Any]) -> dict[str, str]:
    """The column of each meaning: as given, else the column of that very name.

    Raises:
        XbsqlError: a meaning that there is not, a column that a table lacks, or none for the market.
            Home may lack those of `OF_MARKETS`.
    """
    for meaning, column in given.items():
        if meaning not in MEANINGS:
            raise errors.unknown(where, "field of columns", meaning, MEANINGS)
        tables = (others,) if meaning in OF_MARKETS else (home, others)
        for table in tables:
            if column not in table.column_names:
                raise errors.unknown(where, "column", str(column), table.column_names, place="a table has")
    both = set(home.column_names) & set(others.column_names)
    found = {name: name for name in MEANINGS if name in both} | {k: str(v) for k, v in given.items()}
    for name in OF_MARKETS:
        if name not in found and name in others.column_names:
            found[name] = name
    if "market" not in found:
        remedy = "name it: columns := {'market': 'country'}"
        raise errors.invalid(where, "no column says which market a row is of", remedy)
    return found


def markets_in(where: str, table: pa.Table, column: str) -> tuple[list[str], NDArray[np.int64]]:
    """The markets, sorted, and the place of each row's; -1 where it is NULL.

    Raises:
        XbsqlError: no row names one.
    """
    values = as_text(table[column])
    names = sorted(set(values.drop_null().to_pylist()))
    if not names:
        raise errors.invalid(where, f"column '{column}' names no market", "give rows with one")
    codes = pa.compute.index_in(one_chunk(values), pa.array(names, pa.string())).fill_null(-1)
    return names, codes.to_numpy(zero_copy_only=False).astype(np.int64)


def numbers(where: str, table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of numbers as float64, NULL and what is not finite as NaN.

    Raises:
        XbsqlError: it is no number.
    """
    column = one_chunk(table[name])
    if kind_of(column.type) not in ("number", "null"):
        raise errors.invalid(where, f"column '{name}' is {column.type}", f"cast it ({name}::DOUBLE)")
    found = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isfinite(found), found, np.nan)
