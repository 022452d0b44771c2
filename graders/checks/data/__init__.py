"""The course's data: features, folders and tracks for checks."""
