"""The caller's images as a template sees them: properties now, bytes only while they are sent."""

from typing import Any

import attrs

from imagegen_adapters.providers.base64_stream import encoded_length
from imagegen_core.images import MediaType
from imagegen_core.requests.input_image import InputImage


@attrs.frozen(kw_only=True)
class InputPart:
    """One image; ``index`` counts from 0.

    ``data`` replaces the stored bytes of an image that had to be converted first (a mask).
    """

    image: InputImage
    index: int = 0
    role: str = "image"
    data: bytes | None = attrs.field(default=None, repr=False)

    @property
    def mime_type(self) -> str:
        """The type of the bytes that will be sent."""
        return "image/png" if self.data is not None else self.image.mime_type

    @property
    def size_bytes(self) -> int:
        """The number of bytes that will be sent, before any encoding."""
        return self.image.size_bytes if self.data is None else len(self.data)

    @property
    def filename(self) -> str:
        """A file name that reveals nothing about the caller."""
        return f"{self.role}-{self.index + 1}.{MediaType(self.mime_type).extension}"

    def field(self, name: str) -> Any:
        """Return the value of ``${refs[0].name}``, None for an unknown name."""
        fields: dict[str, Any] = {
            "mime": self.mime_type,
            "filename": self.filename,
            "index": self.index,
            "suffix": "" if self.index == 0 else f"_{self.index + 1}",
            "width": self.image.width,
            "height": self.image.height,
        }
        if name in ("base64", "data_uri"):
            return EmbeddedPart(self, as_data_uri=name == "data_uri")
        return fields.get(name)


@attrs.frozen
class EmbeddedPart:
    """An image inside a JSON text: base64, or a data URI."""

    part: InputPart
    as_data_uri: bool = attrs.field(kw_only=True)

    @property
    def prefix(self) -> str:
        """The text before the base64."""
        return f"data:{self.part.mime_type};base64," if self.as_data_uri else ""

    @property
    def length(self) -> int:
        """Its number of characters."""
        return len(self.prefix) + encoded_length(self.part.size_bytes)


@attrs.frozen
class FilePart:
    """An image as a file of a multipart body."""

    part: InputPart
