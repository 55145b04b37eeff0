"""Parts of the contract of a task repository, by what they are about."""
