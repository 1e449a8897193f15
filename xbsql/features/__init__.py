"""Raw columns as matrices: text, tables, series, and the language of a text."""
