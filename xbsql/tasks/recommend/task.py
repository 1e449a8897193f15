"""Which items the users of a market want next, and what other markets bring to that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.features.hidden import fresh_key
from xbsql.recommendation.carry import Recommended, enough, weighed
from xbsql.recommendation.counts import Counts
from xbsql.recommendation.histories import Histories
from xbsql.recommendation.markets import Markets
from xbsql.recommendation.methods import Method, methods, own_only
from xbsql.recommendation.rehearsal import rehearsed
from xbsql.recommendation.titles import Lent
from xbsql.recommendation.trial import tried
from xbsql.tasks.recommend.measure import measured
from xbsql.tasks.recommend.options import RecommendOptions
from xbsql.tasks.recommend.recommender import Recommender, hashed, merged
from xbsql.tasks.recommend.sources import Source, overlap, read_target, source_of, told
from xbsql.tasks.task import Asked, Problem, Task, mine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.progress import Progress
    from xbsql.recommendation.events import Events, Names
    from xbsql.recommendation.rankers import Ranker
    from xbsql.recommendation.trial import Trial
    from xbsql.store.model import Model

HALF: Final = 0.5
"""Of the time, what making the features of held-out items takes."""


@dataclass(frozen=True)
class RecommendProblem(Problem[Method, Recommended, Recommender]):
    """Events of one market, or of a target with a source, counted.

    Attributes:
        events: the target's.
        items: of all markets, as text, sorted.
        histories: of the target's users.
        markets: the counts of all markets.
        options: of the user, checked.
        label: the column of items.
        step: see `Asked`.
        market: what the events are from, for the record.
        home: what orders at home, by the name of its method.
        said: notes of the way, one line each.
        judging: see `tried`.
        rehearsal: users of home markets, each in the target's place; None where they are not several.
    """

    events: Events
    items: Names
    histories: Histories
    markets: Markets
    options: RecommendOptions
    label: str
    step: Progress
    market: str | None = None
    home: Mapping[str, Ranker] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    judging: NDArray[np.bool_] | None = None
    rehearsal: Trial | None = None
    metric = "ndcg@10"

    @cached_property
    def trial(self) -> Trial | None:
        """Users whose last item is held out."""
        options = self.options
        return tried(
            self.histories, self.markets, options.fewest, options.seed,
            lambda share: self.step(HALF * share, "holding out items"), self.judging,
        )  # fmt: skip

    def __len__(self) -> int:
        return int((self.histories.lengths > 0).sum())

    def candidates(self) -> list[Method]:
        """Methods of the target alone, and those that other markets feed."""
        units = 0 if self.trial is None else self.trial.users
        return methods(
            self.markets.names, self.home, self.options.seed, units, learn=enough(self.trial),
            rehearsal=self.rehearsal,
        )  # fmt: skip

    def weighed(self, candidates: Sequence[Method], progress: Progress) -> Recommended:
        """The methods, tried on held-out items."""
        return weighed(
            candidates, self.trial, self.options.seed,
            lambda share, name: progress(HALF + (1 - HALF) * share, name), self.rehearsal,
        )  # fmt: skip

    def model(self, found: Recommended) -> Recommender:
        """The blend over the counts of all markets."""
        options, users, histories = self.options, self.events.users, self.histories
        key = fresh_key() if options.hash_ids and options.keep_rows else None
        if not options.keep_rows:
            users, histories = users[:0], Histories.listed([])
        elif key is not None:
            users = hashed(users, key)
        columns = options.columns(self.label)
        return Recommender(
            self.items,
            self.markets,
            found.blend,
            columns,
            users,
            histories,
            key,
            options.keep_rows,
            self.market,
        )

    def scores(self, found: Recommended) -> list[dict[str, Any]]:
        """The blend's nDCG@10 on held-out items; none with too few users."""
        if found.evidence is None:
            return []
        arm = next(arm for arm in found.verdict.arms if arm.name == "blend")
        return [
            {
                "metric": self.metric, "value": arm.value, "lo": arm.lo, "hi": arm.hi,
                "rows": len(np.unique(found.evidence.group)),
            }
        ]  # fmt: skip

    def notes(self, found: Recommended) -> list[str]:
        """How much there was to learn from."""
        buyers = self.markets.own.buyers
        size = f"{len(self)} users, {int((buyers > 0).sum())} items, {len(self.events)} pairs of both"
        by_length = () if found.by_length is None else (found.by_length,)
        return [size, *by_length, *self.events.notes, *self.said]


