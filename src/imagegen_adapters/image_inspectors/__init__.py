"""Image inspectors, which decode untrusted images."""
