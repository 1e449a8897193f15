"""Boosted trees on tables: LightGBM, deterministic, with settings for few rows, stored as model text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import lightgbm as lgb
import numpy as np

from xbsql.engine.booster_kept import kept_text
from xbsql.engine.booster_text import BrokenText, loadable, stored_text
from xbsql.engine.design import Layout, columns
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from xbsql.engine.candidate import Sample
    from xbsql.features.views import Features
    from xbsql.metrics.rows import Floats

ONE_THREAD_ROWS = 20_000
"""Up to so many rows a second thread costs more than it brings."""


ORDERED_ROWS = 512
"""From so many rows on they are asked in the order of a column: neighbours then take the same turns in most
trees, which the processor guesses, and a tree costs a fifth less than ordering does."""

TREE_COLUMNS = 64
"""Columns that a tree of a wide table may choose from, drawn for each tree: with 800 columns a fit takes a
quarter of the time, and trees that see different columns err in different places."""

HURRIED_ROWS = 30_000
"""From so many rows on 100 trees of twice the rate lose as little as 200: .444 for .443 and .451 for .448 of
log loss, .790 for .798 and .842 for .851 of the squared error's root, on 50,000 simulated rows."""

MANY_ROWS = 10_000
"""From so many rows on finer bins pay; below them coarse ones fit better and twice as fast."""


def splitter_of(booster: lgb.Booster) -> int:
    """The column that most splits are made on."""
    return int(booster.feature_importance("split").argmax())


def asked(
    booster: lgb.Booster, matrix: Floats, splitter: int | None, *, threads: int = 1, raw: bool = False
) -> Floats:
    """What trees say of rows, float64.

    Args:
        booster: the trees.
        matrix: shape (n, d).
        splitter: the column in whose order rows are asked, see `ORDERED_ROWS`; None: as they come.
        threads: of LightGBM.
        raw: the sum of the leaves, and not what the objective makes of it.
    """
    if splitter is None:
        return np.asarray(booster.predict(matrix, raw_score=raw, num_threads=threads), np.float64)
    order = matrix[:, splitter].argsort()
    rows = matrix.take(order, axis=0)
    ordered = np.asarray(booster.predict(rows, raw_score=raw, num_threads=threads))
    found = np.empty(ordered.shape)
    found[order] = ordered
    return found


