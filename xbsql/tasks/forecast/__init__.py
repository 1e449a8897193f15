"""What to expect of series, step by step."""
