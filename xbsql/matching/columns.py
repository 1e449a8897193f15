"""What is known of a pair, by name: the columns that scorers read, in their order."""

from __future__ import annotations

from typing import Final

SIMILARITIES: Final = (
    "cosine",
    "nearness",
    "nearness_gap_left",
    "nearness_gap_right",
    "nearness_rank_left",
    "nearness_rank_right",
    "carried",
    "carried_gap_left",
    "carried_gap_right",
    "carried_rank_left",
    "carried_rank_right",
    "spelling",
    "spelling_gap_left",
    "spelling_gap_right",
    "words_left",
    "words_right",
    "words_worst",
    "numbers",
    "sizes",
    "models",
    "length_ratio",
    "words_more",
)
STANDING: Final = SIMILARITIES[:14]
"""Those that need no look at single words."""
TRANSLATIONS: Final = ("translated_left", "translated_right", "known_left", "known_right")
PAIR_COLUMNS: Final = (
    *SIMILARITIES,
    "likely",
    "likely_gap_left",
    "likely_gap_right",
    *TRANSLATIONS,
    "translated_gap_left",
    "translated_gap_right",
    "taught",
    "taught_gap_left",
    "taught_gap_right",
)
_EITHER: Final = ("length_ratio", "words_more", "known_left", "known_right")
DIRECTIONS: Final = {
    name: 0 if name in _EITHER else -1 if "_gap_" in name or "_rank_" in name else 1 for name in PAIR_COLUMNS
}
"""Whether a column speaks for a match (1), against it (-1) or either way (0)."""
BESIDE: Final = ("price", "brand", "image")
"""What `beside` may hold: columns for a scorer of one's own; else `linking.beside` says what they add."""
KNOWN_COLUMNS: Final = (*PAIR_COLUMNS, *BESIDE)
