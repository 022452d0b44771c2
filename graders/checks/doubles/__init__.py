"""Scripted models: test doubles whose answers the judge gives."""
