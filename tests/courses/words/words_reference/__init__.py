"""The reference of the course on words."""
