"""Supply decisions on top of predictions: routes, stock, and the cheapest mix that serves."""
