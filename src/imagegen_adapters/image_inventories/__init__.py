"""Which images should be where: from memory or SQLite."""
