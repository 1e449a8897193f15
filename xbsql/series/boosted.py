"""One LightGBM for all series of a market, or of two: quantiles of what follows, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

import lightgbm as lgb
import numpy as np
from scipy.special import ndtri

from xbsql.engine.booster_kept import kept_text
from xbsql.engine.booster_text import loadable, stored_text
from xbsql.series.fan import COLUMNS, SCORES, fan_of, mean_of
from xbsql.series.history import ahead, is_demand, least_of
from xbsql.series.home import FACTS, Home
from xbsql.series.rules import Recent, Seasonal
from xbsql.series.windows import rows_of
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.series.method import Known
    from xbsql.series.read.series import Series
    from xbsql.series.windows import Rule

    Floats = NDArray[np.float64]

LEARNED: Final = (0.025, 0.165, 0.5, 0.835, 0.975, 0.995)
"""Quantiles with trees of their own; the three others lie on the line between them in normal scores."""
MOST_ORIGINS: Final = 8
MOST_ROWS, MOST_HOME_ROWS = 80_000, 12_000
"""Rows that are learned from; fewer of home's, which stand beside the target's."""
SMALLEST_WINDOW: Final = 1
FEWEST_ROWS: Final = 50
WIDEST: Final = 30.0
"""Values beyond so many units of movement count as that far: one promotion shall not be the lesson."""


@restorable("series_boosted")
@dataclass(frozen=True)
class BoostedFans:
    """Trees over scaled lags, means, seasons and facts of home; each step is a row.

    The unit and the centre of a series are its own, so trees of one market serve another.

    Attributes:
        texts: LightGBM models, one a learned quantile.
        rule: gives the centre.
        season: lengths of the cycles.
        home: facts of products at home; None where nothing is read of it.
        amounts: whether fans end at 0.
        least: the unit of a history of zeros, that of a small value of the target.
    """

    texts: tuple[str, ...]
    rule: Rule
    season: tuple[int, ...]
    home: Home | None
    amounts: bool
    least: float = 1.0

    @cached_property
    def boosters(self) -> list[lgb.Booster]:
        """The trees; read-only."""
        return [lgb.Booster(model_str=loadable(text)) for text in self.texts]

    def fan(self, history: Series, horizon: int) -> Floats:
        """Fan of shape (n, horizon, 10); NaN for a series without a value."""
        if not len(history):
            return np.empty((0, horizon, COLUMNS))
        rows = rows_of(history, horizon, self.season, self.rule, facts_of(self.home, history), self.least)
        found = [np.asarray(b.predict(rows.x, num_threads=1), np.float64) for b in self.boosters]
        told = np.stack(found, axis=1).reshape(len(history), horizon, -1)
        values = rows.centre[:, :, None] + told * rows.scale[:, None, None]
        nine = _nine(np.sort(values, axis=-1))
        fan = fan_of(nine, mean_of(nine))
        fan = np.maximum(fan, 0.0) if self.amounts else fan
        return np.where((history.lengths > 0)[:, None, None], fan, np.nan)

    def state(self) -> State:
        """The forecaster as data."""
        rule = self.rule.state()
        config = {"season": list(self.season), "amounts": self.amounts, "least": self.least}
        parts = {"rule": rule} if self.home is None else {"rule": rule, "home": self.home.state()}
        texts = {f"model{i}": text for i, text in enumerate(self.texts)}
        return State("series_boosted", config, texts=texts, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The forecaster again."""
        texts = tuple(stored_text(state.texts[f"model{i}"]).text for i in range(len(LEARNED)))
        home = restore(state.parts["home"]) if "home" in state.parts else None
        config = state.config
        rule, season = restore(state.parts["rule"]), tuple(config["season"])
        return cls(texts, rule, season, home, config["amounts"], config.get("least", 1.0))


class Lesson(NamedTuple):
    """Rows to learn from: features, values told like them, and how much each counts."""

    x: NDArray[np.float32]
    y: Floats
    weight: Floats


def fit_boosted(known: Known, markets: Literal["own", "pooled", "home"]) -> BoostedFans | Rule:
    """Learn from the target's windows, from home's, or from both, each market then counting as much.

    Facts of home are read where home teaches. Steps that no window of the history reaches are forecast like
    the last one that is. Fewer than 50 rows grow no trees: the rule that would be their centre serves.
    """
    rule, told = centre_of(known.target, known.season), markets != "own" and known.home is not None
    lessons = []
    if markets != "home":
        lessons.append(lesson_of(known.target, known, rule, known.home if told else None, MOST_ROWS))
    if told and known.home is not None:
        lessons.append(lesson_of(known.home, known, rule, known.home, MOST_HOME_ROWS))
    most = max(len(lesson.y) for lesson in lessons)
    weights = [lesson.weight * (most / max(len(lesson.y), 1)) for lesson in lessons]
    x, y = np.concatenate([lesson.x for lesson in lessons]), np.concatenate([lesson.y for lesson in lessons])
    if len(y) < FEWEST_ROWS:
        return rule
    texts = _trees(Lesson(x, y, np.concatenate(weights)), known.seed)
    home = Home.of(known.home) if told and known.home is not None else None
    return BoostedFans(
        texts, rule, tuple(known.season), home, is_demand(known.target), least_of(known.target)
    )


