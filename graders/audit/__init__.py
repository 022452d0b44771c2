"""Checks are judged too: submissions whose verdicts are known, and thresholds from what they reach."""
