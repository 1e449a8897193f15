"""Texts of a shop in another language, and what another market's pairs bring to that."""
