"""What the judge has a submission's networks learn, and what it measures then."""
