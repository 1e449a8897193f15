"""The transferred model: candidates' predictors, averaged by their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from xbsql.features.views import Features
from xbsql.store.model import State, restorable, restore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from xbsql.engine.candidate import Predictor
    from xbsql.features.views import Matrix

LEAST_WEIGHT = 0.01
"""Members below this weight are dropped, so that prediction stays cheap."""


class SourceViews(Mapping[str, "Matrix"]):
    """Views plus 'source', the home model's prediction, which is made when it is first read.

    'source' has shape (n, classes), or (n, 1) where labels are values.
    """

    def __init__(self, x: Features, source: Predictor) -> None:
        self._x, self._source = x, source
        self._prediction: NDArray[np.float64] | None = None

    def __getitem__(self, name: str) -> Matrix:
        if name != "source" or "source" in self._x:
            return self._x[name]
        if self._prediction is None:
            prediction = self._source.predict(self._x)
            self._prediction = prediction[:, None] if prediction.ndim == 1 else prediction
        return self._prediction

    def __contains__(self, name: object) -> bool:
        return name == "source" or name in self._x.views

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._x.views if name != "source")
        yield "source"

    def __len__(self) -> int:
        return len(self._x.views) + ("source" not in self._x)

    @property
    def made(self) -> bool:
        """Whether the home model has been asked."""
        return self._prediction is not None


def with_source(x: Features, source: Predictor) -> Features:
    """The features with the view 'source'."""
    return Features(SourceViews(x, source))


def bounded(prediction: NDArray[np.float64], bounds: tuple[float, float] | None) -> NDArray[np.float64]:
    """Values held inside the bounds; None holds nothing (class probabilities)."""
    return prediction if bounds is None else np.clip(prediction, *bounds)


@restorable("blend")
@dataclass(frozen=True)
class Blend:
    """A weighted mean of predictors.

    Attributes:
        members: predictors by candidate name.
        weights: by candidate name; they sum to 1. A member of weight 0 waits for labels that speak for it,
            see `engine.online`.
        source: the home model, kept only where a member reads the view 'source'.
        bounds: range that every member's values are clipped to (regression), or None.
    """

    members: Mapping[str, Predictor]
    weights: Mapping[str, float]
    source: Predictor | None = None
    bounds: tuple[float, float] | None = None

    def predict(self, x: Features) -> NDArray[np.float64]:
        """Class probabilities, shape (n, classes), or values, shape (n,)."""
        return sum_of(self.parts(x, [name for name in self.members if self.weights[name] > 0]), self.weights)

    def parts(self, x: Features, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        """What each member predicts, or some of them, by name; shapes as of `predict`."""
        if self.source is not None and "source" not in x:
            x = with_source(x, self.source)
        asked = self.members if names is None else names
        return {name: bounded(self.members[name].predict(x), self.bounds) for name in asked}

    def rounded(self) -> Self:
        """The blend with wider bounds, from which the least and the largest label do not follow.

        They are moved outwards to multiples of the power of ten below their distance.
        """
        if self.bounds is None or self.bounds[0] == self.bounds[1]:
            return self
        lo, hi = self.bounds
        unit = 10.0 ** np.floor(np.log10(hi - lo))
        return replace(self, bounds=(float(np.floor(lo / unit) * unit), float(np.ceil(hi / unit) * unit)))

    def state(self) -> State:
        """The blend as data."""
        names = list(self.members)
        parts = {f"member{i}": self.members[name].state() for i, name in enumerate(names)}
        if self.source is not None:
            parts["source"] = self.source.state()
        weights = np.array([self.weights[name] for name in names])
        return State("blend", {"names": names, "bounds": self.bounds}, {"weights": weights}, parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The blend again."""
        names, bounds = state.config["names"], state.config["bounds"]
        return cls(
            {name: restore(state.parts[f"member{i}"]) for i, name in enumerate(names)},
            dict(zip(names, state.arrays["weights"].tolist(), strict=True)),
            restore(state.parts["source"]) if "source" in state.parts else None,
            None if bounds is None else (float(bounds[0]), float(bounds[1])),
        )


def sum_of(
    predictions: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float]
) -> NDArray[np.float64]:
    """The weighted sum of predictions, added in the order of their names: the order given changes no bit."""
    first, *rest = sorted(predictions)
    total = weights[first] * predictions[first]
    for name in rest:
        total += weights[name] * predictions[name]
    return total


def blend_of(
    predictors: Mapping[str, Predictor],
    weights: Mapping[str, float],
    source: Predictor | None,
    bounds: tuple[float, float] | None,
    probe: Features,
) -> Blend:
    """The blend of the predictors that have weight.

    Args:
        predictors: by candidate name.
        weights: by candidate name; names without weight are left out.
        source: the home model, or None.
        bounds: see `Blend`.
        probe: a few rows: a member that reads the view 'source' shows it on these.
    """
    members = {name: predictors[name] for name in sorted(predictors) if weights.get(name, 0.0) > 0}
    needed = source is not None and any(_reads_source(member, probe, source) for member in members.values())
    kept = {name: weights[name] for name in members}
    return Blend(members, kept, source if needed else None, bounds)


def _reads_source(member: Predictor, probe: Features, source: Predictor) -> bool:
    bare = Features({name: probe[name] for name in probe.views if name != "source"})
    views = SourceViews(bare, source)
    member.predict(Features(views))
    return views.made
