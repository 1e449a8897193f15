"""The transfer engine: fit the candidates, weigh the evidence, blend, give the verdict."""
