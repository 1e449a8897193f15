"""What stands beside the texts of two catalogues, as evidence of their pairs, learned without labels.

Prices and brands say as much as pairs that are likely by their texts agree in them more often than others,
see `linking.evidence`. Pictures say less the farther a pair stands behind nearer ones, by a line that
`bench.match_looks` fits on photos of groceries, one a class, beside their icons and beside other photos of
theirs: -.93, 1.69 and -.78. How many stand before a pair, and how near it is, told no more. Levels of
nearness that are learned without labels, as those of prices are, found less on other draws of these photos:
.42 of the counterparts for .52 beside icons, .47 for .56 beside photos, where texts were often wrong and
taught them what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from xbsql.arrow import is_text
from xbsql.linking.evidence import MOST, ROUNDS, share, weighed
from xbsql.linking.fields import Numbers, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xbsql.linking.fields import Field
    from xbsql.linking.graph import Bools, Floats, Ints
    from xbsql.matching.looks import Looks

AWAY: Final = 0.9
"""Log odds that a picture says less for each standard deviation that its pair stands behind nearer ones."""
NEAREST: Final = 1.6
"""Log odds that it says more where the two are each other's nearest."""
ALONE: Final = -0.8
"""Log odds of a pair by its pictures alone, before both."""


def says(
    left: Mapping[str, pa.Array], right: Mapping[str, pa.Array], looks: Looks | None, i: Ints, j: Ints,
    odds: Floats, told: Bools,
) -> Floats:  # fmt: skip
    """The log odds that price, brand and picture add to those of the texts, float64, shape (p,).

    Args:
        left: n rows of what there is beside the texts, see `matching.beside.fields`: prices of one currency.
        right: the same of m rows; what one side alone has says nothing.
        looks: the pictures; None without.
        i: int64, shape (p,): left rows.
        j: int64, shape (p,): right rows.
        odds: float64, shape (p,): log odds by the texts, 0 where a row has none.
        told: bool, shape (p,): pairs of rows that have a text; what is learned, is learned from these.
    """
    seen = np.zeros(len(i)) if looks is None else _seen(looks, i, j, odds, told)
    found: dict[str, Field] = {}
    names = [name for name in ("price", "brand") if name in left and name in right]
    shared = {name: _both(left[name], right[name]) for name in names}
    if "price" in shared:
        found["price"] = Numbers.of(shared["price"], scaled=False)
    if "brand" in shared:
        found["brand"] = Words.of(shared["brand"])
    rows = max((len(column) for column in left.values()), default=0)
    evidence = weighed(found, i, j + rows, np.zeros(len(i), np.int64), odds + seen, told)
    return np.asarray(seen + evidence.says.sum(axis=1), np.float64)


def _seen(looks: Looks, i: Ints, j: Ints, odds: Floats, told: Bools) -> Floats:
    """What the pictures of pairs say, float64, shape (p,).

    Beside texts a likelihood ratio, whose mean is 1 among pairs of two products, so pictures that all look
    alike say nothing; of pairs without a text the log odds themselves.
    """
    there = looks.there(i, j)
    found, both = np.where(there, ALONE, 0.0), told & there
    found[there] += NEAREST * looks.nearest(i[there], j[there]) - AWAY * looks.behind(i[there], j[there])
    if not both.any():
        return found
    says, found[both] = found[both], 0.0
    for _ in range(ROUNDS):
        other = np.maximum(1 - share(odds[both] + found[both]), 1e-9)
        found[both] = np.clip(says - np.log(np.average(np.exp(says), weights=other)), -MOST, MOST)
    return found


def _both(left: pa.Array, right: pa.Array) -> pa.Array:
    """Two columns of numbers or texts, maybe of different types, as one."""
    kind = pa.string() if is_text(left.type) else pa.float64()
    return pa.concat_arrays([left.cast(kind), right.cast(kind)])
