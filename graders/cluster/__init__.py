"""Grading on several machines: a client reads submissions and keeps results, nodes judge, and Dask carries bytes."""
