"""What bodies look like: the fields with a meaning of their own. All others belong to the model."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from imagegen_core.limits import MAX_NUM, MAX_REFERENCES
from imagegen_http.schemas import EXAMPLE_IMAGE, EXAMPLE_PROMPT, PROMPT_WORDS, Answer, JsonObject, doc

OWN_FIELDS = frozenset({"prompt", "model", "n", "size", "response_format", "stream"})
"""What `ImageGeneration` reads; the rest is a parameter of the model, or nothing."""

_NUM_WORDS = {"minimum": 1, "maximum": MAX_NUM}
_IMAGE = "a `data:image/…;base64,` URL, or `image:<id>` of an image of this service"
_MODEL = "`provider/model`, a model id, or empty"
_SIZE = "`WIDTHxHEIGHT` or `auto`"
_FORMAT = "the bytes in base64, or an address below this service"
_STREAM = "send events, the images so far among them"


class ImageGeneration(msgspec.Struct, kw_only=True):
    """Other fields (quality, background, output_format, seed, …) go to a model that declares them."""

    prompt: Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
    model: Annotated[str, doc(_MODEL, "demo/demo")] | None = None
    n: Annotated[int, doc(f"number of images, 1 to {MAX_NUM}", **_NUM_WORDS)] | None = None
    size: Annotated[str, doc(_SIZE, "512x512")] | None = None
    response_format: Annotated[Literal["b64_json", "url"] | None, doc(_FORMAT, "url")] = None
    stream: Annotated[bool | None, doc(_STREAM)] = None


class ImageReference(msgspec.Struct, kw_only=True):
    """An image of a JSON body."""

    image_url: Annotated[str, doc(_IMAGE)]


Reference = Annotated[str, doc(_IMAGE)] | ImageReference


File = Annotated[str, Meta(extra_json_schema={"format": "binary"})]


class ImageEdit(ImageGeneration, kw_only=True):
    """As for a generation, with at least one image, and at most as many as the model takes.

    ``image`` means the same as ``images``.
    """

    images: Annotated[list[Reference], doc("the images to work on", [EXAMPLE_IMAGE])] = []
    image: Annotated[Reference | list[Reference] | None, doc("the same, or the only one")] = None
    mask: Annotated[Reference | None, doc("white, or transparent, is repainted; black stays")] = None


class ImageEditForm(msgspec.Struct, kw_only=True):
    """The same as a form; other fields go to a model that declares them."""

    image: Annotated[
        list[File],
        Meta(min_length=1),
        doc(
            f"1 to {MAX_REFERENCES} images, as many as the model takes; also as `image[]`",
            maxItems=MAX_REFERENCES,
        ),
    ]
    prompt: Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
    mask: Annotated[File | UnsetType, doc("white, or transparent, is repainted; black stays")] = UNSET
    model: Annotated[str | UnsetType, doc(_MODEL)] = UNSET
    n: Annotated[int | UnsetType, doc(f"number of images, 1 to {MAX_NUM}", **_NUM_WORDS)] = UNSET
    size: Annotated[str | UnsetType, doc(_SIZE)] = UNSET
    response_format: Annotated[Literal["b64_json", "url"] | UnsetType, doc(_FORMAT)] = UNSET
    stream: Annotated[bool | UnsetType, doc(_STREAM)] = UNSET

    schema_words: ClassVar[Mapping[str, Any]] = {
        "dependentSchemas": {"mask": {"properties": {"image": {"maxItems": 1}}}}
    }


Quality = Annotated[str, doc("as it was asked for", "auto")]
Background = Annotated[str, doc("as it was asked for", "auto")]
Size = Annotated[str | UnsetType, doc("of the first image, in pixels", "512x512")]
OutputFormat = Annotated[str | UnsetType, doc("of the first image", "png", enum=["png", "jpeg", "webp"])]
Usage = Annotated[
    JsonObject | UnsetType,
    doc(
        "tokens of all calls, where the provider counts as OpenAI does",
        {"total_tokens": 1070, "input_tokens": 14, "output_tokens": 1056},
    ),
]


RevisedPrompt = Annotated[str | UnsetType, doc("the prompt that the provider made of it", "a cute cat")]
Url = Annotated[str | UnsetType, doc("where it is", "http://127.0.0.1:8080/api/v1/images/7/content")]
Base64 = Annotated[str | UnsetType, doc("its bytes in base64", "iVBORw0KGgo=")]
"""The last field, because the bytes are encoded while they are sent."""


class ImageData(Answer, frozen=True, kw_only=True):
    """One image: its bytes or its address."""

    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


class Images(Answer, frozen=True, kw_only=True):
    """The images that a request asked for."""

    created: Annotated[int, doc("seconds since 1970", 1795507200)]
    data: Annotated[list[ImageData], doc("the images, in order", [{"b64_json": "iVBORw0KGgo="}])]
    size: Size = UNSET
    output_format: OutputFormat = UNSET
    usage: Usage = UNSET


class ImagePartial(Answer, frozen=True, kw_only=True):
    """The data of an event: what one of the images looks like so far."""

    type: Annotated[
        str,
        doc("the event's name", enum=["image_generation.partial_image", "image_edit.partial_image"]),
    ]
    partial_image_index: Annotated[int, doc("number among the partial images of this image, from 0", 0)]
    image_index: Annotated[int, doc("number of the image, from 0; OpenAI has one a stream", 0)]
    created_at: Annotated[int, doc("seconds since 1970", 1795507200)]
    size: Annotated[str, doc("as it was asked for", "auto")]
    quality: Quality
    background: Background
    output_format: Annotated[str, doc("as its first bytes show", "png", enum=["png", "jpeg", "webp"])]
    b64_json: Annotated[str, doc("its bytes in base64", "iVBORw0KGgo=")]


class ImageCompleted(Answer, frozen=True, kw_only=True):
    """The data of an event: one of the images."""

    type: Annotated[
        str,
        doc("the event's name", enum=["image_generation.completed", "image_edit.completed"]),
    ]
    created_at: Annotated[int, doc("seconds since 1970", 1795507200)]
    quality: Quality
    background: Background
    size: Size = UNSET
    output_format: OutputFormat = UNSET
    usage: Usage = UNSET
    revised_prompt: RevisedPrompt = UNSET
    url: Url = UNSET
    b64_json: Base64 = UNSET


class ModelObject(Answer, frozen=True, kw_only=True):
    """A model as OpenAI shows one."""

    id: Annotated[str, doc("provider/model, or the model's id where only one model has it", "demo/demo")]
    object: Annotated[str, doc("always the same", "model", const="model")]
    created: Annotated[int, doc("when its provider was saved, in seconds since 1970; 0 of a file's", 0)]
    owned_by: Annotated[str, doc("name of its provider", "demo")]
    shutdown_date: Annotated[str | UnsetType, doc("the day of its end", "2026-12-31", format="date")] = UNSET


class ModelList(Answer, frozen=True, kw_only=True):
    """All models that can be used now."""

    object: Annotated[str, doc("always the same", "list", const="list")]
    data: Annotated[list[ModelObject], doc("the models")]


class OpenAIErrorDetail(Answer, frozen=True, kw_only=True):
    """What went wrong, in OpenAI's words."""

    message: Annotated[str, doc("a sentence in the caller's language", "the model is not available")]
    type: Annotated[str, doc("its kind", "invalid_request_error")]
    param: Annotated[str | None, doc("the field that it is about", "model")]
    code: Annotated[str | None, doc("a stable slug to decide by", "model_not_found")]


class OpenAIError(Answer, frozen=True, kw_only=True):
    """An error in OpenAI's own shape."""

    error: Annotated[OpenAIErrorDetail, doc("what went wrong")]


class OpenAIErrorEvent(OpenAIError, frozen=True, kw_only=True):
    """The data of an event: why there are no images."""

    type: Annotated[str, doc("always the same", "error", const="error")]
