"""Where command lines begin."""
