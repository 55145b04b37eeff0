"""How a provider is configured, what its models can do, and how far its secrets may go."""
