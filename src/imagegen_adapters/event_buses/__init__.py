"""What carries events to those who watch."""
