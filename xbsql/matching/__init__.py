"""Which row of one catalogue is which row of another, across languages."""
