"""Reading what a plot shows."""
