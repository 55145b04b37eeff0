"""Decoding images without trusting them."""
