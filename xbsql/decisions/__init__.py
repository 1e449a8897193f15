"""Where to sell: markets compared with home, and ranked by what they would bring."""
