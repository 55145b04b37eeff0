"""A call to a provider that ended badly."""

from imagegen_core.errors.imagegen_error import ImagegenError
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import Message, as_message


class CallError(ImagegenError):
    """One call to a provider that did not end in an image.

    Args:
        code: what the task will show.
        reason: what to say about it, redacted; a bare text is the provider's own words.
        not_started: the answer (or that no connection could be made) proves that the provider
            started nothing, so the same call may be sent again.
        retry_after: seconds that the provider asked us to wait.
        upstream_status: HTTP status of the provider's answer.
        upstream_code: the provider's own error code.
        possible_charge: overrides what `code` says about money.
        resendable: overrides ``not_started`` where an operator chose to send again what nobody knows.
        is_transient: trouble of the line, while something that is free was fetched; it may be had later.
    """

    def __init__(
        self,
        code: FailureCode,
        reason: Message | str,
        *,
        not_started: bool = False,
        retry_after: float | None = None,
        upstream_status: int | None = None,
        upstream_code: str | None = None,
        possible_charge: bool | None = None,
        resendable: bool | None = None,
        is_transient: bool = False,
    ) -> None:
        super().__init__(as_message(reason))
        self.not_started = not_started
        self.resendable = not_started if resendable is None else resendable
        self.retry_after = retry_after
        self.is_transient = is_transient
        charge = code.possible_charge if possible_charge is None else possible_charge
        self.failure = Failure(
            code=code,
            reason=self.reason,
            retryable=code.retryable,
            possible_charge=charge and not not_started,
            upstream_status=upstream_status,
            upstream_code=upstream_code,
        )

    def because(self, reason: Message) -> "CallError":
        """Return the error of a call that may have been charged with another reason."""
        return CallError(
            self.failure.code,
            reason,
            upstream_status=self.failure.upstream_status,
            upstream_code=self.failure.upstream_code,
            possible_charge=self.failure.possible_charge,
            is_transient=self.is_transient,
        )
