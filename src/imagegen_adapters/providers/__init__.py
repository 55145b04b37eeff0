"""One module, or package, a vendor's protocol: build (pure), send, parse (pure)."""
