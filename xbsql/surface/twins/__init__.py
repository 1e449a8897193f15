"""The Python twins of the SQL functions, one file a family."""
