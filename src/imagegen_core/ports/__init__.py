"""What the core requires of its adapters: a `Protocol` per file, but for bytes (three) and secrets (two)."""
