"""One module or package for each protocol: build (pure), send, parse (pure)."""
