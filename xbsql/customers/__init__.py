"""What the orders of a market say of each of its customers, and what to expect of them."""
