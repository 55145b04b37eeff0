"""Configuration of a provider: three layers, combined field by field."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_SECONDS,
    MAX_DISPLAY_NAME_CHARS,
    MAX_KIND_CHARS,
)
from imagegen_core.operations import Operation
from imagegen_core.problems.fields import Problem
from imagegen_core.providers.addresses import check_api_base
from imagegen_core.providers.config_checks import (
    check_models,
    check_provider_name,
    check_retries,
    check_service_settings,
    check_timeout,
)
from imagegen_core.providers.secrets import MASK, Secret
from imagegen_core.text_problems import check_name, check_text, text_problems
from imagegen_core.values.frozen_mappings import frozen_mapping

_EXCLUSIVE = ("preset", "spec")
"""Keys of ``extra_config`` of which an upper layer's one drives out a lower layer's other."""

PROVIDER_FIELDS = (
    "kind",
    "display_name",
    "api_base",
    "api_key",
    "models",
    "enabled",
    "timeout_seconds",
    "max_retries",
    "extra_config",
)
"""What whoever configures a provider may say of it."""

MASKED_SETTINGS = ("credentials_file",)
"""Keys of ``extra_config`` that hold paths of this machine, which only ``config.yaml`` may set."""

_SECRET_WORDS = ("auth", "key", "token", "secret", "cookie", "password", "credential")


class ConfigSource(StrEnum):
    """Where a configuration came from, strongest first."""

    REQUEST = "request"
    DATABASE = "database"
    FILE = "file"


@attrs.frozen(kw_only=True)
class ModelEntry:
    """A model as a configuration names it; ``capabilities`` None means: from the catalogue."""

    id: str
    name: str = ""
    default: bool = False
    capabilities: tuple[Operation, ...] | None = None


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """One layer of a provider's configuration, or several combined. None means "not said here".

    It checks itself when it is made, unless it ``is_unchecked``: made of what was checked before, such as of
    other layers, or of what a version before this one has stored, which is still to be shown and finished.
    ``key_origin`` is what a saved key was given for. One that ``is_sent`` only finishes a call that is paid
    for, and was checked by the version that sent it.

    Raises:
        ValidationFailed: a field holds what no provider can be configured with, with its path.
    """

    provider_name: str
    source: ConfigSource
    kind: str | None = None
    display_name: str | None = None
    api_base: str | None = None
    api_key: Secret | None = None
    models: tuple[ModelEntry, ...] | None = None
    enabled: bool | None = None
    timeout_seconds: float | None = None
    max_retries: int | None = None
    extra_config: Mapping[str, Any] = attrs.field(
        factory=dict, converter=frozen_mapping, repr=lambda extra: repr(masked_extra(extra))
    )
    created_at: datetime | None = None
    updated_at: datetime | None = None
    key_origin: str | None = attrs.field(default=None, eq=False)
    is_unchecked: bool = attrs.field(default=False, eq=False, repr=False)
    is_sent: bool = attrs.field(default=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.is_unchecked:
            self.check()
            if self.api_base:
                object.__setattr__(self, "api_base", check_api_base(self.api_base))
            check_texts({name: getattr(self, name) for name in ("display_name", "models", "extra_config")})

    def check(self) -> None:
        """Check every field by itself; what only adapters know, `ProviderKinds.check` does.

        Raises:
            ValidationFailed: with the path of the field.
        """
        check_provider_name(self.provider_name)
        if self.kind is not None:
            check_text("kind", self.kind, minimum=1, maximum=MAX_KIND_CHARS)
        if self.display_name is not None:
            check_name("display_name", self.display_name, minimum=0, maximum=MAX_DISPLAY_NAME_CHARS)
        if self.api_base:
            check_api_base(self.api_base)
        if self.api_key is not None:
            self.api_key.check()
        if self.models is not None:
            check_models(self.models)
        if self.timeout_seconds is not None:
            check_timeout(self.timeout_seconds)
        if self.max_retries is not None:
            check_retries(self.max_retries)
        check_service_settings(self.extra_config)
        if "prices" in self.extra_config:
            from imagegen_core.providers.prices import prices_of  # few have any, and each command loads this

            prices_of(self.extra_config)

    @property
    def timeout(self) -> float:
        """Seconds that one call may take."""
        return DEFAULT_TIMEOUT_SECONDS if self.timeout_seconds is None else self.timeout_seconds

    @property
    def retries(self) -> int:
        """How often a call that started nothing is sent again."""
        return DEFAULT_MAX_RETRIES if self.max_retries is None else self.max_retries

    @property
    def is_enabled(self) -> bool:
        """Whether tasks may use it; True unless somebody switched it off."""
        return self.enabled is not False

    def changes(self, below: "ProviderConfig") -> bool:
        """Return whether anything that is said here differs from what holds without it."""
        effective = attrs.evolve(below, timeout_seconds=below.timeout, max_retries=below.retries)
        changed = attrs.evolve(effective, **_set_fields(self), extra_config=_merged(self, effective))
        return changed != effective


def check_texts(fields: Mapping[str, Any]) -> None:
    """Refuse text that no database holds, in fields of `ProviderConfig` by name.

    Raises:
        ValidationFailed: with the path of each.
    """
    plain = {
        name: [attrs.asdict(model) for model in value] if name == "models" and value else value
        for name, value in fields.items()
    }
    if problems := [Problem(field=field, reason=reason) for field, reason in text_problems(plain)]:
        raise ValidationFailed(*problems)


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name is taken for a secret: masked, and bound to its origin."""
    return any(word in name.lower() for word in _SECRET_WORDS)


