"""Hostile input, made from bytes that a fuzzer chooses: frames for the judge, and submissions for the intake.

`python -m tests.fuzz frames --runs 2000000` and `python -m tests.fuzz archives --runs 100000` run the coverage-guided
fuzzer; the ordinary tests run the same generators for a few seconds.
"""
