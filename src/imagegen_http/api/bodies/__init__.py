"""What JSON bodies look like, by subject; the core checks what they mean."""
