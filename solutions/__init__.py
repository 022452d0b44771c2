"""The complete answer to each step: what graders compare with, and what lab/ is made from."""