class Recommending(Task[Recommender, Recommended]):
    """A table holds one row an event: a user, an item, perhaps when and how much."""

    name = "recommend"
    unsold = True
    options = RecommendOptions

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Any column of items, with 'user' among the options."""
        return "user" in options

    def at_home(self, asked: Asked) -> RecommendProblem:
        """The events of one market."""
        options = RecommendOptions.of(asked.where, asked.options)
        asked, _, titles = told(asked, options, None)
        events = read_target(asked, options)
        if not len(events):
            raise _empty(asked, events)
        return self._problem(asked, options, events, None, titles=titles)

    def abroad(self, asked: Asked, base: Model | None, source: pa.Table | None) -> RecommendProblem:
        """The target's events with what is counted in other markets, and what orders at home.

        Columns are called as the base calls them where nobody says otherwise.
        """
        home = None if base is None else mine(asked.where, base, Recommender)
        options = RecommendOptions.of(asked.where, {**_as_at_home(home, asked), **asked.options})
        asked, source, titles = told(asked, options, source)
        events = read_target(asked, options)
        found = source_of(asked, options, events, home, source)
        if home is None and (everybody := found.everybody) is not None:
            found = found.ordered_by(self._taught(asked, options, found.together, everybody))
        if not len(events) and not found.together.buyers.any():
            raise _empty(asked, events)
        said = (*overlap(asked.where, events.items, found.items), *found.notes)
        return self._problem(asked, options, events, found, said, titles)

    def _problem(
        self, asked: Asked, options: RecommendOptions, events: Events, home: Source | None,
        said: tuple[str, ...] = (), titles: Mapping[str, str] = MappingProxyType({}),
    ) -> RecommendProblem:  # fmt: skip
        home = Source(events.items[:0], {}) if home is None else home
        items, own, theirs = home.beside(events.items)
        items, old, _ = merged(items, np.array(sorted(titles), dtype=object))
        own, theirs = old[own], old[theirs]
        others = {name: counts.placed(theirs, len(items)) for name, counts in home.counts.items()}
        histories = Histories.of(events, own)
        markets = Markets.of(Counts.of(histories, len(items), options.fewest), others)
        if titles:
            lent = Lent.of(items, titles, markets.had)
            said = (*said, f"{len(lent.to)} items that nobody has are known by their titles")
            markets = replace(markets, lent=lent)
        rehearsal = rehearsed(
            home.counts, home.histories, int((histories.lengths > 0).sum()), options.fewest, options.seed,
            lambda share: asked.step(0.0, "rehearsing home markets"),
        )  # fmt: skip
        if rehearsal is not None:
            several = len(np.unique(rehearsal.folds))
            said = (*said, f"{rehearsal.users} users of {several} home markets rehearsed it")
            markets = markets.with_directions()
        return RecommendProblem(
            events,
            items,
            histories,
            markets,
            options,
            asked.label,
            asked.step,
            asked.market,
            home.rankers,
            said,
            home.judging,
            rehearsal,
        )

    def _taught(
        self, asked: Asked, options: RecommendOptions, together: Counts, histories: Histories
    ) -> dict[str, Ranker]:
        """What orders home's own users, by the name of its method."""
        markets = Markets.of(together, {})
        trial = tried(
            histories, markets, options.fewest, options.seed,
            lambda share: asked.step(0.0, "home: holding out items"),
        )  # fmt: skip
        if trial is None or not enough(trial):
            return {}
        learnt = methods(markets.names, {}, options.seed, trial.users, learn=True)
        found = weighed(learnt, trial, options.seed, lambda share, name: asked.step(0.0, f"home: {name}"))
        return own_only(found.blend.members)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """Measure a recommender on later events, see `measured`."""
        return measured(mine("xb.evaluate", model, Recommender), table, label, by)


def _empty(asked: Asked, events: Events) -> errors.XbsqlError:
    """Nothing is left to learn from."""
    problem = "; ".join((f"no event is left of {asked.data.num_rows} rows", *events.notes))
    return errors.invalid(asked.where, problem, "give rows with a user and an item")


def _as_at_home(home: Recommender | None, asked: Asked) -> dict[str, str]:
    """The columns that the home model read, where the target has them too."""
    if home is None:
        return {}
    read = {name: getattr(home.columns, name) for name in ("user", "ts", "weight")}
    return {name: column for name, column in read.items() if column in asked.data.column_names}


TASK: Final = Recommending()
