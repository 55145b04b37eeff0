"""What one process holds while it runs tasks: calls in flight, their slots, their sealed configurations."""
