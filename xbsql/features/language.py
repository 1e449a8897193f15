"""The language of short texts, and a warning where the encoder does not know it.

The model is the naive Bayes of langid.py (Lui and Baldwin, "langid.py: An Off-the-shelf Language
Identification Tool", ACL 2012) as published in py3langid, over the languages of commerce; the script of a
text rules languages out before. One title is weak evidence, so `check_languages` judges a sample as a whole.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts
from scipy import sparse

from xbsql.errors import invalid, unknown
from xbsql.features.drawn import drawn
from xbsql.features.normal import in_capitals, normal
from xbsql.features.scripts import NAMES, dominant, writes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xbsql.features.encoder import Encoder

UNDETERMINED: Final = "und"
_READ = 2_000  # characters of a text that are looked at
_SAMPLE = 1_000  # texts that decide a warning
_BLOCK = 4_096  # texts scored at a time
_FOLDED: Final = {"wuu": "zh", "yue": "zh", "nn": "no", "arz": "ar", "ary": "ar", "uzs": "uz"}
_WIDELY_SOLD_IN: Final = (
    "ar", "de", "es", "fr", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "vi", "zh",
)  # fmt: skip
_LIKELIER: Final = {"en": 4.0, **dict.fromkeys(_WIDELY_SOLD_IN, 2.0)}  # others count once
_CLEAR_SHARE = 0.15  # of the sample must be in languages that the encoder does not know
_NAMED_SHARE = 0.05  # a language with less is not named
_CLEAR_GAIN = 12.0  # nats by which they must explain the sample better than known languages do
_ROUNDS = 60  # of expectation maximisation; shares are stable in the second digit long before

_loading = threading.Lock()


@dataclass(frozen=True)
class _Model:
    """The feature automaton of langid.py and a column of log-probabilities for every label."""

    identifier: LanguageIdentifier
    rows: list[int]
    labels: NDArray[np.str_]

    def counts(self, text: str) -> dict[int, int]:
        """How often every feature of the model occurs in a text."""
        data = (text.lower() if in_capitals(text) else text).encode("utf-8", "surrogatepass")
        found = visit_counts(self.identifier.tk_nextmove, self.rows, self.identifier.tk_output, data)
        return dict(found or {})


def identify(
    texts: Sequence[str | None], candidates: Sequence[str] | None = None
) -> tuple[list[str | None], NDArray[np.float32]]:
    """The most likely language of each text.

    Args:
        texts: strings; only the first 2,000 characters of each are read. Equal texts are looked at once.
        candidates: ISO 639-1 codes to choose from, such as the markets' languages; by default the 80
            languages of commerce in `scripts.NAMES`, of which widely sold-in ones are thought likelier. A
            regional code counts as its language ('zh-TW' as 'zh').

    Returns:
        Codes, None for None and 'und' for a text without letters or in a script that no candidate is written
        in; and scores, float32 (n,), the probability among the candidates, 0 for 'und', NaN for None. Of
        equal scores the candidate that was named first wins.

    Raises:
        XbsqlError: a candidate is unknown, or none is given.
    """
    languages = _chosen(candidates)
    prior = np.array([_LIKELIER.get(code, 1.0) for code in languages])
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    best: dict[str | None, tuple[str | None, float]] = {None: (None, np.nan)}
    for start in range(0, len(distinct), _BLOCK):
        block = distinct[start : start + _BLOCK]
        chances = _posterior(block, languages) * prior
        chances /= np.maximum(chances.sum(axis=1, keepdims=True), 1e-30)
        for text, place, score in zip(block, chances.argmax(1), chances.max(1), strict=True):
            best[text] = (languages[place], float(score)) if score > 0 else (UNDETERMINED, 0.0)
    found = [best[text] for text in texts]
    return [code for code, _ in found], np.array([score for _, score in found], dtype=np.float32)


def check_languages(texts: Sequence[str | None], encoder: Encoder) -> list[str]:
    """Say which languages of a column the encoder was not trained on.

    The shares of the languages in a sample of up to 1,000 distinct texts are estimated together, as a
    mixture. A warning needs a share of 15 % in languages unknown to the encoder, and a sample that these
    explain clearly better than the known languages do: a German title that looks Danish fires nothing.

    Args:
        texts: the column; None is passed over.
        encoder: the encoder that is to read it.

    Returns:
        One line for each such language, the most frequent first; usually none.
    """
    languages = list(NAMES)
    chances = _posterior(_sampled(texts), languages)
    chances = chances[chances.max(axis=1, initial=0.0) > 0]
    known = np.isin(languages, encoder.languages)
    shares, explained = _mixture(chances, np.ones(len(languages), dtype=bool))
    _, by_known = _mixture(chances, known)
    if shares[~known].sum() < _CLEAR_SHARE or explained - by_known < _CLEAR_GAIN:
        return []
    shares[known] = 0.0
    named = [place for place in shares.argsort()[::-1] if shares[place] >= _NAMED_SHARE]
    return [_warning(languages[place], shares[place], encoder) for place in named]


def _warning(code: str, share: float, encoder: Encoder) -> str:
    return (
        f"xb.embed: about {share:.0%} of the texts look {NAMES[code]} ({code}), which encoder "
        f"'{encoder.name}' was not trained on (it knows {', '.join(encoder.languages)}); "
        f"expect weaker transfer and give more labels"
    )


def _sampled(texts: Sequence[str | None]) -> list[str]:
    """Up to 1,000 distinct texts."""
    distinct = list(dict.fromkeys(text for text in texts if text))
    return [distinct[i] for i in drawn(len(distinct), _SAMPLE)]


def _mixture(chances: NDArray[np.float64], allowed: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Maximum-likelihood shares of the allowed languages, and the log-likelihood that they reach."""
    likelihood = np.maximum(chances * allowed, 1e-6 * allowed)
    shares = allowed / allowed.sum()
    for _ in range(_ROUNDS if len(chances) else 0):
        joint = likelihood * shares
        shares = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares, float(np.log(likelihood @ shares).sum())


