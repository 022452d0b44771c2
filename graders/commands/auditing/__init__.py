"""The commands that judge checks."""
