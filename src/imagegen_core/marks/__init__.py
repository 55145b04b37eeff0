"""What people put on images once they are stored: favourites, tags and collections."""
