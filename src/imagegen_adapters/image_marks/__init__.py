"""The marks of images: favourites, tags and collections."""
