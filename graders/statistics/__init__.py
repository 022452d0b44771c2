"""A class in figures: its checks, what went wrong, its scores, and what it should hear."""
