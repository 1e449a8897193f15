"""Texts of a shop in another language, from what sellers have: pairs, titles, terms."""
