"""How good a translation is: chrF, BLEU, numbers and terms kept, and whether its score can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xbsql import errors
from xbsql.features.roles import as_text
from xbsql.metrics.rows import bootstrap_counts, interval
from xbsql.metrics.texts import chrf, corpus
from xbsql.translation.words import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from xbsql.tasks.translate.translation import Translation
    from xbsql.translation.translator import Answer

DRAWS = 500
BINS = 10


def measured(model: Translation, table: pa.Table, label: str, by: str | None) -> list[dict[str, Any]]:
    """Measure a translation on pairs.

    Metrics, 0 to 100: 'chrf' and 'bleu' of all texts together; 'chrf_copy', of the sources as they are;
    'score_correlation' of score and chrF, -1 to 1, and 'score_error', their mean distance over ten bins;
    'numbers_kept' and 'terms_kept', shares of the texts that have any. Two rows more say in their metric what
    exactly was counted.

    Raises:
        XbsqlError: no pair, or no column `by`.
    """
    where = "xb.evaluate"
    if by is not None and by not in table.column_names:
        raise errors.unknown(where, "column", by, table.column_names, place="the table has")
    sources, references = as_text(table[model.text]).to_pylist(), as_text(table[label]).to_pylist()
    groups = as_text(table[by]).to_pylist() if by is not None else [None] * len(sources)
    rows = [k for k, (a, b) in enumerate(zip(sources, references, strict=True)) if a and b]
    if not rows:
        raise errors.invalid(where, f"no row has both '{model.text}' and '{label}'", "give pairs")
    answers = model.answers([sources[k] for k in rows])
    judged = [
        _Judged.of(model, sources[k], references[k], answer)
        for k, answer in zip(rows, answers, strict=True)
        if answer
    ]
    found = _scored(None, judged, model.dst)
    names = sorted({str(groups[k]) for k in rows if groups[k] is not None})
    for name in names:
        own = [one for k, one in zip(rows, judged, strict=True) if groups[k] == name]
        found += _scored(name, own, model.dst)
    return found


class _Judged:
    """A pair and its translation."""

    def __init__(self, source: str, read: str, reference: str, answer: Answer, kept: Sequence[str]) -> None:
        self.source, self.reference, self.answer = source, reference, answer
        self.chrf = chrf(answer.text, reference)
        stated = numbers(read)
        self.numbers = None if not stated else _all_in(stated, numbers(answer.text))
        self.terms = None if not kept else all(term in answer.text for term in kept)

    @classmethod
    def of(cls, model: Translation, source: str, reference: str, answer: Answer) -> _Judged:
        """Judge one."""
        read, _ = model.engine.as_read(source)
        return cls(source, read, reference, answer, model.stock.terms.mark(read).marks)


def _all_in(wanted: Sequence[str], found: Sequence[str]) -> bool:
    rest = list(found)
    for one in wanted:
        if one not in rest:
            return False
        rest.remove(one)
    return True


def _scored(group: str | None, judged: Sequence[_Judged], language: str) -> list[dict[str, Any]]:
    said = [one.answer.text for one in judged]
    truth = [one.reference for one in judged]
    rows = []
    for name in ("chrf", "bleu"):
        found = corpus(name, said, truth, language)
        rows.append(_row(group, name, found.value, found.lo, found.hi, len(said)))
        if group is None:
            rows.append(_row(group, f"signature {found.signature}", None, None, None, len(said)))
    copy = corpus("chrf", [one.source for one in judged], truth)
    rows.append(_row(group, "chrf_copy", copy.value, copy.lo, copy.hi, len(said)))
    rows += _of_score(group, judged)
    for name in ("numbers", "terms"):
        kept = np.array([getattr(one, name) for one in judged if getattr(one, name) is not None], np.float64)
        lo, hi = _interval(kept)
        rows.append(_row(group, f"{name}_kept", float(kept.mean()) if len(kept) else None, lo, hi, len(kept)))
    return rows


def _of_score(group: str | None, judged: Sequence[_Judged]) -> list[dict[str, Any]]:
    """Whether the score says how good a translation is."""
    scored = [one for one in judged if one.answer.score is not None]
    score = np.array([one.answer.score for one in scored], np.float64)
    true = np.array([one.chrf for one in scored])
    value = float(np.corrcoef(score, true)[0, 1]) if len(scored) > 2 and score.std() and true.std() else None
    error = None
    if len(scored):
        order = np.array_split(np.argsort(score, kind="stable"), min(BINS, len(scored)))
        error = float(
            sum(abs(score[b].mean() - true[b].mean()) * len(b) for b in order if len(b)) / len(scored)
        )
    return [
        _row(group, "score_correlation", value, None, None, len(scored)),
        _row(group, "score_error", error, None, None, len(scored)),
    ]


def _interval(values: np.ndarray) -> tuple[float | None, float | None]:
    if not len(values):
        return None, None
    return interval(bootstrap_counts(len(values), DRAWS, 0) @ values / len(values))


def _row(
    group: str | None, metric: str, value: float | None, lo: float | None, hi: float | None, rows: int
) -> dict[str, Any]:
    return {"group": group, "metric": metric, "value": value, "lo": lo, "hi": hi, "rows": rows}
