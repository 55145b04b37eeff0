"""Free space of the disk that holds the data."""
