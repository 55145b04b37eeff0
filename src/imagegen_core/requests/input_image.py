"""The images that come with a request."""

from enum import StrEnum

import attrs


@attrs.frozen(kw_only=True)
class InputImage:
    """A caller's image, checked and spooled under ``key``.

    ``image_id`` is set if the caller named a stored image instead of sending bytes: it is spooled until the
    task ends, and is that image from then on.
    """

    key: str
    mime_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    image_id: int | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Owner and name in the spool."""
        owner, _, name = self.key.partition("/")
        return owner, name


class InputRole(StrEnum):
    """What an input image is there for."""

    REFERENCE = "reference"
    IMAGE = "image"
    MASK = "mask"


NamedInputs = tuple[tuple[str, InputImage], ...]
"""Images, each with the name of its field in the API."""
