"""What to do about a check that did not pass: hints that fit what happened."""
