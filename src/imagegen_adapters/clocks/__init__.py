"""Clocks: the system's, and one that tests control."""
