"""Which submissions agree beyond what all were given and many have in common: a hint for a person, never a verdict."""
