"""Vectors and texts with ids: built once, kept in the store, searched exactly or by cell."""
