"""Commands that grade on several machines."""
