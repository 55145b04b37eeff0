"""Outboxes: pending work on the archive, in memory or in SQLite."""
