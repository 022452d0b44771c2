"""The course's data, as checks need it."""
