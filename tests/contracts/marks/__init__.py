"""Parts of the contract of marks of images, by what they are about."""
