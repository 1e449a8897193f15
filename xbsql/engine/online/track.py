"""What a model's experts lost on the labels that came in, in the order of their moments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from xbsql.engine.online.adwin import Adwin
from xbsql.engine.online.hedge import SHARE, fixed_share
from xbsql.store.model import State, restorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.metrics.rows import Floats

KEPT = 4000
"""Units whose losses are kept; twice as many are cut down to so many, oldest first."""

AS_PROMOTED = 0.5
"""Prior of the blend with the weights it was promoted with; its members share the rest."""

LEAST = 0.02
"""Prior of a member of no weight, of what the members share."""

SURE = 5.0
"""Standard errors by which the means before and after a change differ, its place being chosen among all."""


REPEATED = 256
"""Units within which further cuts belong to the same change."""


FEWEST_JUDGED = 20
"""Units that a promise is judged by."""


class Alarm(NamedTuple):
    """A change that was found.

    Attributes:
        watched: 'loss' of the model; 'gain': by how much its source helps; 'promise': how often it is right
            beside how often it said.
        unit: the place of the unit at which it was found.
        since: the place of the first unit after the change, as far as can be told.
        before: the mean of what was watched before, on a scale of 0 to 1.
        after: and after.
    """

    watched: str
    unit: int
    since: int
    before: float
    after: float


class Units(NamedTuple):
    """Labels that came in; a row of one order is a part of its unit.

    Attributes:
        moment: int64, shape (n,).
        key: int64, shape (n,): which row it is, whatever its label.
        label: int64, shape (n,): hash of its label.
        losses: float64, shape (n, K).
    """

    moment: NDArray[np.int64]
    key: NDArray[np.int64]
    label: NDArray[np.int64]
    losses: Floats

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Units:
        """Some of them."""
        return Units(self.moment[rows], self.key[rows], self.label[rows], self.losses[rows])

    def beside(self, others: Units) -> Units:
        """Both, sorted."""
        whole = [np.concatenate(pair) for pair in zip(self[:3], others[:3], strict=True)]
        losses = np.concatenate([self.losses, others.losses])
        return Units(whole[0], whole[1], whole[2], losses).sorted()

    def sorted(self) -> Units:
        """By their moments, then by their keys: the order in which they came counts for nothing."""
        return self.take(np.lexsort((self.label, self.key, self.moment)))


@restorable("track")
@dataclass(frozen=True)
class Track:
    """All that is known of how a version's experts did since it was fitted; no row and no value.

    Experts are the members of the blend, and last the blend with the weights that it was fitted with.
    The history is replayed as a whole, so late labels and labels in any order give the same weights.

    Attributes:
        names: the members.
        fitted: their weights in the blend as it was fitted, shape (K - 1,), sum to 1.
        own: which members use no source, bool, shape (K - 1,).
        scale: what losses are divided by; 0 while there are none.
        usual: the median loss of the blend when the first labels came, for alarms.
        units: sorted.
        start: weights before the first unit kept, shape (K,).
        secret: of the hashes, hexadecimal.
        used: int64, ascending: keys of every label that came in, kept or not.
        gone: moment of the newest unit that is no longer kept; None while all are.
        began: moment of the last change that the version was fitted again for; None: of none.
        learnt: int64, shape (2, m): keys of the rows that it was fitted again on, and hashes of their labels.
    """

    names: tuple[str, ...]
    fitted: Floats
    own: NDArray[np.bool_]
    scale: float
    usual: float
    units: Units
    start: Floats
    secret: str
    used: NDArray[np.int64]
    gone: int | None = None
    began: int | None = None
    learnt: NDArray[np.int64] = field(default_factory=lambda: np.empty((2, 0), np.int64))

    @classmethod
    def begun(
        cls, names: Sequence[str], fitted: Floats, own: NDArray[np.bool_], secret: str,
        used: NDArray[np.int64] | None = None, began: int | None = None,
    ) -> Self:  # fmt: skip
        """A track without a label."""
        none = np.empty(0, np.int64)
        units = Units(none, none, none, np.empty((0, len(names) + 1)))
        known = none if used is None else used
        return cls(tuple(names), fitted, own, 0.0, 0.0, units, prior_of(fitted), secret, known, began=began)

    @property
    def prior(self) -> Floats:
        """Of the experts."""
        return prior_of(self.fitted)

    @cached_property
    def path(self) -> Floats:
        """The experts' weights before each unit and after the last, shape (n + 1, K)."""
        return fixed_share(self.units.losses / self.scale, self.prior, self.start, SHARE)

    @property
    def weights(self) -> Floats:
        """The members' weights now, shape (K - 1,): their own and their part of the blend's."""
        last = self.path[-1]
        return np.asarray(last[:-1] + last[-1] * self.fitted)

    def with_units(self, fresh: Units, keys: NDArray[np.int64], scale: float = 1.0) -> Self:
        """The track with further labels; one of a known key takes the place of the earlier one.

        Args:
            fresh: at least one.
            keys: of all rows that they are made of.
            scale: see the attribute; counts where it is not known yet.
        """
        kept = self.units.take(~np.isin(self.units.key, fresh.key))
        both = kept.beside(fresh)
        usual = self.usual or float(np.median(both.losses[:, -1]))
        used = np.union1d(self.used, keys)
        found = replace(self, units=both, usual=usual, used=used, scale=self.scale or scale)
        return found.shortened() if len(both.key) > 2 * KEPT else found

    def shortened(self) -> Self:
        """Without the oldest units: their effect on the weights stays."""
        cut = len(self.units.key) - KEPT
        gone, kept = int(self.units.moment[cut - 1]), np.arange(cut, len(self.units.key))
        return replace(self, units=self.units.take(kept), start=self.path[cut], gone=gone)

    def alarms(self) -> list[Alarm]:
        """The changes for the worse, see `watched`; the first of each run of cuts."""
        found = []
        bounded = self.units.losses / (self.units.losses + max(self.usual, 1e-12))
        found += watched("loss", bounded[:, -1])
        if self.own.any() and not self.own.all():
            share = self.fitted[self.own]
            share = share / share.sum() if share.sum() else np.full(len(share), 1.0 / len(share))
            alone = bounded[:, :-1][:, self.own] @ share
            found += watched("gain", 0.5 + 0.5 * (bounded[:, -1] - alone))
        return sorted(found, key=lambda alarm: alarm.unit)

    def check(self, members: Sequence[str]) -> None:
        """Refuse a track that is not one of a blend of these members.

        Raises:
            ValueError: names or shapes do not agree.
        """
        n, width = len(self.units.moment), len(members) + 1
        shapes = [(len(each),) for each in self.units[:3]] + [self.units.losses.shape, self.start.shape]
        if list(self.names) != list(members) or shapes != [(n,)] * 3 + [(n, width), (width,)]:
            message = f"{len(self.names)} experts and {len(members)} members"
            raise ValueError(message)

    def state(self) -> State:
        """The track as data."""
        config = {
            "names": list(self.names), "scale": self.scale, "usual": self.usual, "gone": self.gone,
            "secret": self.secret, "began": self.began, "holds": "losses and keyed hashes of labelled rows",
        }  # fmt: skip
        own = self.own.astype(np.uint8)
        moment, key, label, losses = self.units
        arrays: dict[str, NDArray[np.generic]] = {
            "fitted": self.fitted, "own": own, "start": self.start, "used": self.used, "moment": moment,
            "key": key, "label": label, "losses": losses, "learnt": self.learnt,
        }  # fmt: skip
        return State("track", config, arrays)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The track again."""
        config, arrays = state.config, state.arrays
        moment, key, said = (np.asarray(arrays[name], np.int64) for name in ("moment", "key", "label"))
        units = Units(moment, key, said, np.asarray(arrays["losses"], np.float64))
        fitted, start = (np.asarray(arrays[name], np.float64) for name in ("fitted", "start"))
        return cls(
            tuple(config["names"]), fitted, arrays["own"].astype(bool), config["scale"], config["usual"],
            units, start, config["secret"], np.asarray(arrays["used"], np.int64), config["gone"],
            config["began"], np.asarray(arrays.get("learnt", np.empty((2, 0))), np.int64),
        )  # fmt: skip


def prior_of(fitted: Floats) -> Floats:
    """The prior of members with these weights and, last, of their blend."""
    members = np.maximum(fitted, LEAST)
    return np.append((1.0 - AS_PROMOTED) * members / members.sum(), AS_PROMOTED)


def watched(name: str, values: Floats) -> list[Alarm]:
    """Where the mean of values in 0 .. 1 rose for good: found by ADWIN, placed by least squares.

    Args:
        name: of what is watched.
        values: shape (n,), in order.
    """
    window, cuts = Adwin(), list[int]()
    runs: list[int] = []
    for unit, value in enumerate(values.tolist()):
        if window.update(value):
            if not cuts or unit - cuts[-1] > REPEATED:
                runs.append(unit)
            cuts.append(unit)
    found, begin = list[Alarm](), 0
    for unit, following in pairwise([*runs, len(values)]):
        since = begin + turned(values[begin:following])
        sides = values[begin:since], values[since:following]
        before, after = (float(side.mean()) for side in sides)
        error = np.sqrt(sum(side.var() / len(side) for side in sides))
        if abs(after - before) < SURE * error:  # what is left of a change that was told already
            continue
        begin = since
        if after > before:
            found.append(Alarm(name, unit, since, before, after))
    return found


def turned(values: Floats) -> int:
    """The cut that leaves the least squares around the means of both sides; shape (n,), n >= 2."""
    left = np.arange(1, len(values))
    right = len(values) - left
    upto = np.cumsum(values)[:-1]
    apart = upto / left - (values.sum() - upto) / right
    return int(np.argmax(apart**2 * left * right)) + 1


def broken(kept: Floats, expected: Floats, tried: int) -> int | None:
    """Where a model stopped to keep its promise, among units in order; None where it keeps it.

    Args:
        kept: 0 to 1, shape (n,): whether the answer was right; of a unit of several rows the share.
        expected: the probability of that.
        tried: how many labels the promise rests on.

    Returns:
        The place of the first unit after the change: 0 where none of them keeps it.
    """
    if len(kept) < FEWEST_JUDGED or _short(kept, expected, tried) < SURE:
        return None
    cut = turned(expected - kept)
    calm = cut >= FEWEST_JUDGED and _short(kept[:cut], expected[:cut], tried) < SURE / 2
    return cut if calm else 0


def _short(kept: Floats, expected: Floats, tried: int) -> float:
    """Standard errors by which fewer promises were kept than were made."""
    share = float(np.clip(expected.mean(), 0.02, 0.98))
    error = np.sqrt(share * (1.0 - share) * (1.0 / len(kept) + 1.0 / tried))
    return float((expected.mean() - kept.mean()) / error)
