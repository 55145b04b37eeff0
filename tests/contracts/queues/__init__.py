"""Parts of the contract of a queue, by what they are about."""
