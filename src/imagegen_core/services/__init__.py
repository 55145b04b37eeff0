"""What a caller can ask for: tasks, kept images, providers, and the upkeep of the stores."""
