"""Fitted things at rest: what a model is, its folder, and the folders of a store."""
