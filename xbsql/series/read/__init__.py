"""Tables of series as arrays: dates, gaps, frequency, calendar."""