def masked_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``extra_config`` with secret-looking header values and the proxy's password masked.

    So are `MASKED_SETTINGS`.
    """
    masked = dict(extra)
    for name in MASKED_SETTINGS:
        if masked.get(name) is not None:
            masked[name] = MASK
    if isinstance(headers := masked.get("headers"), dict):
        masked["headers"] = {
            name: MASK if is_secret_header(name) else value for name, value in headers.items()
        }
    proxy = masked.get("proxy")
    if isinstance(proxy, str) and "@" in proxy:
        scheme, _, rest = proxy.partition("://")
        masked["proxy"] = f"{scheme}://{MASK}@{rest.rpartition('@')[2]}"
    return masked


def without_secret_headers(config: ProviderConfig, *, but: Collection[str] = ()) -> ProviderConfig:
    """Return the configuration without its secret headers, except for those named in ``but``."""
    headers = config.extra_config.get("headers")
    if not headers:
        return config
    combined_extra = {
        name: text for name, text in headers.items() if name in but or not is_secret_header(name)
    }
    return attrs.evolve(config, extra_config={**config.extra_config, "headers": combined_extra})


def split_secrets(extra: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ``extra_config`` as what may be read by anybody and what may not; `with_secrets` joins them.

    The second holds secret headers and a proxy that names a user, and is empty when there are none.
    """
    public, secret = dict(extra), {}
    headers = extra.get("headers")
    if isinstance(headers, Mapping) and any(map(is_secret_header, headers)):
        public["headers"] = {name: text for name, text in headers.items() if not is_secret_header(name)}
        secret["headers"] = {name: text for name, text in headers.items() if is_secret_header(name)}
    if "@" in str(extra.get("proxy")):
        secret["proxy"] = public.pop("proxy")
    return public, secret


def with_secrets(public: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``extra_config`` that `split_secrets` took apart."""
    extra = {**public, **secret}
    if "headers" in secret:
        extra["headers"] = {**public.get("headers", {}), **secret["headers"]}
    return extra


def combine(layers: Sequence[ProviderConfig]) -> ProviderConfig:
    """Return the layers, strongest first and at least one, as one configuration.

    Every field is the strongest layer's that says it; ``extra_config`` is merged key by key.
    `LayeredSecret` tells where each layer's secrets may go.
    """
    combined = attrs.evolve(layers[-1], is_unchecked=True)
    for layer in reversed(layers[:-1]):
        combined = attrs.evolve(combined, **_set_fields(layer), extra_config=_merged(layer, combined))
    return attrs.evolve(combined, source=layers[0].source)


def _set_fields(layer: ProviderConfig) -> dict[str, Any]:
    names = {*PROVIDER_FIELDS, "created_at", "updated_at"} - {"extra_config"}
    return {name: value for name in names if (value := getattr(layer, name)) is not None}


def _merged(upper: ProviderConfig, lower: ProviderConfig) -> dict[str, Any]:
    combined_extra = dict(lower.extra_config)
    if any(name in upper.extra_config for name in _EXCLUSIVE):
        for name in _EXCLUSIVE:
            combined_extra.pop(name, None)
    return {**combined_extra, **upper.extra_config}
