"""What a running service holds: its services, its maintenance, its state for others to find."""
