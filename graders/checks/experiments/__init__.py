"""Experiments: a submission's networks are trained, and the judge measures what they have learnt."""
