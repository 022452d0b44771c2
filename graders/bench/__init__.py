"""Figures of this machine beside their bounds."""
