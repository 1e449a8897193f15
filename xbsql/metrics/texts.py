"""Scores of translations, as sacrebleu counts them.

Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.

sacrebleu is imported when it is first asked for: a connection that translates nothing does not load it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAWS: Final = 300
"""Bootstrap resamples behind an interval."""
_SPLITS: Final = {"zh": "zh", "ja": "char", "th": "char"}
"""How BLEU splits texts without blanks; all others '13a'."""


class TextScore(NamedTuple):
    """A score of many translations together.

    Attributes:
        value: 0 to 100.
        lo: lower end of its 95 % bootstrap interval; hi: upper end.
        signature: what exactly was counted.
    """

    value: float
    lo: float
    hi: float
    signature: str


def chrf(translation: str, reference: str) -> float:
    """Measure a translation, 0 to 100: character n-grams up to 6, recall counts twice (Popovic, WMT 2015)."""
    return float(_metric("chrf", "").sentence_score(translation, [reference]).score)


def corpus(
    name: str, translations: Sequence[str], references: Sequence[str], language: str = ""
) -> TextScore:
    """A score of all translations together.

    Args:
        name: 'chrf' or 'bleu'.
        translations: at least one.
        references: as many.
        language: the target's code, for the words of BLEU.
    """
    metric = _metric(name, _SPLITS.get(language, "13a") if name == "bleu" else "")
    draws = DRAWS if len(translations) > 1 else 1
    found = metric.corpus_score(list(translations), [list(references)], n_bootstrap=draws)
    value, half = float(found.score), float(found._ci) if draws > 1 else 0.0
    label = {"chrf": "chrF2", "bleu": "BLEU"}[name]
    return TextScore(value, value - half, value + half, f"{label}|{metric.get_signature()}")


@cache
def _metric(name: str, split: str) -> Any:  # noqa: ANN401 - sacrebleu has no types
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return CHRF() if name == "chrf" else BLEU(tokenize=split)
