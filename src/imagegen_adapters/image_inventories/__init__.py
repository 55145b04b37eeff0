"""Image inventories: which images should be in which store."""
