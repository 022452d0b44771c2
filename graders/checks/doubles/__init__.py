"""Scripted models: test doubles of models, for which the judge answers."""
