"""Rows into named classes."""
