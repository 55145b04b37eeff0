"""What makes prompts findable: folding, n-grams, similarity, and pages of a list."""
