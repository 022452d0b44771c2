"""Written answers, which a person marks."""
