"""With this directory in PYTHONPATH the program finds no bundled SQLite and uses Python's own."""

raise ImportError("hidden, so that Python's own SQLite is used")
