"""What candidates are tried on where the home market knows labelled target rows: home without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from xbsql.engine.blend import Blend
from xbsql.engine.candidate import Sample
from xbsql.engine.candidates.process import Process
from xbsql.engine.design import dense
from xbsql.engine.transfer import NO_SOURCE
from xbsql.engine.twins import Twins, twins
from xbsql.features.views import Features, stack
from xbsql.tasks.row_model import RowModel
from xbsql.tasks.seen import on_both_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from xbsql.engine.candidate import Candidate, Predictor, Source
    from xbsql.tasks.seen import Both

FEWEST_LEFT = 30
"""Home rows that must be left for the home model to be fitted again."""

MOST_LOST = 0.2
"""Share of the home rows that a home may lack for what is measured with it: more would show."""

MOST_PARTS = 4

MANY_OTHERS = 0.3
"""Share of the twins with another class from which on it is told: some pairs are no twins, some labels
slips."""

M = TypeVar("M", bound=RowModel)


class Known(NamedTuple):
    """What home knows of the labelled target rows.

    Attributes:
        copies: bool, shape (n,): rows that the home model, or the home rows, hold themselves.
        at_home: how many home rows are at hand, m of them; 0 where the home model alone is.
        both: home rows that are labelled rows; None where only the model says so.
        twins: home rows that are the same product in another language; None where there are none.
        others: how many labelled rows have twins of other classes alone.
    """

    copies: NDArray[np.bool_]
    at_home: int = 0
    both: Both | None = None
    twins: Twins | None = None
    others: int = 0

    def left(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Home rows that know none of these labelled rows; bool, shape (m,)."""
        found = np.ones(self.at_home, bool)
        for known in (self.both, self.twins):
            if known is not None:
                found &= ~known.of(rows)
        return found

    def parts(self, seed: int) -> list[NDArray[np.bool_]]:
        """The labelled rows in parts, so many that home loses little with each; bool, shape (n,)."""
        n = len(self.copies)
        lost = self.at_home - int(self.left(np.ones(n, bool)).sum())
        count = min(MOST_PARTS, max(1, int(np.ceil(lost / max(MOST_LOST * self.at_home, 1)))))
        part = np.random.default_rng(seed).permutation(n) % count
        return [part == number for number in range(count)]

    @property
    def nothing(self) -> bool:
        """Whether home knows none of them."""
        return not self.copies.any() and self.twins is None

    @property
    def apart(self) -> bool:
        """Whether home rows enough for a model are left without them."""
        return int(self.left(np.ones(len(self.copies), bool)).sum()) >= FEWEST_LEFT


def home_rows(home: RowModel, origin: Source) -> Sample | None:
    """The home rows as the target's reader sees them: those given, else those that a text model holds."""
    if origin.sample is not None:
        return origin.sample
    held = None if home.reader.table.columns else home.part(Process)
    return None if held is None else Sample(held.rows, held.y)


def known_at_home(
    table: pa.Table, label: str, home: RowModel, source: pa.Table | None, views: tuple[Features, Features],
    rows: Sample | None, classes: NDArray[np.int64] | None = None,
) -> Known:  # fmt: skip
    """What home knows of the labelled rows: by their values, and by what their texts mean.

    Args:
        table: the n labelled rows under the home market's names.
        label: the label column.
        home: the home model.
        source: the labelled home rows; None where they may not be read.
        views: of the labelled rows, and of all other target rows.
        rows: see `home_rows`.
        classes: of the labelled rows, coded as home's are; None where labels are values.
    """
    copies = np.zeros(table.num_rows, bool) if home.seen is None else home.seen.among(table, label)
    if rows is None or not len(copies):
        return Known(copies)
    both = None if source is None else on_both_sides(source, table)
    copies = copies if both is None else copies | both.target
    found = twins_at_home(*views, rows)
    others = 0 if found is None or classes is None else int(_other_classes(found, classes, rows.y).sum())
    return Known(copies, len(rows), both, found, others)


def _other_classes(found: Twins, classes: NDArray[np.int64], home: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Labelled rows of which no twin has the class; bool, shape (n,)."""
    width = int(max(classes.max(), home.max())) + 1
    known = found.texts * width + np.asarray(home, np.int64)
    return np.asarray(found.target & ~np.isin(found.partner * width + classes, known))


def twins_at_home(own: Features, others: Features, home: Sample) -> Twins | None:
    """Home rows whose text means what a labelled row's does; None where there are none."""
    if "text" not in home.x or "text" not in own:
        return None
    everyone = stack([own, others]) if others.views and len(others) else own
    found = twins(*(np.asarray(dense(x["text"]), np.float32) for x in (own, everyone, home.x)))
    return found if found.target.any() else None


def refitted(
    home: M, candidates: Sequence[Candidate], rows: Sample, classes: tuple[str, ...] | None
) -> M | None:
    """The home model's members fitted again on some of its rows, with the weights they have.

    Args:
        home: the model.
        candidates: what can be fitted on home rows alone.
        rows: labelled home rows.
        classes: names by the codes of their labels; None where labels are values.

    Returns:
        None where the model is no blend of such candidates.
    """
    known = {candidate.name: candidate for candidate in candidates}
    if not isinstance(home.predictor, Blend) or not home.predictor.members.keys() <= known.keys():
        return None

    def fit(name: str) -> Predictor:
        return known[name].fit(NO_SOURCE, rows, rows.x)

    blend = replace(home.predictor, members={name: fit(name) for name in home.predictor.members})
    return home.refitted(blend, {name: fit(name) for name in home.spare if name in known}, classes)


def known_notes(known: Known, tried: NDArray[np.bool_] | None, arms: Sequence[str]) -> list[str]:
    """What is said of labelled rows that home knows; one line each.

    Args:
        known: what home knows.
        tried: the rows that were judged on; None: all.
        arms: names of the verdict's arms.
    """
    notes, n = [], len(known.copies)
    if known.copies.any():
        what = "they are not judged on" if tried is not None else "home is judged without them"
        notes.append(f"{known.copies.sum()} of {n} labelled rows stand at home too: {what}")
    if known.twins is not None and "home catalogue" in arms:
        notes.append(
            f"home sells {known.twins.target.sum()} of {n} labelled products too: the arms are for products "
            "that home does not sell, and 'home catalogue' is the blend for those that it sells"
        )
    elif known.twins is not None and tried is None and not known.apart:
        notes.append(
            f"home sells {known.twins.target.sum()} of {n} labelled products too, and hardly anything else: "
            "what is measured holds for the home catalogue, not for products that home does not sell"
        )
    sold = 0 if known.twins is None else int(known.twins.target.sum())
    if sold and known.others >= MANY_OTHERS * sold:
        notes.append(
            f"{known.others} of {sold} labelled products that home sells too have another class there: do "
            "the classes mean the same in both markets?"
        )
    return notes
