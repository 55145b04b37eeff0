"""A provider's configuration, as bodies have it."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from imagegen_core.limits import (
    MAX_API_BASE_CHARS,
    MAX_API_KEY_CHARS,
    MAX_DISPLAY_NAME_CHARS,
    MAX_KIND_CHARS,
    MAX_MODEL_NAME_CHARS,
    MAX_MODELS,
    MAX_RETRIES,
    MAX_TIMEOUT_SECONDS,
)
from imagegen_core.operations import Operation
from imagegen_core.providers.config_checks import PROVIDER_NAME_PATTERN
from imagegen_http.answers.fields import JsonObject, doc
from imagegen_http.api.bodies.fields import API_BASE_PATTERN, Body, ModelId, Shown


class ModelBody(Body, frozen=True, kw_only=True):
    """A model of a provider; ``capabilities`` left out: from the catalogue. An answer's may be sent back."""

    id: ModelId
    name: Annotated[str, Meta(max_length=MAX_MODEL_NAME_CHARS), doc("its name for people")] = ""
    default: Annotated[bool, doc("whether a task goes to it that names no model")] = False
    capabilities: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": [*Operation]})]] | None,
        doc("the operations that it takes"),
    ] = None
    limits: Shown = UNSET
    parameters: Shown = UNSET
    form: Shown = UNSET
    sizes: Shown = UNSET
    accepts_extras: Shown = UNSET
    lifecycle: Shown = UNSET
    price: Shown = UNSET
    facts_read: Shown = UNSET


class ProviderConfigBody(Body, frozen=True, kw_only=True):
    """A provider's configuration. On an update, what is left out stays as it was.

    What an answer showed may be sent back whole: keys in their masks stay, and what is only shown is ignored.
    """

    provider_name: Annotated[
        str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$"), doc("name of the provider", "my-demo")
    ]
    kind: (
        Annotated[
            str, Meta(min_length=1, max_length=MAX_KIND_CHARS), doc("which adapter speaks to it", "demo")
        ]
        | UnsetType
        | None
    ) = UNSET
    display_name: (
        Annotated[str, Meta(max_length=MAX_DISPLAY_NAME_CHARS), doc("its name for people", "My demo")]
        | UnsetType
        | None
    ) = UNSET
    api_base: (
        Annotated[
            str,
            Meta(max_length=MAX_API_BASE_CHARS),
            doc("address of its API, with the path", pattern=f"^($|{API_BASE_PATTERN})"),
        ]
        | UnsetType
        | None
    ) = UNSET
    api_key: (
        Annotated[
            str, Meta(max_length=MAX_API_KEY_CHARS), doc("its key; an answer's mask leaves it", minLength=1)
        ]
        | UnsetType
        | None
    ) = UNSET
    models: (
        Annotated[list[ModelBody], Meta(max_length=MAX_MODELS), doc("its models; left out: the known ones")]
        | UnsetType
        | None
    ) = UNSET
    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)] | UnsetType = UNSET
    timeout_seconds: (
        Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS), doc("how long one call may take", 60)]
        | UnsetType
        | None
    ) = UNSET
    max_retries: (
        Annotated[
            int, Meta(ge=0, le=MAX_RETRIES), doc("how often a call that started nothing is sent again", 3)
        ]
        | UnsetType
        | None
    ) = UNSET
    extra_config: (
        Annotated[JsonObject, doc("settings of its kind: `preset`, `spec`, `headers`, `max_concurrency`, …")]
        | UnsetType
        | None
    ) = UNSET
    has_api_key: Shown = UNSET
    source: Shown = UNSET
    warnings: Shown = UNSET
    created_at: Shown = UNSET
    updated_at: Shown = UNSET


class ToggleBody(Body, frozen=True, kw_only=True):
    """Switches a provider on or off."""

    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)]


class SettingsBody(Body, frozen=True, kw_only=True):
    """The setting that can be saved."""

    default_provider: Annotated[
        Annotated[str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$")] | None,
        doc("where a task goes that names no provider; null: as `config.yaml` says", "demo"),
    ]


class OverrideBody(Body, frozen=True, kw_only=True):
    """A configuration for one task alone; kept encrypted until the task ends, then wiped."""

    api_base: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_API_BASE_CHARS),
            doc("address of the provider's API", pattern=f"^{API_BASE_PATTERN}"),
        ]
        | None
    ) = None
    api_key: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_API_KEY_CHARS),
            doc("key of the provider's API; needed where `api_base` names another origin"),
        ]
        | None
    ) = None
    timeout: (
        Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS), doc("seconds that one call may take")] | None
    ) = None
    max_retries: (
        Annotated[int, Meta(ge=0, le=MAX_RETRIES), doc("how often a call that started nothing is sent again")]
        | None
    ) = None
