"""Search over prompts: folding, n-grams, similarity, and pages of a list."""
