"""Commands for those who write a course."""
