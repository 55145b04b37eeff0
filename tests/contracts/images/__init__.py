"""Parts of the contract of image records, by what they are about."""
