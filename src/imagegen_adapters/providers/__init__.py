"""One module, or package, a provider's protocol: build (pure), send, parse (pure)."""
