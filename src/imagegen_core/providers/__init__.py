"""Configuration of providers, capabilities of their models, and the reach of their secrets."""
