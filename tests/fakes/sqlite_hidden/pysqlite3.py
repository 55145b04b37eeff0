"""With this directory in PYTHONPATH the program finds no bundled SQLite and takes Python's own."""

raise ImportError("hidden, so that Python's own SQLite is used")