def _posterior(texts: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
    """Probability of each language for each text, (n, l); a row of zeros where no language fits the script.

    The log-probabilities are divided by the square root of the text's bytes, as langid.py does to keep them
    honest over lengths: neighbouring features of a text are far from independent.
    """
    model = _model()
    read = [normal(text[:_READ]) for text in texts]
    counts = [model.counts(text) for text in read]
    ends = np.cumsum([0, *(len(count) for count in counts)])
    features = np.fromiter((one for count in counts for one in count), dtype=np.int64, count=ends[-1])
    often = np.fromiter((v for count in counts for v in count.values()), dtype=np.float32, count=ends[-1])
    table, prior, owner = _columns(tuple(languages))
    visits = sparse.csr_matrix((np.log1p(often), features, ends), shape=(len(read), len(table)))
    sizes = np.array([max(1, len(text.encode("utf-8", "replace"))) for text in read])
    scores = (np.asarray(visits @ table) + prior) / np.sqrt(sizes)[:, None]
    fits = writes(languages)[dominant(read)]
    best = np.full((len(read), len(languages)), -np.inf)
    np.maximum.at(best.T, owner, scores.T)
    best[~fits] = -np.inf
    chances = np.exp(best - np.maximum(best.max(axis=1, keepdims=True), -1e30))
    return np.asarray(chances / np.maximum(chances.sum(axis=1, keepdims=True), 1.0), dtype=np.float64)


def _chosen(candidates: Sequence[str] | None) -> list[str]:
    if candidates is None:
        return list(NAMES)
    languages = list(dict.fromkeys(code.split("-")[0].split("_")[0].lower() for code in candidates))
    for code in languages:
        if code not in NAMES:
            raise unknown("xb.language", "language", code, list(NAMES))
    if not languages:
        raise invalid("xb.language", "no candidate languages are given", "name some, or leave them out")
    return languages


def _model() -> _Model:
    """The one model of this process."""
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> _Model:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    rows = [int(row) << 8 for row in identifier.tk_row]
    labels = np.array([_FOLDED.get(label, label) for label in identifier.nb_classes])
    return _Model(identifier, rows, labels)


@lru_cache(maxsize=32)
def _columns(
    languages: tuple[str, ...],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """The model's columns of these languages, their priors, and which language each column speaks for."""
    model = _model()
    columns = np.flatnonzero(np.isin(model.labels, languages))
    owner = np.array([languages.index(str(label)) for label in model.labels[columns]], dtype=np.int64)
    table = np.ascontiguousarray(model.identifier.nb_ptc[:, columns], dtype=np.float32)
    return table, np.asarray(model.identifier.nb_pc[columns], dtype=np.float32), owner
