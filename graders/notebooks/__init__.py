"""Notebooks for students: what a course asks for as one, and the checks inside it."""
