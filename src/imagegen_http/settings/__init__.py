"""Settings: their schema, the file, the environment, and how they come together."""
