"""From DuckDB's columns to a session's methods, one file a family: unpack the arguments, nothing else."""
