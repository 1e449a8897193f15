"""Ways to use the source for the target, one file a family or method."""
