"""Results: their schema, how they are scored, what they depend on, and their files."""
