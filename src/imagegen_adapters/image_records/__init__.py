"""What is known of the kept pictures."""
