"""Attributes of products out of their titles."""
