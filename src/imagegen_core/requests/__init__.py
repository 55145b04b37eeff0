"""One request for images, as every provider reads it."""
