"""What is known of a given pair of offers, by name: the columns that scorers read, in their order."""

from __future__ import annotations

from typing import Final

TEXTS: Final = ("text", "description", "brand", "model", "category")
"""Fields that are texts, beside 'gtin' and 'price'."""
FIELDS: Final = (*TEXTS, "gtin", "price")
COLUMNS: Final = (
    "text_cosine",
    "text_spelling",
    "text_words",
    "text_words_left",
    "text_words_right",
    "text_rarest_both",
    "text_rarest_left",
    "text_rarest_right",
    "text_behind_left",
    "text_behind_right",
    "all_cosine",
    "all_words",
    "all_words_left",
    "all_words_right",
    "all_behind_left",
    "all_behind_right",
    "codes_both",
    "codes_left",
    "codes_right",
    "codes_alike",
    "numbers",
    "sizes",
    "models",
    "length_ratio",
    "brand_same",
    "brand_told",
    "model_same",
    "model_told",
    "category_cosine",
    "gtin_same",
    "price_apart",
    "price_ratio",
)
