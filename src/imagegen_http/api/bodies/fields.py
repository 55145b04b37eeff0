"""What bodies share: that they refuse what they do not know, fields of several, and examples."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from imagegen_core.limits import MAX_MODEL_ID_CHARS, MAX_PROVIDER_NAME_CHARS
from imagegen_http.answers.fields import doc

Name = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_PROVIDER_NAME_CHARS),
    doc("name of a provider; left out: the default one", "demo"),
]
ModelId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_MODEL_ID_CHARS),
    doc("id of a model; left out: the provider's default one"),
]
ImageText = Annotated[
    str, Meta(min_length=1), doc("a `data:image/…;base64,` URL, or `image:<id>` of an image of this service")
]

Shown = Annotated[Any, doc("as answers show it: taken, and ignored")]

EXAMPLE_PROMPT = "一只可爱的猫"
EXAMPLE_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQMAAABJtOi3AAAABlBMVEX/yDwvW9dQ0jQ1AAAAQ0lEQVR42oXO"
    "sRFAUBQF0fMfgVBHdEYpSlMCOZ6AEX7JBndm72xJhDr2TtgOYTmfTTK5GP7cD4VRzvI9WJsMfatUC27igw8mAlMCMwAAAABJRU5ErkJggg=="
)
"""A PNG of 32×32 pixels, so that an operation can be tried that works on an image."""


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Every body refuses what it does not know.

    The document's example of one has all fields that have an example, and those that must be there.
    """
