"""What bodies look like: the fields with a meaning of their own. All others belong to the model."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from imagegen_core.limits import MAX_NUM

OWN_FIELDS = frozenset({"prompt", "model", "n", "size", "response_format", "stream"})
"""What `ImageGeneration` reads; the rest is a parameter of the model, or nothing."""

_IMAGE = "a data:image/…;base64, URL, or image:<id> of a kept image"


class ImageGeneration(msgspec.Struct, kw_only=True):
    """Other fields (quality, background, output_format, seed, …) go to a model that declares them."""

    prompt: str
    model: Annotated[str, Meta(description="provider/model, a model id, or empty")] | None = None
    n: Annotated[int, Meta(description=f"1 to {MAX_NUM}")] | None = None
    size: Annotated[str, Meta(description="WIDTHxHEIGHT or auto")] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    stream: bool | None = None


class ImageReference(msgspec.Struct, kw_only=True):
    """An image of a JSON body."""

    image_url: Annotated[str, Meta(description=_IMAGE)]


Reference = Annotated[str, Meta(description=_IMAGE)] | ImageReference


class ImageEdit(ImageGeneration, kw_only=True):
    """As for a generation, with 1 to 14 images. ``image`` means the same as ``images``."""

    images: list[Reference] = []
    image: Reference | list[Reference] | None = None
    mask: Reference | None = None


class ImageData(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One image: its bytes or its address."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class Images(msgspec.Struct, kw_only=True):
    """The answer. ``usage`` as the provider told it, where it did."""

    created: int
    data: list[ImageData]
    size: str | None = None
    output_format: str | None = None
    usage: dict[str, Any] | None = None
