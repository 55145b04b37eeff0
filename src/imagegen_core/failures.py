"""Why a task failed, whether the same request may succeed later, and whether it may have been charged."""

from enum import StrEnum
from typing import Self

import attrs

from imagegen_core.messages import Language, Message, as_message
from imagegen_core.values.valid_text import valid_text

MAX_MESSAGE_CHARS = 500
"""Maximum length of a provider's message that is stored."""


class FailureCode(StrEnum):
    """The stable codes of ``task.error.code``.

    ``retryable``: the same request may succeed later without a change.
    ``possible_charge``: the provider may have charged for the call.
    """

    retryable: bool
    possible_charge: bool

    def __new__(cls, value: str, retryable: bool, possible_charge: bool) -> Self:  # noqa: FBT001 - enum rows
        """Return the member of one row below."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.retryable = retryable
        member.possible_charge = possible_charge
        return member

    #                          value                       retryable  possible_charge
    PROVIDER_NOT_CONFIGURED = "provider_not_configured", False, False
    PROVIDER_DISABLED = "provider_disabled", False, False
    REJECTED = "rejected", False, False
    CONTENT_POLICY = "content_policy", False, False
    AUTH_FAILED = "auth_failed", False, False
    QUOTA_EXHAUSTED = "quota_exhausted", True, False
    RATE_LIMITED = "rate_limited", True, False
    UNAVAILABLE = "unavailable", True, False
    TIMEOUT = "timeout", True, True
    OUTCOME_UNKNOWN = "outcome_unknown", True, True
    BAD_RESPONSE = "bad_response", True, True
    DOWNLOAD_FAILED = "download_failed", True, True
    INVALID_IMAGE = "invalid_image", False, True
    STORAGE_FAILED = "storage_failed", True, True
    CANCELLED = "cancelled", True, False
    RESULT_EXPIRED = "result_expired", True, True
    INTERNAL = "internal", False, False


@attrs.frozen(kw_only=True)
class Failure:
    """The ``error`` of a task; its ``reason`` must already be redacted."""

    code: FailureCode
    reason: Message = attrs.field(converter=as_message)
    retryable: bool
    possible_charge: bool
    upstream_status: int | None = None
    upstream_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(valid_text))

    @classmethod
    def from_code(
        cls, code: FailureCode, reason: Message | str, *, possible_charge: bool | None = None
    ) -> "Failure":
        """Return the failure; ``code`` decides whether it is retryable and, by default, a possible charge.

        A plain string as ``reason`` is upstream text.
        """
        charge = code.possible_charge if possible_charge is None else possible_charge
        return cls(code=code, reason=reason, retryable=code.retryable, possible_charge=charge)

    @property
    def message(self) -> str:
        """The reason in English; `Message.text` of ``reason`` has the others."""
        return self.reason.text(Language.EN)
