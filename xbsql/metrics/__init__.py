"""Scores, with their intervals: of rows, and of series."""
