"""What is right, computed by the judge."""
