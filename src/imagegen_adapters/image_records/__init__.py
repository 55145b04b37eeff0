"""What is known of the kept images."""
