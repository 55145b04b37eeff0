"""What a node works on: the data directory of one box."""

from imagegen_http.composition.backends.backend import Backend
from imagegen_http.composition.backends.one_box import open_backend

__all__ = ["Backend", "open_backend"]
