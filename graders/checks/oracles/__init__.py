"""Oracles: right results, computed by the judge, and the comparison with them."""
