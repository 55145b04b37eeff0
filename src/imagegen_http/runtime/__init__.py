"""What a running service holds: its use cases, its maintenance, its state for others to find."""
