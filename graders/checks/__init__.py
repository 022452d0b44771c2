"""The checks: one module for each step, plain pytest, run by the judge."""
