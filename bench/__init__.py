"""Benchmarks: one module a subject, run by `python -m bench.run SUBJECT`."""
