"""The checks of the course on words."""
