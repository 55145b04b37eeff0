"""What went wrong, put into words in the caller's language."""
