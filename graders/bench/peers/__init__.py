"""Whole runs beside other graders: the same checks and submissions, graded by each in turn."""
