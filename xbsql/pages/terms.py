"""The words of a report, each defined where it stands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSFERRED: Final = {
    "target only": "a model of the foreign labels alone",
    "source only": "the home model as it is, without a foreign label",
    "pooled": "one model of the rows of both markets",
    "blend": "the model that is delivered: candidates weighted by what they lose on foreign labels held out",
    "HELPS": "the 98 % interval of the gain over the target alone lies above 0",
    "NO EVIDENCE": "the labels do not say whether the source helps",
    "HURTS": "the target alone is better, and the source has no weight",
    "NOT MEASURED": "there are too few foreign labels to tell, and the weights are those of a prior",
    "gain": "the score of the blend less that of the target alone",
}
MEASURES: Final = {
    "doubt": "the probability that the class is wrong, or how far the members of the blend lie apart",
    "distance": "psi: population stability index; ks: Kolmogorov-Smirnov; mmd2: between meanings of texts; "
    "missing: by how much the share of rows has changed that say nothing",
    "p": "how likely so large a distance is without a drift, corrected for the number of columns",
    "extrapolated": "a guess at two and four times the labels, by a power law through what was measured",
    "contribution": "the mean absolute SHAP value: how far a column moves a prediction",
}


def terms(card: Mapping[str, Any]) -> str:
    """The words that the page uses of a model, to be opened."""
    known = {**(TRANSFERRED if "verdict" in card else {}), **MEASURES}
    return defined(known)


def defined(words: Mapping[str, str]) -> str:
    """Words with their meanings, to be opened."""
    shown = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in words.items())
    return f"<details><summary>What the words mean</summary><dl>{shown}</dl></details>"
