"""Submissions in which nothing is implemented, in all the ways in which one may pretend."""
