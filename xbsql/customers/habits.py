"""What customers do: when they buy, how much at once, of which category and at which price."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xbsql.customers.orders import Lines, Orders

    Floats: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.int64]

BANDS = 5
HOUR = 3_600_000_000


def gap(orders: Orders) -> Floats:
    """The median of the days between a customer's orders, (m,); NaN with fewer than two."""
    same = orders.user[1:] == orders.user[:-1]
    return _medians(orders.user[1:][same], np.diff(orders.day)[same].astype(float), len(orders.number))


def basket(orders: Orders) -> Floats:
    """Lines bought at once on average, (m,): by basket, else by day; NaN without an order."""
    lines, m = orders.lines, len(orders.number)
    bought = lines.amount > 0
    counted = np.bincount(lines.user[bought], minlength=m).astype(float)
    number = orders.number.astype(float)
    if lines.basket is not None:
        own = lines.basket.filter(pa.array(bought)).dictionary_encode().indices.fill_null(-1).to_numpy()
        number = np.bincount(np.unique(np.stack([lines.user[bought], own], 1), axis=0)[:, 0], minlength=m)
    return counted / np.where(number > 0, number, np.nan)


def price_band(orders: Orders) -> Floats:
    """The fifth of the market's lines that a customer's median line lies in, 1 to 5, (m,), or NaN."""
    lines = orders.lines
    bought = lines.amount > 0
    median = _medians(lines.user[bought], lines.amount[bought], len(orders.number))
    edges = np.quantile(lines.amount[bought], np.arange(1, BANDS) / BANDS) if bought.any() else np.zeros(4)
    return np.where(np.isnan(median), np.nan, np.searchsorted(edges, median) + 1.0)


def weekday(orders: Orders) -> Floats:
    """The weekday with most orders, 1 Monday to 7, the earlier of equals, (m,); NaN without an order."""
    return _commonest(orders.user, (orders.day + 3) % 7, 7, len(orders.number)) + 1


def hour(orders: Orders) -> Floats:
    """The hour with most lines, 0 to 23, the earlier of equals, (m,); NaN where no time of day is known."""
    lines, m = orders.lines, len(orders.number)
    bought = lines.amount > 0
    hours = lines.moment[bought] // HOUR % 24
    if not (lines.moment[bought] % (24 * HOUR)).any():
        return np.full(m, np.nan)
    return _commonest(lines.user[bought], hours, 24, m)


def category(lines: Lines) -> tuple[pa.Array, Floats]:
    """The category a customer spends most on, the first of equals in its order, and its share of the spend.

    NULL and NaN where no line that was bought has one.
    """
    m = len(lines.users)
    if lines.category is None:
        return pa.nulls(m), np.full(m, np.nan)
    known = (lines.amount > 0) & lines.category.is_valid().to_numpy(zero_copy_only=False)
    coded = lines.category.filter(pa.array(known)).dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    rank = np.argsort(order.to_numpy())
    code = rank[coded.indices.to_numpy(zero_copy_only=False)] if len(coded) else np.zeros(0, np.int64)
    pairs, line = np.unique(np.stack([lines.user[known], code], axis=1), axis=0, return_inverse=True)
    spent = np.bincount(line.reshape(-1), lines.amount[known], len(pairs))
    by = np.lexsort((pairs[:, 1], -spent, pairs[:, 0]))
    user, first = np.unique(pairs[by, 0], return_index=True)
    best, share = np.full(m, -1), np.full(m, np.nan)
    best[user] = pairs[by, 1][first]
    share[user] = spent[by][first] / np.bincount(pairs[:, 0], spent, m)[user]
    named = coded.dictionary.take(order).take(pa.array(best, mask=best < 0))
    return named, share


def _medians(user: Places, value: Floats, m: int) -> Floats:
    """The median of each customer's values, NaN where there is none."""
    by = np.lexsort((value, user))
    value, count = value[by], np.bincount(user, minlength=m)
    start = np.cumsum(count) - count
    found = np.full(m, np.nan)
    some = count > 0
    low, high = (start + (count - 1) // 2)[some], (start + count // 2)[some]
    found[some] = (value[low] + value[high]) / 2
    return found


def _commonest(user: Places, kind: Places, kinds: int, m: int) -> Floats:
    """The commonest kind of each customer, the smaller of equals; NaN where there is none."""
    counts = np.bincount(user * kinds + kind, minlength=m * kinds).reshape(m, kinds)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), np.nan)
