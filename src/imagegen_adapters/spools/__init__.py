"""Spools: input images and raw responses, kept for as long as a task needs them."""
