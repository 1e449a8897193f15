"""Who has what: events of markets, what is had together, and what to recommend next."""
