"""Queues of pending tasks."""
