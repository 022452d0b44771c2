"""Oracles of networks: what their weights are, what they compute, and what reaches them."""
