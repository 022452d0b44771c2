"""The side that runs student code: a warm server, workers forked from it, and the wire to the judge."""
