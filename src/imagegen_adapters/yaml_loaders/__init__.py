"""YAML loaders."""
