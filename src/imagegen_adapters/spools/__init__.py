"""Spools: input images and raw answers, for as long as a task needs them."""
