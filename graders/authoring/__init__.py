"""What a writer of checks imports: how a check is declared, how it compares, and how it describes."""
