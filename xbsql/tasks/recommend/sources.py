"""Events of the target and of other markets, read for one problem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xbsql import errors
from xbsql.features.personal import personal
from xbsql.recommendation.counts import Counts, pooled
from xbsql.recommendation.events import as_ids, read_events
from xbsql.recommendation.histories import Histories
from xbsql.recommendation.methods import own_only
from xbsql.recommendation.titles import catalogue
from xbsql.tasks.recommend.recommender import merged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from xbsql.recommendation.events import Events, Names, Places
    from xbsql.recommendation.rankers import Ranker
    from xbsql.tasks.recommend.options import RecommendOptions
    from xbsql.tasks.recommend.recommender import Recommender
    from xbsql.tasks.task import Asked

MOST_MARKETS: Final = 8
"""Home markets with features of their own."""

OTHERS: Final = "others"


@dataclass(frozen=True)
class Source:
    """What other markets know.

    Attributes:
        items: of all of them, as text, sorted.
        counts: of each market over these items, by name.
        histories: of the users of each market, by name; none where only a model is there.
        rankers: what orders at home, by the name of its method.
        judging: bool, of each event of the target: whether it is new to a model that comes from home; None:
            all are.
        notes: of what stands on both sides, one line each.
    """

    items: Names
    counts: Mapping[str, Counts]
    histories: Mapping[str, Histories] = field(default_factory=dict)
    rankers: Mapping[str, Ranker] = field(default_factory=dict)
    judging: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    @property
    def everybody(self) -> Histories | None:
        """The users of all of them; None where only a model is there."""
        return reduce(Histories.beside, self.histories.values()) if self.histories else None

    @property
    def together(self) -> Counts:
        """Of all of them."""
        return pooled(list(self.counts.values()))

    def ordered_by(self, rankers: Mapping[str, Ranker]) -> Source:
        """The same with what orders."""
        return replace(self, rankers=rankers)

    def beside(self, items: Names) -> tuple[Names, Places, Places]:
        """A target's items and these as one list, and where each stand in it."""
        return merged(items, self.items)


def told(
    asked: Asked, options: RecommendOptions, source: pa.Table | None
) -> tuple[Asked, pa.Table | None, dict[str, str]]:
    """The rows that are events on both sides, and what their titles say of items; the target's come first.

    Raises:
        XbsqlError: the target has no column of titles, or one that cannot be read.
    """
    if options.title is None:
        return asked, source, {}
    where, columns = asked.where, options.columns(asked.label)
    for name in (columns.user, columns.item, options.title):
        if name not in asked.data.column_names:
            raise errors.unknown(where, "column", name, asked.data.column_names, place="the table has")
    titles, data = catalogue(where, asked.data, columns, options.title)
    if source is not None and {columns.user, columns.item} <= set(source.column_names):
        theirs, source = catalogue(where, source, columns, options.title)
        titles = {**theirs, **titles}
    return replace(asked, data=data), source, titles


def read_target(asked: Asked, options: RecommendOptions) -> Events:
    """The events of a market.

    Raises:
        XbsqlError: a column is missing or cannot be read, ids of users look personal.
    """
    columns = options.columns(asked.label)
    asked.step(0.0, f"reading {asked.data.num_rows} rows")
    events = read_events(asked.where, asked.data, columns, options.end(asked.where))
    if options.keep_rows and options.hash_ids is None:
        _refuse_personal(asked.where, asked.data, columns.user)
    return events


def source_of(
    asked: Asked, options: RecommendOptions, events: Events, base: Recommender | None,
    source: pa.Table | None,
) -> Source:  # fmt: skip
    """What the base and the home rows say; where both are given the rows are counted and the base orders.

    What the target's own events are must not teach what they judge: they are left out of the rows, and those
    that the base was fitted on judge nothing.

    Raises:
        XbsqlError: a column is missing or cannot be read, or the base holds what may not be kept.
    """
    if source is not None:
        found = _read(asked, options, source, events)
        return (
            found if base is None else _judged(found.ordered_by(own_only(base.blend.members)), base, events)
        )
    assert base is not None
    if base.keeps and not options.keep_rows:
        problem = "'keep_rows' is false, and the home model holds pairs of items that one user alone has"
        raise errors.invalid(asked.where, problem, "fit that with {'keep_rows': false} too")
    markets = base.markets
    counts = {base.market or "home": markets.own, **markets.others}
    return _judged(Source(base.items, counts, {}, own_only(base.blend.members)), base, events)


