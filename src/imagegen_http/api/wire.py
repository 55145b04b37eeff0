"""What bodies look like; unknown fields are refused. Meaning is checked in the core."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=64, description="provider name")]
ModelId = Annotated[str, Meta(min_length=1, max_length=200, description="model id")]
ImageText = Annotated[
    str, Meta(min_length=1, description="a data:image/…;base64, URL, or image:<id> of a kept image")
]

Shown = Annotated[Any, Meta(description="as answers show it: taken, and ignored")]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Every body refuses what it does not know."""


class OverrideBody(Body, kw_only=True):
    """A configuration for one task alone; kept encrypted until the task ends, then wiped."""

    api_base: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None
    api_key: Annotated[str, Meta(min_length=1, max_length=8192)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=3600, description="seconds")] | None = None
    max_retries: Annotated[int, Meta(ge=0, le=10)] | None = None


class SubmitBody(Body, kw_only=True):
    """What all six operations share."""

    provider: Name | None = None
    model_id: ModelId | None = None
    use_saved_config: bool = False
    config: OverrideBody | None = None
    params: dict[str, Any] = {}


class GenerateBody(SubmitBody, kw_only=True):
    """Text to image; ``params.prompt`` is required."""


class ReferenceBody(SubmitBody, kw_only=True):
    """An image after 1 to 14 others."""

    prompt: str
    reference_images: list[ImageText]
    image_size: str | None = None
    aspect_ratio: str | None = None


class EditBody(SubmitBody, kw_only=True):
    """Repaint an image, or the white part of ``mask`` in it."""

    prompt: str
    image: ImageText
    mask: ImageText | None = None
    edit_mode: str | None = None


class UpscaleBody(SubmitBody, kw_only=True):
    """Make an image larger."""

    image: ImageText
    upscale_factor: str | None = None
    prompt: str | None = None


class RecontextBody(SubmitBody, kw_only=True):
    """Put what an image shows into another scene."""

    prompt: str
    image: ImageText


class SegmentBody(SubmitBody, kw_only=True):
    """Mark what an image shows."""

    image: ImageText
    prompt: str | None = None
    mode: str | None = None


class ModelBody(Body, kw_only=True):
    """A model of a provider; ``capabilities`` left out: from the catalogue. An answer's may be sent back."""

    id: ModelId
    name: Annotated[str, Meta(max_length=200)] = ""
    default: bool = False
    capabilities: list[str] | None = None
    limits: Shown = UNSET
    parameters: Shown = UNSET
    accepts_extras: Shown = UNSET
    lifecycle: Shown = UNSET


class ProviderConfigBody(Body, kw_only=True):
    """A provider's configuration. On an update, what is left out stays as it was.

    What an answer showed may be sent back whole: keys in their masks stay, and what is only shown is ignored.
    """

    provider_name: Annotated[str, Meta(pattern="^[a-z0-9._-]{1,64}$")]
    kind: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType | None = UNSET
    display_name: Annotated[str, Meta(max_length=200)] | UnsetType | None = UNSET
    api_base: Annotated[str, Meta(max_length=2048)] | UnsetType | None = UNSET
    api_key: Annotated[str, Meta(max_length=8192)] | UnsetType | None = UNSET
    models: Annotated[list[ModelBody], Meta(max_length=200)] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    timeout_seconds: Annotated[float, Meta(gt=0, le=3600)] | UnsetType | None = UNSET
    max_retries: Annotated[int, Meta(ge=0, le=10)] | UnsetType | None = UNSET
    extra_config: dict[str, Any] | UnsetType | None = UNSET
    has_api_key: Shown = UNSET
    source: Shown = UNSET
    warnings: Shown = UNSET
    created_at: Shown = UNSET
    updated_at: Shown = UNSET


class ToggleBody(Body, kw_only=True):
    """Switches a provider on or off."""

    enabled: bool


class StorageBody(Body, kw_only=True):
    """Something to do to the stores; in a dry run, nothing is changed."""

    dry_run: bool = False


class VerifyBody(StorageBody, kw_only=True):
    """``checksums``: read every local file whole; else only sizes are compared."""

    checksums: bool = True
