"""Event buses, which deliver the events of tasks to subscribers."""
