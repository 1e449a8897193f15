"""The candidates of a regression: trees and lines on the columns, ridge on text and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbsql.engine.candidates.feature import source_score
from xbsql.engine.candidates.instance import pooling
from xbsql.engine.candidates.linear import Linear
from xbsql.engine.candidates.parameter import recalibrated
from xbsql.engine.candidates.relation import source_only
from xbsql.engine.candidates.tables import Tables, table_candidates, target_only
from xbsql.engine.design import Layout
from xbsql.tasks.candidates import alone

if TYPE_CHECKING:
    from xbsql.engine.candidate import Candidate, Source
    from xbsql.tasks.reader import Reader

PENALTY = {"text": 1.0, "pictures": 1.0, "both": 3.0, "whole": 3.0}
"""Of a ridge: embeddings have length one and need little of it, the columns beside them more."""


def home_candidates(reader: Reader) -> list[Candidate]:
    """What can be fitted on one market's rows alone."""
    found = target_only(_tables(reader)) if reader.table.columns else []
    return found + _alone(_lines(reader))


def transfer_candidates(reader: Reader, source: Source) -> list[Candidate]:
    """What can be tried on the target.

    Args:
        reader: of the target.
        source: the home model, and the home rows where they may be read.

    Returns:
        Candidates with unique names, target-only ones among them.
    """
    lines = _lines(reader)
    if reader.table.columns:
        found = table_candidates(_tables(reader), source)
    else:
        found = [source_only(prior=0.5), recalibrated(None, "recalibrated:home")]
    found += _alone(lines)
    for name, line in lines.items():
        scored = Layout(("source", *line.layout.views), line.layout.categorical)
        found.append(source_score(Linear(scored, None, line.penalty), f"source_score:{name}"))
        if source.sample is not None:
            only = not reader.table.columns
            found.append(pooling(line, f"balanced_pool:{name}", prior=0.5, pooled=only))
    return found


def _tables(reader: Reader) -> Tables:
    return Tables(None, reader.table.categorical, len(reader.table.names))


def _alone(lines: dict[str, Linear]) -> list[Candidate]:
    return [alone(f"target_only:{name}", line) for name, line in lines.items()]


def _lines(reader: Reader) -> dict[str, Linear]:
    """The lines that read text or pictures, by the name of what they read."""
    table = ("table",) if reader.table.columns else ()
    text, looks = ("text",) if reader.text else (), ("picture",) if reader.pictures else ()
    layouts: dict[str, tuple[str, ...]] = {"text": text, "pictures": looks}
    if table and text:
        layouts["both"] = (*table, *text)
    if looks and (table or text):
        layouts["whole"] = (*table, *text, *looks)
    return {
        name: Linear(Layout(views, reader.table.categorical if table else ()), None, PENALTY[name])
        for name, views in layouts.items()
        if views
    }
