"""Fit the sieve of the pair scorer: `python -m bench.match_sieve`, after `bench.match_scorer`.

A line through what is known of a pair before single words are looked at, by which pairs that cannot become
matches leave early. It learns from the scorer itself, on what its trees were fitted on: which pairs have, in
the end, more than a chance in eight. Such pairs count more than their number, since one that is lost is lost
for good, and every set counts alike. The start is where two of a thousand likely matches of all sets leave.
What is printed is the share of pairs that stay, and of likely matches among them, in each set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from bench.match_scorer import LEARNED_FROM, SIZED, encode, half, sides, sized
from xbsql.features.encoder import encoder
from xbsql.matching.columns import STANDING
from xbsql.matching.match import describe
from xbsql.matching.scorer import FILE, Scorer, sieve_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLAUSIBLE, COUNTS = -2.0, 20.0
"""Log odds from which on a pair is to stay, and as how many others it counts."""
LOST = 0.002
UNLIKELY = 20_000
"""Pairs of a set, drawn at random, that are learned from beside the plausible ones, for all others."""


def main() -> None:
    taxonomy = pq.read_table(Path(os.environ["XBSQL_DATA"]) / "off_taxonomy" / "taxonomy.parquet")
    scorer, names, read, final = Scorer.default(), [], [], []
    for place, (kind, language) in enumerate(LEARNED_FROM + SIZED):
        left, right = sides(taxonomy, kind, language)
        if place >= len(LEARNED_FROM):
            left, right, _ = sized(left, right)
        elif place % 2:
            right = half(right)[0]
        found = describe(left, right, encode, encoder().pieces, scorer.judges)
        names.append(f"{kind} en-{language}" + " with sizes" * (place >= len(LEARNED_FROM)))
        read.append(sieve_columns(found.table[:, : len(STANDING)]))
        final.append(scorer.scored(found.table, found.rivals))
        print(names[-1], len(final[-1]), file=sys.stderr, flush=True)
    weights = fitted(read, final)
    for name, columns, odds in zip(names, read, final, strict=True):
        kept = columns @ weights[:-1] + weights[-1] > 0
        print(f"{name}: {kept.mean():.3f} stay, {kept[odds > 0].mean():.4f} of likely ones", file=sys.stderr)
    target = Path(__file__).parents[1] / "xbsql" / "matching" / FILE
    stored = json.loads(target.read_text())
    stored["sieve"] = [float(f"{weight:.6g}") for weight in weights]
    target.write_text(json.dumps(stored, indent=1))


def fitted(read: list[Floats], final: list[Floats]) -> Floats:
    """The weights and, last, the start."""
    rng, parts = np.random.default_rng(0), []
    for columns, odds in zip(read, final, strict=True):
        plausible = odds > PLAUSIBLE
        some = np.union1d(rng.permutation(len(odds))[:UNLIKELY], np.flatnonzero(plausible))
        drawn = max(int((~plausible[some]).sum()), 1)
        weight = np.where(plausible[some], COUNTS, (~plausible).sum() / drawn)
        parts.append((columns[some], odds[some], weight))
    columns, odds, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    line = LogisticRegression(max_iter=2000).fit(columns, odds > PLAUSIBLE, weight)
    said = columns @ line.coef_[0]
    return np.append(line.coef_[0], -np.quantile(said[odds > 0], LOST))


if __name__ == "__main__":
    main()
