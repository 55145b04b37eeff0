"""Requests that are turned down, each a row of the table of errors."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from imagegen_core.errors.imagegen_error import ImagegenError
from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS
from imagegen_core.messages import Language, Message
from imagegen_core.problems.refusals import RefusalCode


class Refusal(ImagegenError):
    """A request that was turned down; nothing was stored, nothing was sent.

    ``slug`` names the row of the error table, ``reason`` is what to say of this request, and ``data`` holds
    what the row adds. ``hint`` is what the caller can do about this request, in place of the row's.
    """

    slug: ClassVar[str] = "validation_failed"

    def __init__(self, reason: Message, /, **data: Any) -> None:
        super().__init__(reason)
        self.data: Mapping[str, Any] = data
        self.hint: Message | None = None

    @property
    def advice(self) -> Message:
        """The reason, and what can be done about it, where no hint is shown beside it."""
        if self.hint is None:
            return self.reason
        return RefusalCode.PROBLEMS(problems=(self.reason, self.hint))

    @property
    def message(self) -> str:
        """The reason in English; `Message.text` of ``reason`` has the others."""
        return self.reason.text(Language.EN)


class ProviderNotConfigured(Refusal):
    """No configuration for this provider, or an address or a key is missing in it."""

    slug = "provider_not_configured"

    def __init__(self, provider: str, reason: Message | None = None) -> None:
        reason = reason or RefusalCode.NO_CONFIGURATION()
        super().__init__(RefusalCode.PROVIDER_UNUSABLE(provider=provider, reason=reason), provider=provider)


class ProviderDisabled(Refusal):
    """The provider exists and is switched off."""

    slug = "provider_disabled"

    def __init__(self, provider: str) -> None:
        super().__init__(RefusalCode.PROVIDER_DISABLED(provider=provider), provider=provider)


class ModelNotAvailable(Refusal):
    """The model is not among the provider's models."""

    slug = "model_not_available"

    def __init__(self, model_id: str, models: tuple[str, ...]) -> None:
        super().__init__(RefusalCode.MODEL_NOT_AVAILABLE(model=model_id, models=models), models=list(models))


class UnsupportedOperation(Refusal):
    """This provider or model cannot do that operation."""

    slug = "unsupported_operation"

    def __init__(self, operation: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            RefusalCode.UNSUPPORTED_OPERATION(operation=str(operation), supported=supported),
            operation=str(operation),
            supported=list(supported),
        )


class InvalidImage(Refusal):
    """An input image is not PNG, JPEG or WebP, is truncated, or is too large."""

    slug = "invalid_image"

    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(RefusalCode.PROBLEM(field=field, reason=reason), field=field)


class ReferenceCount(Refusal):
    """Fewer than one reference, or more than the model takes."""

    slug = "reference_count"

    def __init__(self, count: int, maximum: int) -> None:
        super().__init__(RefusalCode.REFERENCE_COUNT(count=count, maximum=maximum), max=maximum)


class ApiKeyRequired(Refusal):
    """A secret would get further than where it was given for; ``secret`` is its `SecretKind`."""

    slug = "api_key_required"

    def __init__(self, provider: str, secret: str, target: Message | str) -> None:
        name, remedy = _LEAKS[secret]
        reason = RefusalCode.STRAY_SECRET(provider=provider, secret=name(), target=target, remedy=remedy())
        super().__init__(reason, secret=secret)


_LEAKS: Mapping[str, tuple[RefusalCode, RefusalCode]] = MappingProxyType(
    {
        "api_key": (RefusalCode.SAVED_KEY, RefusalCode.SEND_API_KEY),
        "headers": (RefusalCode.SECRET_HEADERS, RefusalCode.SEND_HEADERS),
        "proxy": (RefusalCode.PROXY_PASSWORD, RefusalCode.SEND_PROXY),
        "credentials": (RefusalCode.MACHINE_CREDENTIALS, RefusalCode.SEND_API_KEY),
    }
)
"""Of each secret, what it is and what a caller can do about it."""


class UpstreamNotAllowed(Refusal):
    """The address is private, loopback, link-local or metadata, and not allow-listed."""

    slug = "upstream_not_allowed"


class IdempotencyKeyReused(Refusal):
    """The key was used for another body."""

    slug = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(RefusalCode.KEY_REUSED())


class QueueFull(Refusal):
    """As many tasks wait as may wait."""

    slug = "queue_full"

    def __init__(self, queue_size: int) -> None:
        super().__init__(RefusalCode.QUEUE_FULL(count=queue_size), queue_size=queue_size)


class Unavailable(Refusal):
    """Shutting down, locked, or a budget is used up: try again later."""

    slug = "unavailable"


class KeysLocked(Unavailable):
    """The master key that opens a saved secret is missing or wrong; it opens again with the right one."""


class InsufficientStorage(Refusal):
    """Too little disk is left to keep the result of a paid call."""

    slug = "insufficient_storage"

    def __init__(self) -> None:
        super().__init__(RefusalCode.DISK_FULL())


class TaskNotFound(Refusal):
    """No task has this id."""

    slug = "task_not_found"

    def __init__(self, task_id: str) -> None:
        super().__init__(RefusalCode.NO_TASK(task_id=task_id))


class ImageNotFound(Refusal):
    """No image has this id, or it was deleted."""

    slug = "image_not_found"

    def __init__(self, image_id: int | str) -> None:
        super().__init__(RefusalCode.NO_IMAGE(image_id=image_id))


class CollectionNotFound(Refusal):
    """No collection has this id, or it was deleted."""

    slug = "collection_not_found"

    def __init__(self, collection_id: int | str) -> None:
        super().__init__(RefusalCode.NO_COLLECTION(collection=collection_id))


class CollectionExists(Refusal):
    """Another collection has this name, as far as names are the same."""

    slug = "collection_exists"

    def __init__(self, name: str, collection_id: int) -> None:
        super().__init__(
            RefusalCode.COLLECTION_EXISTS(name=name, collection=collection_id), collection=collection_id
        )


class TooManyCollections(Refusal):
    """There are as many collections as there may be."""

    slug = "too_many_collections"

    def __init__(self) -> None:
        super().__init__(RefusalCode.TOO_MANY_COLLECTIONS(maximum=MAX_COLLECTIONS), max=MAX_COLLECTIONS)


class TooManyTags(Refusal):
    """Some images would have more tags than one may have; nothing was changed."""

    slug = "too_many_tags"

    def __init__(self, image_ids: tuple[int, ...]) -> None:
        super().__init__(
            RefusalCode.TOO_MANY_TAGS(images=image_ids, maximum=MAX_TAGS),
            max=MAX_TAGS,
            images=list(image_ids),
        )


class InputNotFound(Refusal):
    """The task has no such input image, or its bytes are no longer there."""

    slug = "image_not_found"

    def __init__(self, task_id: str, index: int) -> None:
        super().__init__(RefusalCode.NO_INPUT(task_id=task_id, index=index))


class ResponseNotKept(Refusal):
    """Nothing was kept of the answers to the task's calls, or it was removed after a week."""

    slug = "response_not_kept"

    def __init__(self, task_id: str, index: int) -> None:
        super().__init__(RefusalCode.NO_KEPT_RESPONSE(task_id=task_id, index=index))


class ProviderConfigNotFound(Refusal):
    """No saved configuration has this name."""

    slug = "provider_config_not_found"

    def __init__(self, provider: str) -> None:
        super().__init__(RefusalCode.NO_SAVED_PROVIDER(provider=provider))
