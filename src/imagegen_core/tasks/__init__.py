"""A task from its submission to its end: its attempts, their outcomes, and when they are retried."""
