"""How learning platforms lay out the hand-ins of a class, a module for each: what belongs to whom."""
