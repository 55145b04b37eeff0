"""Where images lie: memory, a local directory, or a directory with an archive behind it."""
