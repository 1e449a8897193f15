"""Pages that a person looks at: the verdict card, charts, fans."""
