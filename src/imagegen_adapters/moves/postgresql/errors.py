"""What a move raises."""

from imagegen_core.errors import ImagegenError


class MoveError(ImagegenError):
    """A data directory was not moved, or not completely."""
