"""The records of stored images, and the index to search their prompts."""
