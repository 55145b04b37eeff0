"""The operator's headers in ``extra_config.headers``, which are sent with each call."""

from collections.abc import Mapping

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.config import ProviderConfig


def configured_headers(config: ProviderConfig) -> dict[str, str]:
    """Return the headers by lower-case name.

    Raises:
        ValidationFailed: they are not an object of strings.
    """
    headers = config.extra_config.get("headers") or {}
    are_strings = isinstance(headers, Mapping) and all(
        isinstance(t, str) for pair in headers.items() for t in pair
    )
    if not are_strings:
        raise ValidationFailed.for_field("extra_config.headers", ProblemCode.NOT_STRINGS())
    return {name.lower(): value for name, value in headers.items()}