def _judged(source: Source, base: Recommender, events: Events) -> Source:
    """The source with what the base was not fitted on."""
    if not base.keeps:
        note = "the home model keeps no rows: whether it was fitted on some of these events cannot be told"
        return replace(source, notes=(*source.notes, note))
    user = base.known(pa.array(events.users, pa.string()))[events.user]
    item = base.placed(pa.array(events.items, pa.string()))[events.item]
    width, past = len(base.items), base.histories
    known = np.isin(user * width + item, past.user * width + past.item) & (user >= 0) & (item >= 0)
    if not known.any():
        return source
    note = f"{int(known.sum())} pairs of user and item are in the home model already and judge nothing"
    return replace(source, judging=~known, notes=(*source.notes, note))


def overlap(where: str, own: Names, home: Names) -> tuple[str, ...]:
    """How many items stand on both sides.

    Raises:
        XbsqlError: most would, were they spelt alike.
    """
    if not len(own) or not len(home):
        return ()
    both = len(set(own) & set(home))
    alike = {str(name).strip().casefold(): name for name in home}
    folded = [name for name in own if str(name).strip().casefold() in alike]
    if len(folded) > 2 * both:
        some = next(name for name in folded if alike[str(name).strip().casefold()] != name)
        other = alike[str(some).strip().casefold()]
        problem = (
            f"{both} of {len(own)} items are at home as they are written, and {len(folded)} but for case and "
            f"spaces: '{errors.shown(some, 60)}' is '{errors.shown(other, 60)}' there"
        )
        raise errors.invalid(where, problem, "write them alike on both sides (upper(trim(item)))")
    return (f"{both} of {len(own)} items are sold at home too",)


def _read(asked: Asked, options: RecommendOptions, source: pa.Table, target: Events) -> Source:
    """Home rows by market, without the target's own."""
    where, columns, end = asked.where, options.columns(asked.label), options.end(asked.where)
    parts = {"home": source} if options.source_market is None else _markets(where, options, source)
    try:
        read = {name: read_events(where, rows, columns, end) for name, rows in parts.items()}
    except errors.XbsqlError as error:
        raise errors.invalid(where, f"in the source, {error.said}") from error
    own = {name: events.among(target) for name, events in read.items()}
    read = {name: events.rows(~own[name]) for name, events in read.items()}
    left = sum(int(rows.sum()) for rows in own.values())
    notes = (f"{left} pairs of user and item of the source stand in the target and were left out of it",)
    items = np.unique(np.concatenate([events.items for events in read.values()]))
    histories = {
        name: Histories.of(events, np.searchsorted(items, events.items)) for name, events in read.items()
    }
    counts = {name: Counts.of(had, len(items), options.fewest) for name, had in histories.items()}
    return Source(items, counts, histories, notes=notes if left else ())


def _markets(where: str, options: RecommendOptions, source: pa.Table) -> dict[str, pa.Table]:
    """The rows of each market, the largest first; those of the small ones together."""
    name = options.source_market or ""
    if name not in source.column_names:
        what = "column for the option 'source_market'"
        raise errors.unknown(where, what, name, source.column_names, place="the source has")
    of = as_ids(where, name, source[name])
    listed = sorted(of.value_counts().to_pylist(), key=lambda row: (-row["counts"], str(row["values"])))
    large = [row["values"] for row in listed if row["values"] is not None][:MOST_MARKETS]
    found = {market: source.filter(pc.equal(of, market).fill_null(False)) for market in large}
    rest = source.filter(pc.invert(pc.is_in(of, value_set=pa.array(large, pa.string()))))
    return found | ({OTHERS: rest} if len(rest) else {})


def _refuse_personal(where: str, table: pa.Table, name: str) -> None:
    """Refuse ids of users that look like data of persons, where nobody said what is to become of them."""
    for kind in personal(table.select([name])).values():
        problem = f"column '{name}' looks like {kind}, and a recommender keeps the ids of users"
        remedy = (
            "say {'hash_ids': true}, or {'keep_rows': false}, or {'hash_ids': false} to keep them in clear"
        )
        raise errors.invalid(where, problem, remedy)
