"""Pages that a person looks at: the verdict card and the label-efficiency chart."""
