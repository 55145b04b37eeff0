"""The ``extra_config`` of kind ``gemini``."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import attrs

from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.problems import JsonType, ProblemCode

DEVELOPER_BASE = "https://generativelanguage.googleapis.com"
DEFAULT_INLINE_MB = 20
"""The long-documented limit of a request with inline images: https://ai.google.dev/gemini-api/docs/image-understanding."""

_MAX_INLINE_MB = 500

EXTRA_KEYS = frozenset({"backend", "project", "location", "credentials_file", "api_version", "max_inline_mb"})
"""The keys of ``extra_config`` that are read."""

_VERSION_IN_PATH = re.compile(r"(.*)/(v\d+(?:(?:alpha|beta)\d*)?)")
_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}")
_LOCATION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""A location becomes one label of a host name."""

_MULTI_REGIONS = ("us", "eu")


class Backend(StrEnum):
    """Which of Google's two services is called."""

    DEVELOPER = "developer"
    VERTEX = "vertex"


@attrs.frozen(kw_only=True)
class GeminiSettings:
    """The validated ``extra_config``.

    ``max_inline_bytes`` limits the images sent with one request, before base64.
    """

    backend: Backend = Backend.DEVELOPER
    project: str | None = None
    location: str | None = None
    credentials_file: str | None = None
    api_version: str | None = None
    max_inline_bytes: int = DEFAULT_INLINE_MB * 1024 * 1024

    @classmethod
    def from_config(cls, config: ProviderConfig) -> "GeminiSettings":
        """Read ``config.extra_config``; keys of the service itself are ignored.

        Raises:
            ValidationFailed: with the path inside ``extra_config``.
        """
        extra = config.extra_config
        settings = cls(
            backend=_backend(extra.get("backend")),
            project=_text("project", extra.get("project"), _NAME),
            location=_text("location", extra.get("location"), _LOCATION),
            credentials_file=_text("credentials_file", extra.get("credentials_file")),
            api_version=_text("api_version", extra.get("api_version"), _VERSION),
            max_inline_bytes=_megabytes("max_inline_mb", extra.get("max_inline_mb")),
        )
        settings._check_project()
        return settings

    def _check_project(self) -> None:
        vertex_settings = {
            "project": self.project,
            "location": self.location,
            "credentials_file": self.credentials_file,
        }
        present = [name for name, value in vertex_settings.items() if value is not None]
        if self.backend is Backend.DEVELOPER:
            if present:
                raise _invalid(present[0], GeminiCode.VERTEX_ONLY())
        elif present and not (self.project and self.location):
            missing = "location" if self.project else "project"
            raise _invalid(missing, GeminiCode.PROJECT_WITHOUT_LOCATION())

    @property
    def uses_credentials(self) -> bool:
        """Whether Google's credentials may be used instead of an API key."""
        return self.project is not None

    @property
    def credentials(self) -> str | None:
        """Which of Google's credentials are used, and for whom; None if only a key is."""
        if not self.uses_credentials:
            return None
        return f"{self.credentials_file or 'application default'} for {self.project}/{self.location}"

    def foreign_models(self, model_ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of the models that are in another project or location, each by its full name."""
        own = f"projects/{self.project}/locations/{self.location}/"
        return tuple(m for m in model_ids if m.startswith("projects/") and not m.startswith(own))

    @property
    def default_api_base(self) -> str:
        """The address of the service if the configuration has none."""
        if self.backend is Backend.DEVELOPER:
            return DEVELOPER_BASE
        if self.location in (None, "global"):
            return "https://aiplatform.googleapis.com"
        if self.location in _MULTI_REGIONS:
            return f"https://aiplatform.{self.location}.rep.googleapis.com"
        return f"https://{self.location}-aiplatform.googleapis.com"

    def address(self, api_base: str | None) -> tuple[str, str]:
        """Return base URL and API version; a version at the end of ``api_base`` replaces the default one."""
        base = (api_base or self.default_api_base).rstrip("/")
        default = "v1" if self.backend is Backend.DEVELOPER else "v1beta1"
        match = _VERSION_IN_PATH.fullmatch(base)
        if match:
            base, default = match[1], match[2]
        return base, self.api_version or default


def _invalid(name: str, reason: Message) -> ValidationFailed:
    return ValidationFailed.for_field(f"extra_config.{name}", reason)


def _backend(value: Any) -> Backend:
    if value is None:
        return Backend.DEVELOPER
    if value not in tuple(Backend):
        raise _invalid("backend", ProblemCode.NOT_ONE_OF(choices=tuple(Backend)))
    return Backend(value)


def _text(name: str, value: Any, pattern: re.Pattern[str] | None = None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise _invalid(name, ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),)))
    if pattern is not None and not pattern.fullmatch(value):
        raise _invalid(name, GeminiCode.IMPOSSIBLE_CHARACTERS())
    return value


def _megabytes(name: str, value: Any) -> int:
    if value is None:
        return DEFAULT_INLINE_MB * 1024 * 1024
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _MAX_INLINE_MB:
        raise _invalid(name, GeminiCode.NOT_MEGABYTES(maximum=_MAX_INLINE_MB))
    return int(value * 1024 * 1024)
