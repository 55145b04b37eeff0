"""Decoding pictures without trusting them."""
