"""The grading harness: checks, the judge that runs them, and the sandbox that runs student code.

The process that judges never runs student code, and the process that runs student code holds nothing worth
stealing. This package's top level imports nothing, because the sandbox imports it too.
"""
