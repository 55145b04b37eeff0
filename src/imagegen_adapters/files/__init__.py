"""Blobs and spooled files on the local disk, alone or before another store."""
