"""Which rows of many catalogues are one product."""
