"""splink's unsupervised model for `bench.entities`: one configuration of ours, not one that its makers chose.

It compares titles by Jaccard similarity, by how many words they share and by shared codes (words of letters
and figures, which splink does not find by itself), brand and model by edit distance with term frequencies; it
looks at pairs whose titles share two words, and estimates u by random sampling, m by expectation maximisation
over these pairs, as its tutorial does. No setting was searched for; somebody who knows the data and splink
well may get more out of it.
"""

from __future__ import annotations

import re
from typing import Any, Final

CODE: Final = re.compile(r"\b(?=\w*[a-z])(?=\w*\d)[\w/-]{4,}\b")


def plain(word: str) -> str:
    """A code without punctuation."""
    return re.sub(r"[\W_]", "", word)


def splink_scores(rows: list[dict[str, Any]]) -> dict[tuple[int, int], float]:
    """The probability of each pair of a left and a right offer that is not tiny.

    Args:
        rows: market ('left' or 'right'), id, title and beside (brand, model).
    """
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frames = []
    for market in ("left", "right"):
        told = [row for row in rows if row["market"] == market]
        frames.append(
            pd.DataFrame(
                {
                    "unique_id": [row["id"] for row in told],
                    "title": [row["title"] or "" for row in told],
                    "words": [sorted(set((row["title"] or "").split())) for row in told],
                    "codes": [sorted(set(map(plain, CODE.findall(row["title"] or "")))) for row in told],
                    **{name: [row["beside"][name] for row in told] for name in ("brand", "model")},
                }
            )
        )
    both = [name for name in ("brand", "model") if all(frame[name].notna().any() for frame in frames)]
    comparisons: list[Any] = [
        cl.JaccardAtThresholds("title", [0.9, 0.75, 0.6]),
        cl.ArrayIntersectAtSizes("words", [5, 4, 3, 2]),
        cl.ArrayIntersectAtSizes("codes", [1]),
    ]
    if "brand" in both:
        brand = cl.JaroWinklerAtThresholds("brand", [0.9])
        comparisons.append(brand.configure(term_frequency_adjustments=True))
    if "model" in both:
        model = cl.LevenshteinAtThresholds("model", [1, 3])
        comparisons.append(model.configure(term_frequency_adjustments=True))
    rule: Any = "len(list_intersect(l.words, r.words)) >= 2"
    settings = SettingsCreator(
        link_type="link_only", comparisons=comparisons, blocking_rules_to_generate_predictions=[rule]
    )
    backend = DuckDBAPI()
    tables = [
        backend.register(frame, dataset_display_name=name) for frame, name in zip(frames, "ab", strict=True)
    ]
    linker = Linker(tables, settings)
    linker.training.estimate_probability_two_random_records_match([block_on("title")], recall=0.3)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=0.05)
    answer: Any = found
    pairs = answer.as_pandas_dataframe()
    columns = (pairs[name] for name in ("unique_id_l", "unique_id_r", "match_probability"))
    return {(int(own), int(other)): float(chance) for own, other, chance in zip(*columns, strict=True)}
