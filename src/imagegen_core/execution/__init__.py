"""State of a process while it runs tasks: calls in flight, their slots, their sealed configurations."""
