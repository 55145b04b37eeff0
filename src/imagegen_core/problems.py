"""What can be wrong: with a field, a request, a store, a task; each a sentence in both languages."""

import attrs

from imagegen_core.messages import Language, Message, MessageCode


@attrs.frozen
class Problem:
    """One thing that is wrong with a request: the field's dotted path, and what is wrong with it."""

    field: str
    reason: Message

    @property
    def message(self) -> str:
        """The sentence in English; `Message.text` of ``reason`` has the others."""
        return self.reason.text(Language.EN)


class JsonType(MessageCode, words="imagegen_core"):
    """What a value must be."""


class ProblemCode(MessageCode, words="imagegen_core"):
    """What can be wrong with a field. Each sentence goes on after the field's name."""


def range_problem(
    number: float, *, minimum: float | None = None, maximum: float | None = None
) -> Message | None:
    """Return what is wrong with a number that has bounds, which are inclusive; None if it is within them."""
    if minimum is not None and not number >= minimum:  # so that NaN is refused, too
        return ProblemCode.TOO_SMALL(minimum=minimum)
    if maximum is not None and number > maximum:
        return ProblemCode.TOO_LARGE(maximum=maximum)
    return None


class RefusalCode(MessageCode, words="imagegen_core"):
    """Why a request was turned down, or cannot be served now."""


class StorageCode(MessageCode, words="imagegen_core"):
    """Why a store could not keep or give bytes, or the state of a task."""


class FailureReason(MessageCode, words="imagegen_core"):
    """Why a task or one of its calls failed, where this service says so and not a provider."""


class WarningCode(MessageCode, words="imagegen_core"):
    """What a caller should know of a task or a configuration that is none the worse for it."""
