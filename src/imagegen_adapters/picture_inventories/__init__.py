"""Which pictures should be where: from memory or SQLite."""
