"""A class in a database: students, hand-ins, results, marks, overrides, late days, and the history of every change."""
