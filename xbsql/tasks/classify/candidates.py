"""The candidates of a classification, for text, for columns and for rows of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xbsql.engine.candidate import Candidate, Sample, Source
from xbsql.engine.candidates.centred import Centred, Centring
from xbsql.engine.candidates.feature import source_score
from xbsql.engine.candidates.linear import Linear, LinearPredictor
from xbsql.engine.candidates.process import Process
from xbsql.engine.candidates.tables import Tables, table_candidates, target_only
from xbsql.engine.design import Layout
from xbsql.engine.held_out import many
from xbsql.tasks.candidates import TEXT, alone
from xbsql.tasks.classify import many_classes
from xbsql.tasks.classify import picture_candidates as looks
from xbsql.tasks.classify import text_candidates as text

if TYPE_CHECKING:
    from xbsql.tasks.classify.classifier import Classifier
    from xbsql.tasks.classify.options import ClassifyOptions
    from xbsql.tasks.row_problem import RowProblem

    Problem = RowProblem[ClassifyOptions, Classifier]

BESIDE_TEXT = 0.3
"""The prior of candidates that read only the columns, where there is text as well."""

LOOKS = Layout(("picture",))
LOOKS_PENALTY = 1 / 30
"""Of a line over pictures: they have length one and many numbers."""

HOLDS_ROWS = (
    ":process", ":neighbours", ":pictures", ":prototypes", ":icons", ":separated", ":product", "taught:nodes",
)  # fmt: skip
"""Learners whose predictors hold embeddings of their training rows."""


def home_candidates(problem: Problem) -> list[Candidate]:
    """What can be fitted on one market's rows alone."""
    x, classes = problem.sample.x, _count(problem)
    found: list[Candidate] = []
    if of_many(problem):
        return allowed(many_classes.at_home(classes, len(problem)), problem.options)
    if "text" in x:
        found += text.target_only(text.Texts(classes, x.take(slice(0, 0))))
    if "picture" in x:
        found += _pictures(problem, [])
    if "table" in x:
        found += _mixed(target_only(_tables(problem)), beside_text="text" in x or "picture" in x)
    if "text" in x and "table" in x:
        found.append(alone("target_only:both", _both(classes)))
    return allowed(found, problem.options)


def transfer_candidates(problem: Problem) -> list[Candidate]:
    """What can be tried on the target with its home model, and with home's rows where they may be read."""
    reader, source, home, classes = problem.reader, problem.origin, problem.home, _count(problem)
    if source is None or home is None:
        return home_candidates(problem)
    found: list[Candidate] = []
    if of_many(problem):
        line = home.part(LinearPredictor)
        line = line if line and line.design.layout == TEXT else None
        return allowed(many_classes.abroad(classes, len(problem), source, line), problem.options)
    if reader.text:
        texts = text.Texts(classes, problem.pool, _named(problem))
        line = home.part(LinearPredictor)
        found += text.text_candidates(
            texts, source, home.part(Process), line if line and line.design.layout == TEXT else None
        )
    if reader.pooled and source.sample is not None:
        found.append(text.fine_tuned(classes))
    if reader.pictures:
        found += _carried_pictures(problem, source, home.parts(Centred))
    if reader.table.columns:
        tables = table_candidates(_tables(problem), source)
        taken = {candidate.name for candidate in found}
        fresh = [candidate for candidate in tables if candidate.name not in taken]
        found += _mixed(fresh, beside_text=bool(reader.text or reader.pictures))
    if reader.text and reader.table.columns:
        found.append(alone("target_only:both", _both(classes)))
        scored = Linear(Layout(("source", "table", "text"), reader.table.categorical), classes, penalty=3.0)
        found.append(source_score(scored, "source_score:both"))
    return allowed(found, problem.options)


def of_many(problem: Problem) -> bool:
    """Whether there are so many classes of texts that only what is made for many takes part."""
    rows = len(problem) if problem.home is None else len(problem) + len(problem.pool.views and problem.pool)
    return bool(problem.reader.text) and many(rows, _count(problem))


def many_notes(problem: Problem) -> list[str]:
    """What takes part where classes are many, and what is not read then; one line."""
    found = problem.candidates() if of_many(problem) else []
    if len(found) < 2:
        return []
    names, columns = ", ".join(c.name for c in found), [c.name for c in problem.reader.table.columns]
    unread = f"; beside the text {', '.join(columns)} are not read" if columns else ""
    return [f"{_count(problem)} classes: what is made for many takes part ({names}){unread}"]


def _pictures(problem: Problem, parts: list[Centred]) -> list[Candidate]:
    """Those that read pictures; where no row may leave its market a line in place of those that hold rows."""
    classes = _count(problem)
    if problem.options.keep_rows:
        titled, labelled = bool(problem.reader.text), len(problem) > 0
        kind = looks.Pictures(classes, problem.pool, text=titled, labels=labelled)
        return looks.picture_candidates(kind, parts, problem.home.part(Process) if problem.home else None)
    return [alone("target_only:looks", Centring(Linear(LOOKS, classes, LOOKS_PENALTY)))]


def _carried_pictures(problem: Problem, source: Source, parts: list[Centred]) -> list[Candidate]:
    """The same abroad, with the home model's word where no text has it already, and fine-tuned if asked."""
    classes, reader, found = _count(problem), problem.reader, list[Candidate]()
    if not reader.text:
        found += text.from_model(text.Texts(classes, problem.pool), source, only_model=False)
    found += _pictures(problem, parts)
    if reader.maps:
        found.append(looks.fine_tuned(reader.network, classes))
    return found


def _tables(problem: Problem) -> Tables:
    table = problem.reader.table
    return Tables(_count(problem), table.categorical, len(table.names))


def _count(problem: Problem) -> int:
    return len(problem.classes or ())


def _named(problem: Problem) -> Sample | None:
    """The class names that the user gave as labelled rows; None without names or where no text is read."""
    named, reader, classes = problem.options.classes, problem.reader, problem.classes or ()
    if not named or not reader.text:
        return None
    pairs = [(name, classes.index(key)) for key, names in named.items() for name in names]
    columns = {column: pa.nulls(len(pairs), pa.string()) for column in reader.text}
    columns[reader.text[0]] = pa.array([name for name, _ in pairs], pa.string())
    return Sample(reader.read(pa.table(columns)), np.array([code for _, code in pairs], np.int64))


def _both(classes: int) -> Linear:
    return Linear(Layout(("table", "text")), classes, penalty=3.0)


def _mixed(found: list[Candidate], *, beside_text: bool) -> list[Candidate]:
    if not beside_text:
        return found
    return [replace(c, prior=BESIDE_TEXT * c.prior, pooled=False) for c in found]


def allowed(found: list[Candidate], options: ClassifyOptions) -> list[Candidate]:
    """Those whose predictors hold no row, where none may leave its market."""
    return [c for c in found if options.keep_rows or not c.name.endswith(HOLDS_ROWS)]
