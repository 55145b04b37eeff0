"""What bodies share: that they refuse what they do not know, fields of several, and examples."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from imagegen_core.limits import MAX_MODEL_ID_CHARS, MAX_PROMPT_CHARS, MAX_PROVIDER_NAME_CHARS
from imagegen_http.answers.fields import doc

_NO_PART_OF_A_NAME = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
TEXT_PATTERN = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
"""Text that is not blank, as JSON Schema has patterns."""

NAME_PATTERN = rf"^[^{_NO_PART_OF_A_NAME}]*[^{_NO_PART_OF_A_NAME}\s][^{_NO_PART_OF_A_NAME}]*$"
"""The same on one line, and nothing in it that cannot be seen."""

API_BASE_PATTERN = r"\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s\\?#@/]+(/[^\s\\?#]*)?\s*$"

PROMPT_WORDS: Mapping[str, Any] = {"minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": TEXT_PATTERN}
"""What JSON Schema says of a prompt that must be there; the core checks it, and says more of a mistake."""

_IMAGE_PATTERN = (
    r"^(image:[1-9][0-9]{0,17}$|[Dd][Aa][Tt][Aa]:[Ii][Mm][Aa][Gg][Ee]/[A-Za-z0-9.+-]{1,40}"
    r"(;[A-Za-z0-9=.+-]{1,80})*;[Bb][Aa][Ss][Ee]64,)"
)

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
    str,
    Meta(min_length=1),
    doc(
        "a `data:image/…;base64,` URL, or `image:<id>` of an image of this service",
        pattern=_IMAGE_PATTERN,
    ),
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
    ``schema_words`` are what JSON Schema says of the body as a whole, beside what its fields say.
    """

    schema_words: ClassVar[Mapping[str, Any]] = {}