def facts_of(home: Home | None, series: Series) -> Floats:
    """What home says of each series; no column where nothing is read of it."""
    return np.zeros((len(series), 0)) if home is None else home.facts(series.names)[:, :FACTS]


def centre_of(series: Series, season: Sequence[int]) -> Rule:
    """The simple rule with the smallest scaled absolute error one horizon before the end of the histories."""
    if not season and is_demand(series) and (series.y == 0).mean() > 0.05:
        return Recent(8)
    usable = [s for s in season if np.median(series.lengths) >= 3 * s]
    return Seasonal(usable[0]) if usable and usable[0] <= 31 else _plain(series)


def _plain(series: Series) -> Rule:
    """The last value, or where series jump about a mean the mean of the last eight."""
    return Recent(8) if is_demand(series) and (series.y == 0).mean() > 0.05 else Seasonal(1)


def lesson_of(series: Series, known: Known, rule: Rule, home: Series | None, most_rows: int) -> Lesson:
    """Windows of a market that end before its last value, and what followed each."""
    generator = np.random.default_rng(known.seed)
    parts: list[tuple[NDArray[np.float32], Floats]] = []
    for held_out in origins_of(series, known.horizon):
        cut = series.until(held_out)
        usable = np.flatnonzero(cut.lengths >= SMALLEST_WINDOW)
        most = max(most_rows // (MOST_ORIGINS * known.horizon), 1)
        if len(usable) > most:
            usable = np.sort(generator.choice(usable, most, replace=False))
        steps = min(held_out, known.horizon)
        chosen = cut.take(usable)
        facts = facts_of(None if home is None else Home.of(home.until(held_out)), chosen)
        rows = rows_of(chosen, steps, known.season, rule, facts, least_of(series))
        told = (ahead(series, held_out, steps)[usable] - rows.centre) / rows.scale[:, None]
        parts.append((rows.x, told.ravel()))
    x, y = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    there = np.isfinite(y)
    return Lesson(x[there], np.clip(y[there], -WIDEST, WIDEST), np.ones(int(there.sum())))


def origins_of(series: Series, horizon: int) -> list[int]:
    """How many values each origin holds out: from one horizon on, and no more than the history allows.

    Where half a usual history is shorter than the horizon the first origin is there.
    """
    usual = int(np.median(series.lengths[series.lengths > 0])) if len(series.y) else 0
    first = max(min(horizon, usual // 2), 1)
    last = max(usual - SMALLEST_WINDOW, first)
    last = min(last, first + MOST_ORIGINS * max(horizon * 5 // 8, 1))
    found = np.unique(np.linspace(first, last, MOST_ORIGINS).round().astype(int))
    return [int(held_out) for held_out in found]


def _trees(lesson: Lesson, seed: int) -> tuple[str, ...]:
    """One model a learned quantile."""
    n = len(lesson.y)
    shared = {"verbosity": -1, "feature_pre_filter": False, "max_bin": 63, "num_threads": 1}
    data = lgb.Dataset(lesson.x, lesson.y, weight=lesson.weight, params=shared, free_raw_data=False)
    parameters = {
        **shared,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "learning_rate": 0.08,
        "num_leaves": int(np.clip(n / 500, 5, 31)),
        "min_data_in_leaf": int(np.clip(n / 100, 10, 60)),
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
    }
    rounds = int(np.clip(n / 200, 40, 120))
    aims: list[dict[str, Any]] = [{"objective": "quantile", "alpha": quantile} for quantile in LEARNED]
    grown = (lgb.train({**parameters, **aim}, data, num_boost_round=rounds) for aim in aims)
    return tuple(kept_text(booster) for booster in grown)


def _nine(learned: Floats) -> Floats:
    """The nine quantiles of a fan from the learned ones."""
    at = ndtri(np.array(LEARNED))
    right = np.clip(np.searchsorted(at, SCORES), 1, len(at) - 1)
    share = (SCORES - at[right - 1]) / (at[right] - at[right - 1])
    return np.asarray(learned[..., right - 1] + share * (learned[..., right] - learned[..., right - 1]))
