"""Fit the sieve of the pair scorer: `python -m bench.match_sieve`, after `bench.match_scorer`.

A line through what is known of a pair before single words are looked at, by which pairs that cannot become
matches leave early. It learns from the scorer itself: which pairs of what the trees were fitted on have, in
the end, more than even odds to eight. What is printed is the share of pairs that stay and of likely matches
among them, for each set by a line that has not seen it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from bench.match_scorer import LEARNED_FROM, SIZED, encode, half, sides, sized
from xbsql.features.encoder import encoder
from xbsql.matching.columns import STANDING
from xbsql.matching.match import HOPELESS, describe
from xbsql.matching.scorer import FILE, Scorer, sieve_columns

PLAUSIBLE = -2.0
"""Log odds from which on a pair is to stay."""


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
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        weights = fitted([read[other] for other in others], [final[other] for other in others])
        kept, likely = read[place] @ weights[:-1] + weights[-1] > HOPELESS, final[place] > 0
        print(f"{name}: {kept.mean():.3f} stay, {kept[likely].mean():.4f} of likely matches", file=sys.stderr)
    target = Path(__file__).parents[1] / "xbsql" / "matching" / FILE
    stored = json.loads(target.read_text())
    stored["sieve"] = [float(f"{weight:.6g}") for weight in fitted(read, final)]
    target.write_text(json.dumps(stored, indent=1))


def fitted(read: list[np.ndarray], final: list[np.ndarray]) -> np.ndarray:
    """The weights and, last, the start."""
    line = LogisticRegression(max_iter=1000).fit(np.concatenate(read), np.concatenate(final) > PLAUSIBLE)
    return np.concatenate([line.coef_[0], line.intercept_])


if __name__ == "__main__":
    main()
