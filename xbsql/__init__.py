"""Transfer learning for cross-border commerce inside DuckDB."""
