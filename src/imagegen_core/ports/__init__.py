"""What the core requires of its adapters, one `Protocol` per file."""
