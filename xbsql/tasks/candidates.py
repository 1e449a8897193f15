"""The candidates of a classification, for text, for columns and for rows of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, get_args

from xbsql import errors
from xbsql.engine.candidate import Candidate, Entry, Family
from xbsql.engine.candidates.feature import source_score
from xbsql.engine.candidates.linear import Linear, LinearPredictor
from xbsql.engine.candidates.process import Process
from xbsql.engine.candidates.tables import Tables, table_candidates, target_only
from xbsql.engine.design import Layout
from xbsql.tasks import text_candidates as text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xbsql.engine.candidate import Sample, Source
    from xbsql.features.views import Features
    from xbsql.tasks.classifier import Classifier
    from xbsql.tasks.options import Options
    from xbsql.tasks.reader import Reader

Entrant = TypeVar("Entrant", bound=Entry)

BESIDE_TEXT = 0.3
"""The prior of candidates that read only the columns, where there is text as well."""

HOLDS_ROWS = (":process", ":neighbours")
"""Learners whose predictors hold embeddings of their training rows."""


def home_candidates(
    x: Features, classes: int, categorical: tuple[int, ...], options: Options
) -> list[Candidate]:
    """What can be fitted on one market's rows alone."""
    found: list[Candidate] = []
    if "text" in x:
        found += text.target_only(text.Texts(classes, x.take(slice(0, 0))))
    if "table" in x:
        found += _mixed(target_only(Tables(classes, categorical)), beside_text="text" in x)
    if "text" in x and "table" in x:
        found.append(text.alone("target_only:both", _both(classes)))
    return _allowed(found, options)


def transfer_candidates(
    pool: Features,
    classes: int,
    reader: Reader,
    source: Source,
    home: Classifier,
    names: Sample | None,
    options: Options,
) -> list[Candidate]:
    """What can be tried on the target.

    Args:
        pool: its rows without a label.
        classes: how many, over both markets.
        reader: of the target.
        source: the home market.
        home: its model, whose classes are the first ones.
        names: class names as labelled rows.
        options: of the user.
    """
    found: list[Candidate] = []
    if reader.text:
        texts = text.Texts(classes, pool, names)
        line = home.part(LinearPredictor)
        found += text.text_candidates(
            texts, source, home.part(Process), line if line and line.design.layout == text.TEXT else None
        )
    if reader.pooled and source.sample is not None:
        found.append(text.fine_tuned(classes))
    if reader.table.columns:
        tables = table_candidates(Tables(classes, reader.table.categorical), source)
        taken = {candidate.name for candidate in found}
        fresh = [candidate for candidate in tables if candidate.name not in taken]
        found += _mixed(fresh, beside_text=bool(reader.text))
    if reader.text and reader.table.columns:
        found.append(text.alone("target_only:both", _both(classes)))
        scored = Linear(Layout(("source", "table", "text"), reader.table.categorical), classes, penalty=3.0)
        found.append(source_score(scored, "source_score:both"))
    return _allowed(found, options)


def restricted(where: str, candidates: Sequence[Entrant], method: str) -> list[Entrant]:
    """The candidates of a family or of one name; target-only ones always stay, to compare with.

    Raises:
        XbsqlError: no such family or candidate.
    """
    if method == "auto":
        return list(candidates)
    chosen = [c for c in candidates if method in (c.family, c.name)]
    if not chosen:
        names = ["auto", *get_args(Family), *(c.name for c in candidates)]
        if method in names:
            raise errors.invalid(where, f"no candidate of the family '{method}' serves here", "use 'auto'")
        raise errors.unknown(where, "method", method, names)
    return [c for c in candidates if c in chosen or c.family == "target"]


def _both(classes: int) -> Linear:
    return Linear(Layout(("table", "text")), classes, penalty=3.0)


def _mixed(found: list[Candidate], *, beside_text: bool) -> list[Candidate]:
    if not beside_text:
        return found
    return [replace(c, prior=BESIDE_TEXT * c.prior, pooled=False) for c in found]


def _allowed(found: list[Candidate], options: Options) -> list[Candidate]:
    return [c for c in found if options.keep_rows or not c.name.endswith(HOLDS_ROWS)]
