"""What `--help` says, in the language of whoever asks."""
