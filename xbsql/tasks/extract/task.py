"""Attributes out of titles, and what another market's labelled titles bring to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from xbsql import errors
from xbsql.extraction.canonical import Canonical, sorts_of
from xbsql.extraction.carry import Carried, carry
from xbsql.extraction.meaning import Meaning, fit_meaning
from xbsql.extraction.names import placed, spelled
from xbsql.extraction.scoring import scored
from xbsql.extraction.titles import titles_of
from xbsql.extraction.ways import Entrant, Known
from xbsql.features.roles import kind_of
from xbsql.tasks.extract.crossing import home_titles, renamed, with_home
from xbsql.tasks.extract.measuring import measured
from xbsql.tasks.extract.model import Extraction
from xbsql.tasks.extract.options import ExtractOptions
from xbsql.tasks.extract.rows import Labelled, Read, labelled, read, refuse_absent, refuse_many
from xbsql.tasks.road import fitted_at_home
from xbsql.tasks.task import Asked, Problem, Task, mine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from xbsql.extraction.sheet import Sheet
    from xbsql.progress import Progress
    from xbsql.store.model import Model

SURE: Final = 2.5
"""Standard errors from which on home is said to help or to hurt at an attribute."""


@dataclass(frozen=True)
class ExtractProblem(Problem[Entrant, Carried, Extraction]):
    """Titles of one market, or of a target with a source.

    Attributes:
        asked: what the user asked for.
        options: of the user, checked.
        rows: the labelled titles.
        known: what there is to learn from.
    """

    asked: Asked
    options: ExtractOptions
    rows: Labelled
    known: Known
    metric = "f1"

    def __len__(self) -> int:
        """How many labelled titles there are."""
        return len(self.rows.sheet.titles)

    def candidates(self) -> list[Entrant]:
        """The ways to find values."""
        return self.known.ways()

    def weighed(self, candidates: Sequence[Entrant], progress: Progress) -> Carried:
        """The ways, tried on titles that they do not know."""
        return carry(self.known, candidates, progress)

    def model(self, found: Carried) -> Extraction:
        """The blend of the ways."""
        options = self.options
        own = {name: forms for name, forms in options.canonical.items() if forms}
        canonical = Canonical(sorts_of(found.finder.names), own, options.same, options.local)
        return Extraction(
            found.finder, options.text, options.kind, self.asked.label, canonical, options.abstain,
            self.asked.market,
        )  # fmt: skip

    def scores(self, found: Carried) -> list[dict[str, Any]]:
        """F1, precision and recall of held-out titles, for what they may have and what they are asked for."""
        if found.outcome is None:
            return []
        free = scored(found.outcome.take(~found.asked))
        known = scored(found.outcome.take(found.asked))
        return [*free, *({**row, "metric": f"{row['metric']}_asked"} for row in known)]

    def notes(self, found: Carried) -> list[str]:
        """Values that are left out, and attributes at which home helps or hurts."""
        sheet, unfound = self.rows.sheet, self.rows.unfound
        counts = {
            "do not occur in their title": unfound.absent,
            "are the whole title": unfound.whole,
            "have more words than a value may": unfound.long,
        }
        left = [f"{count} values {why} and are left out" for why, count in counts.items() if count]
        home = []
        if self.known.home is not None:
            pairs = [
                (name, at) for name, at in zip(sheet.names, self.known.place.tolist(), strict=True) if at >= 0
            ]
            theirs = self.known.home.names
            said = [f"{name} = {theirs[at]}" for name, at in pairs if name != theirs[at]]
            home = [f"attributes by the meaning of their names: {', '.join(said)}"] if said else []
        weak = f"{self.rows.weak} values were found in titles by the filled cells of the same column"
        found_weak = [weak] if self.rows.weak else []
        return [*left, *found_weak, *home, *_by_attribute(sheet, found.gains)]


def _by_attribute(sheet: Sheet, gains: Mapping[int, tuple[float, float]]) -> list[str]:
    """What home does at each attribute, where that is sure."""
    found = []
    for word, sign in (("helps", 1.0), ("hurts", -1.0)):
        sure = [
            f"{sheet.names[at]} ({100 * gain:+.1f})"
            for at, (gain, error) in sorted(gains.items(), key=lambda each: -sign * each[1][0])
            if sign * gain > SURE * error > 0
        ]
        if sure:
            found.append(f"home {word} at {', '.join(sure)} right answers of 100 titles")
    return found


class Extracting(Task[Extraction, Carried]):
    """A table holds titles and values of attributes, see `read`."""

    name = "extract"
    options = ExtractOptions

    def accepts(self, schema: pa.Schema, label: str, options: Mapping[str, Any]) -> bool:
        """Texts beside columns 'title' and 'attribute', or with an option that names such columns."""
        named = bool({"attribute", "attributes"} & set(options)) or {"title", "attribute"} <= set(
            schema.names
        )
        return named and kind_of(schema.field(label).type) == "text"

    def at_home(self, asked: Asked) -> ExtractProblem:
        """The labelled titles of one market."""
        options = ExtractOptions.of(asked.where, asked.options)
        asked.step(0.0, f"reading {asked.data.num_rows} rows")
        found = read(asked.where, asked.data, asked.label, options)
        refuse_many(asked.where, found, options.attribute)
        refuse_absent(asked.where, options, found.names)
        rows = labelled(found, found.names, options)
        _refuse_empty(asked.where, asked.label, rows)
        nowhere = np.full(len(rows.sheet.names), -1)
        known = Known(
            rows.sheet, rows.kinds, rows.likely, options.seed, None, nowhere, None, meaning_of(found, options)
        )
        return ExtractProblem(asked, options, rows, known)

    def abroad(self, asked: Asked, base: Model | None, source: pa.Table | None) -> ExtractProblem:
        """The target's titles, labelled or not, and home."""
        where, label = asked.where, asked.label
        options = ExtractOptions.of(where, asked.options)
        if base is None:
            home = fitted_at_home(self, source, label, asked.options, asked.step)
        else:
            home = mine(where, base, Extraction)
        asked.step(0.0, f"reading {asked.data.num_rows} rows")
        found = read(where, asked.data, label, options)
        if not found.texts:
            raise errors.invalid(where, "the target has no title", "give its rows, labelled or not")
        refuse_many(where, found, options.attribute)
        names = found.names
        known = placed(names, home.finder.names)
        # What home knew is still known by its own name; hidden is what goes on under another.
        beside = np.flatnonzero(spelled(home.finder.names, names) < 0)
        names = [*names, *(home.finder.names[at] for at in beside.tolist())]
        refuse_absent(where, options, names)
        place = np.concatenate([known, beside]).astype(np.int64)
        own = labelled(found, names, options)
        gone = renamed(own.sheet, home, place)
        hidden = np.isin(place, list(gone)) & (np.arange(len(place)) >= len(known))
        rows = with_home(own, found, home, place, hidden, options)
        pooled = (
            None if source is None else home_titles(where, source, label, options, rows.sheet, home, place)
        )
        given = Known(
            rows.sheet,
            rows.kinds,
            rows.likely,
            options.seed,
            home.finder,
            place,
            pooled,
            meaning_of(found, options),
            hidden,
        )
        return ExtractProblem(asked, options, rows, given)

    def evaluated(self, model: Model, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
        """F1, precision and recall of the titles of a table.

        They are asked for the attributes that their rows name (f1_asked ...), and for all of their kind
        (f1 ...).

        Several values of one title and attribute are right, each. Values that do not occur in their title
        count as not found.

        Raises:
            XbsqlError: no row has a value, or `by` is none of 'attribute' and 'kind'.
        """
        where, known = "xb.evaluate", mine("xb.evaluate", model, Extraction)
        if by not in (None, "attribute", "kind"):
            raise errors.unknown(where, "group", str(by), ["attribute", "kind"], place="it is measured by")
        options = ExtractOptions(text=known.text, kind=known.kind, attributes=_wide(known, table, label))
        found = read(where, table, label, options)
        if not any(each.value for each in found.said):
            raise errors.invalid(where, f"no row has a value in column '{label}'", "give labelled rows")
        return measured(known, found, by)


def meaning_of(found: Read, options: ExtractOptions) -> Meaning:
    """Clusters of the words of all titles, labelled or not."""
    return fit_meaning(titles_of(found.texts), options.seed)


def _wide(model: Extraction, table: pa.Table, label: str) -> tuple[str, ...]:
    """The attributes that a wide table has columns of."""
    return tuple(dict.fromkeys([label, *(name for name in model.finder.names if name in table.column_names)]))


def _refuse_empty(where: str, label: str, rows: Labelled) -> None:
    if not (rows.sheet.length > 0).any():
        lost = sum(rows.unfound)
        problem = f"no value in column '{label}' is one that its title holds"
        problem += f" ({lost} do not occur in theirs)" if lost else ""
        raise errors.invalid(where, problem, "give titles with values that are written in them")


TASK: Final = Extracting()
