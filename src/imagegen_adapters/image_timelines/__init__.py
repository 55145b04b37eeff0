"""Where the images of a list are in time."""
