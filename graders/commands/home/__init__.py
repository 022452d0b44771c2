"""`lab check` at a student's home: one process that watches, and one that judges."""