@restorable("boosted")
@dataclass(frozen=True)
class BoostedPredictor:
    """A LightGBM model; its text predicts the same, bit for bit.

    Attributes:
        layout: the views it reads.
        classes: how many; None for values.
        model: the trees, or their text.
        width: columns of 'table' it reads, the first ones of a wider table; None reads all.
    """

    layout: Layout
    classes: int | None
    model: str | lgb.Booster
    width: int | None = None

    @cached_property
    def text(self) -> str:
        """LightGBM's own format; plain LightGBM loads it, and writes it again letter by letter."""
        if isinstance(self.model, str):
            return self.model
        return kept_text(lgb.Booster(model_str=self.model.model_to_string()))

    @cached_property
    def booster(self) -> lgb.Booster:
        """The trees; read-only."""
        return lgb.Booster(model_str=loadable(self.model)) if isinstance(self.model, str) else self.model

    @cached_property
    def splitter(self) -> int:
        """See `splitter_of`."""
        return splitter_of(self.booster)

    def predict(self, x: Features) -> Floats:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        matrix = columns(x, self.layout.views, self.width)
        if not len(matrix):
            return np.empty((0, self.classes) if self.classes else 0)
        threads = 1 if len(matrix) <= ONE_THREAD_ROWS else 2
        splitter = self.splitter if len(matrix) >= ORDERED_ROWS else None
        found = asked(self.booster, matrix, splitter, threads=threads)
        return np.stack([1.0 - found, found], axis=1) if self.classes == 2 else found

    def state(self) -> State:
        """The predictor as data."""
        config = {
            "views": list(self.layout.views),
            "categorical": list(self.layout.categorical),
            "classes": self.classes,
            "width": self.width,
        }
        return State("boosted", config, texts={"model": self.text})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The predictor again.

        Raises:
            BrokenText: the text is none, or a model of another number of classes or columns.
        """
        config = state.config
        layout, width = Layout(tuple(config["views"]), tuple(config["categorical"])), config["width"]
        found = stored_text(state.texts["model"])
        own = len(found.names)
        if found.classes != config["classes"] or (width or 0) > own:
            raise BrokenText("is a model of other classes or columns than it is said to be")
        return cls(layout, config["classes"], found.text, width)


@dataclass(frozen=True)
class Boosted:
    """Gradient boosted trees.

    Attributes:
        layout: the views it reads; 'table' comes first where there are categories.
        classes: how many; None fits values.
        small: settings for few rows: smaller trees, fewer rounds, a stronger penalty.
        rounds: trees a class; None lets the number of rows decide.
        rate: the learning rate.
        leaves: of each tree; None lets the number of rows decide.
        seed: of feature and row sampling.
    """

    layout: Layout
    classes: int | None
    small: bool = False
    rounds: int | None = None
    rate: float = 0.05
    leaves: int | None = None
    seed: int = 0

    def fit(self, sample: Sample, start: BoostedPredictor | None = None) -> BoostedPredictor:
        """Fit on the rows of one sample; with `start` its trees come first and new ones are added.

        New trees read the columns that those of `start` read, and none that a wider table has beside them.
        As in a line the source's score may be passed over but not turned round (LightGBM can hold that for
        values and two classes).
        """
        width = sample.x["table"].shape[1] if "table" in self.layout.views else None
        width = start.width if start else width
        data = self._bins(sample, width) if start is None else self._own(sample, width)
        booster = lgb.train(
            self._parameters(sample, width),
            data,
            num_boost_round=self.rounds or rounds_for(len(sample), small=self.small),
            init_model=start.booster if start else None,
            keep_training_booster=True,
        )
        return BoostedPredictor(self.layout, self.classes, booster.free_dataset(), width)

    def _bins(self, sample: Sample, width: int | None) -> lgb.Dataset:
        """The rows in bins, made once for all learners that read the same of them."""
        # LightGBM cannot take weights back, and takes those of 1 for none.
        weighted = sample.weight is not None and bool((sample.weight != 1).any())
        key = ("bins", self.layout, width, self.seed, weighted)
        data: lgb.Dataset = sample.x.once(key, lambda: self._shared(sample.x, key, width)).construct()
        data.set_label(np.asarray(sample.y, np.float64))
        data.set_weight(sample.weight)
        return data

    def _own(self, sample: Sample, width: int | None) -> lgb.Dataset:
        """The same for further trees, which ask the trees before them about the rows as they are."""
        data = self._binned(sample.x, width, free_raw_data=False)
        data.label, data.weight = np.asarray(sample.y, np.float64), sample.weight
        return data

    def _shared(self, x: Features, key: Hashable, width: int | None) -> lgb.Dataset:
        """The rows in bins; of a part of other rows in the bins of these, which are made once."""
        if x.part_of is None:
            return self._binned(x, width)
        whole, rows = x.part_of
        every: lgb.Dataset = whole.once(key, lambda: self._binned(whole, width))
        return every.subset(rows.tolist())

    def _binned(self, x: Features, width: int | None, *, free_raw_data: bool = True) -> lgb.Dataset:
        """The rows in bins, with labels of 0."""
        return lgb.Dataset(
            columns(x, self.layout.views, width),
            np.zeros(len(x)),
            categorical_feature=[place for place in self.layout.categorical if place < (width or 0)],
            params={
                "verbosity": -1,
                "feature_pre_filter": False,
                "max_bin": 63 if len(x) < MANY_ROWS else 255,
                "data_random_seed": self.seed,
            },
            free_raw_data=free_raw_data,
        )

    def _parameters(self, sample: Sample, width: int | None) -> dict[str, Any]:
        n = len(sample)
        scored = "source" in self.layout.views and self.classes in (None, 2)
        read = _read(sample, self, width)
        size = int(np.clip(n / 12, 3, 31) if self.small else np.clip(n / 130, 15, 31))
        hurried = self.small and self.rounds is None and n >= HURRIED_ROWS
        return {
            **objective_of(self.classes),
            **({"monotone_constraints": _rising(read)} if scored else {}),
            "verbosity": -1,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "learning_rate": 2 * self.rate if hurried else self.rate,
            "num_leaves": self.leaves or size,
            "min_data_in_leaf": int(np.clip(n / 20, 3, 20)) if self.small else 20,
            "lambda_l2": 3.0 if self.small else 1.0,
            "feature_fraction": min(0.8, TREE_COLUMNS / max(sum(read.values()), 1)),
            "bagging_fraction": 0.8 if n >= 10 else 1.0,
            "bagging_freq": 1,
            "cat_smooth": 10,
            "min_data_per_group": 5 if self.small else 20,
        }


def _read(sample: Sample, learner: Boosted, width: int | None) -> dict[str, int]:
    """How many columns of each view are read, see `columns`; the source's is not made for that."""
    found = {}
    for view in learner.layout.views:
        if view == "source":
            found[view] = 1 if learner.classes in (None, 2) else learner.classes
        else:
            count = int(sample.x[view].shape[1])
            found[view] = min(count, width) if view == "table" and width else count
    return found


def _rising(read: Mapping[str, int]) -> list[int]:
    """1 for the column of the source's score, 0 for the others."""
    return [int(view == "source") for view, count in read.items() for _ in range(count)]


def rounds_for(n: int, *, small: bool) -> int:
    """Trees for n rows: 100; with settings for few rows 40 to 200, and 100 again from 30,000 rows on."""
    return int(np.clip(40 + n / 6, 40, 200)) if small and n < HURRIED_ROWS else 100


def objective_of(classes: int | None) -> dict[str, Any]:
    """LightGBM's objective for so many classes, or for values."""
    if classes is None:
        return {"objective": "regression"}
    return {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
