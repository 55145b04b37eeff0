"""Every way a request can be turned down and a call can end badly, and the checks of text and names.

::

    ImagegenError
    ├── Refusal                  turned down before anything was stored or sent
    │   ├── ValidationFailed       ├── ApiKeyRequired        ├── NotFound
    │   │   └── ProviderEnded      ├── UpstreamNotAllowed    │   ├── TaskNotFound
    │   ├── ProviderNotConfigured  ├── IdempotencyKeyReused  │   ├── ImageNotFound
    │   ├── ProviderDisabled       ├── QueueFull             │   ├── ThumbnailNotFound
    │   ├── ModelNotAvailable      ├── InsufficientStorage   │   ├── CollectionNotFound
    │   ├── UnsupportedOperation   ├── CollectionExists      │   ├── ProviderConfigNotFound
    │   ├── ReferenceCount         ├── TooManyCollections    │   ├── WebhookNotFound
    │   ├── InvalidImage           ├── TooManyTags           │   ├── DeliveryNotFound
    │   ├── InputNotFound          ├── TooManyWebhooks       │   ├── BatchNotFound
    │   ├── ResponseNotKept        ├── TaskNotRecallable     │   └── StyleNotFound
    │   └── Unavailable
    │       └── KeysLocked
    ├── CallError                one call to a provider did not end in an image
    ├── IllegalTransition        a task or an attempt was asked to do what its state forbids
    ├── StaleTask                somebody else changed the task first
    ├── BlobMissing              a store was asked for a key that it does not hold
    └── StorageError             a store could not keep or give bytes
        ├── StorageFull              there is no room; there will be once somebody makes some
        ├── StorageUnreachable       it may well be able to later
        └── StorageBroken            this process cannot use it any more

A `Refusal` names a row of the API's error table by its ``slug``; a `CallError` carries the
`FailureCode` that the task will show. Neither ever holds a key or a path.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

import attrs

from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS, MAX_WEBHOOKS
from imagegen_core.messages import (
    JsonType,
    Language,
    Message,
    Problem,
    ProblemCode,
    RefusalCode,
    StorageCode,
    as_message,
    range_problem,
    words_of,
)
from imagegen_core.values import valid_text

__path__: list[str] = []  # whoever imports what was here is told what moved


class ImagegenError(Exception):
    """The root of all that this library raises on purpose; ``reason`` says why, in every language."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(self.message)

    @property
    def message(self) -> str:
        return self.reason.text(Language.EN)


MAX_MESSAGE_CHARS = 500  # of a provider's message that is stored


class FailureCode(StrEnum):
    """The stable codes of ``task.error.code``.

    ``retryable``: the same request may succeed later without a change.
    ``possible_charge``: the provider may have charged for the call.
    """

    retryable: bool
    possible_charge: bool
    en: str
    zh: str

    def __new__(cls, value: str, retryable: bool, possible_charge: bool) -> Self:  # noqa: FBT001 - enum rows
        member = str.__new__(cls, value)
        member._value_ = value
        member.retryable = retryable
        member.possible_charge = possible_charge
        member.en, member.zh = words_of("imagegen_core")["FailureCode"][value]
        return member

    # value, retryable, possible_charge
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


@attrs.frozen
class Failure:
    """The ``error`` of a task; its ``reason`` must already be redacted.

    ``code`` says by default whether it is retryable and a possible charge.
    """

    code: FailureCode
    reason: Message = attrs.field(converter=as_message)
    retryable: bool = attrs.field(
        default=attrs.Factory(lambda self: self.code.retryable, takes_self=True), kw_only=True
    )
    possible_charge: bool = attrs.field(
        default=attrs.Factory(lambda self: self.code.possible_charge, takes_self=True), kw_only=True
    )
    upstream_status: int | None = None
    upstream_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(valid_text))

    @property
    def message(self) -> str:
        return self.reason.text(Language.EN)


class CallError(ImagegenError):
    """One call to a provider that did not end in an image.

    Args:
        code: what the task will show.
        reason: must be redacted; a bare text is the provider's own words.
        not_started: it is proven that the provider started nothing, so the call may be sent again.
        retry_after: seconds that the provider asked us to wait.
        possible_charge: overrides what ``code`` says about money.
        resendable: overrides ``not_started`` where an operator chose to send again what nobody knows.
        is_transient: trouble of the line during a free download, or an outage of a store; it may work later.
        is_gone: the provider says that it has no such model, or no longer.
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
        is_gone: bool = False,
    ) -> None:
        super().__init__(as_message(reason))
        self.is_gone = is_gone
        self.not_started = not_started
        self.resendable = not_started if resendable is None else resendable
        self.retry_after = retry_after
        self.is_transient = is_transient
        self.is_outage = is_transient and code is FailureCode.STORAGE_FAILED
        charge = code.possible_charge if possible_charge is None else possible_charge
        self.failure = Failure(
            code,
            self.reason,
            possible_charge=charge and not not_started,
            upstream_status=upstream_status,
            upstream_code=upstream_code,
        )

    @classmethod
    def of_store(cls, reason: Message, error: ImagegenError) -> "CallError":
        """Return the error of a result that a store could not keep or give back."""
        return cls(FailureCode.STORAGE_FAILED, reason, is_transient=isinstance(error, StorageUnreachable))

    @classmethod
    def from_failure(cls, failure: Failure, **more: Any) -> "CallError":
        """Return the error of a call that ended so; what it says about money stays."""
        error = CallError(failure.code, failure.reason, **more)
        error.failure = failure
        return error


class Refusal(ImagegenError):
    """A request that was turned down; nothing was stored, nothing was sent.

    Without a ``reason`` it is what the class ``says``. ``slug`` is the error's stable name, under which
    ``words.json`` has its description and hint; ``code // 100`` is the HTTP status. ``data`` says more about
    this request; ``hint`` replaces the usual one.
    """

    slug: ClassVar[str]
    code: ClassVar[int]
    says: ClassVar[RefusalCode]

    def __init_subclass__(cls, slug: str = "", code: int = 0, says: RefusalCode | None = None) -> None:
        for name, value in (("slug", slug), ("code", code), ("says", says)):
            if value:  # else as the class above
                setattr(cls, name, value)

    def __init__(self, reason: Message | None = None, /, **data: Any) -> None:
        super().__init__(self.says() if reason is None else reason)
        self.data: Mapping[str, Any] = data
        self.hint: Message | None = None

    @property
    def advice(self) -> Message:
        """The reason, followed by the hint if there is one."""
        return RefusalCode.PROBLEMS(problems=(self.reason, self.hint)) if self.hint else self.reason


class ProviderNotConfigured(Refusal, slug="provider_not_configured", code=40001):
    """The provider has no configuration, or one without an address or a key."""

    def __init__(self, provider: str, reason: Message | None = None) -> None:
        reason = reason or RefusalCode.NO_CONFIGURATION()
        super().__init__(RefusalCode.PROVIDER_UNUSABLE(provider=provider, reason=reason), provider=provider)


class ProviderDisabled(Refusal, slug="provider_disabled", code=40002):
    """The provider is switched off."""

    def __init__(self, provider: str) -> None:
        super().__init__(RefusalCode.PROVIDER_DISABLED(provider=provider), provider=provider)


class ModelNotAvailable(Refusal, slug="model_not_available", code=40003):
    """The model is not among the provider's models."""

    def __init__(self, model_id: str, models: tuple[str, ...]) -> None:
        super().__init__(RefusalCode.MODEL_NOT_AVAILABLE(model=model_id, models=models), models=list(models))


class UnsupportedOperation(Refusal, slug="unsupported_operation", code=40004):
    """This provider or model cannot do that operation."""

    def __init__(self, operation: str, supported: tuple[str, ...]) -> None:
        reason = RefusalCode.UNSUPPORTED_OPERATION(operation=str(operation), supported=supported)
        super().__init__(reason, operation=str(operation), supported=list(supported))


class InvalidImage(Refusal, slug="invalid_image", code=40005):
    """An input image is not PNG, JPEG, WebP, GIF or AVIF, is truncated, or is too large."""

    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(RefusalCode.PROBLEM(field=field, reason=reason), field=field)


class ReferenceCount(Refusal, slug="reference_count", code=40006):
    """Fewer references than one, or more than the model takes."""

    def __init__(self, count: int, maximum: int) -> None:
        super().__init__(RefusalCode.REFERENCE_COUNT(count=count, maximum=maximum), max=maximum)


class ApiKeyRequired(Refusal, slug="api_key_required", code=40007):
    """A secret would get further than it was given for; ``secret`` is its `SecretKind`."""

    def __init__(self, provider: str, secret: str, target: Message | str) -> None:
        name, remedy = _LEAKS[secret]
        reason = RefusalCode.STRAY_SECRET(provider=provider, secret=name(), target=target, remedy=remedy())
        super().__init__(reason, secret=secret)


_LEAKS = {
    "api_key": (RefusalCode.SAVED_KEY, RefusalCode.SEND_API_KEY),
    "headers": (RefusalCode.SECRET_HEADERS, RefusalCode.SEND_HEADERS),
    "proxy": (RefusalCode.PROXY_PASSWORD, RefusalCode.SEND_PROXY),
    "credentials": (RefusalCode.MACHINE_CREDENTIALS, RefusalCode.SEND_API_KEY),
}
"""Name and remedy by `SecretKind`."""


class UpstreamNotAllowed(Refusal, slug="upstream_not_allowed", code=40008):
    """The address is private, loopback, link-local or metadata, and not allow-listed."""


class IdempotencyKeyReused(Refusal, slug="idempotency_key_reused", code=42201, says=RefusalCode.KEY_REUSED):
    """The key was used for another body."""


class TaskNotRecallable(Refusal, slug="task_not_recallable", code=40901):
    """The task is in a batch job that the provider has, which stops as a whole or not at all."""

    def __init__(self, task_id: str) -> None:
        super().__init__(RefusalCode.IN_BATCH_JOB(task_id=task_id))


class QueueFull(Refusal, slug="queue_full", code=42901):
    """As many tasks wait as may wait."""

    def __init__(self, queue_size: int) -> None:
        super().__init__(RefusalCode.QUEUE_FULL(count=queue_size), queue_size=queue_size)


class Unavailable(Refusal, slug="unavailable", code=50301):
    """Shutting down, locked, or a budget is used up: try again later."""


class KeysLocked(Unavailable):
    """The master key that opens a saved secret is missing or wrong; it opens again with the right one."""


class InsufficientStorage(Refusal, slug="insufficient_storage", code=50701, says=RefusalCode.DISK_FULL):
    """Too little disk is left to keep the result of a paid call."""


class NotFound(Refusal):
    """What was asked for by its id is not there; ``says`` tells so."""

    def __init__(self, id: int | str) -> None:
        super().__init__(self.says(id=id))


class TaskNotFound(NotFound, slug="task_not_found", code=40401, says=RefusalCode.NO_TASK):
    """No task has this id."""


class ImageNotFound(NotFound, slug="image_not_found", code=40402, says=RefusalCode.NO_IMAGE):
    """No image has this id, or it was deleted."""


class CollectionNotFound(NotFound, slug="collection_not_found", code=40404, says=RefusalCode.NO_COLLECTION):
    """No collection has this id, or it was deleted."""


class WebhookNotFound(NotFound, slug="webhook_not_found", code=40406, says=RefusalCode.NO_WEBHOOK):
    """No endpoint has this id, or it was deleted."""


class DeliveryNotFound(NotFound, slug="delivery_not_found", code=40407, says=RefusalCode.NO_DELIVERY):
    """No delivery of a webhook has this id, or it is no longer kept."""


class BatchNotFound(NotFound, slug="batch_not_found", code=40408, says=RefusalCode.NO_BATCH):
    """No batch has this id."""


class StyleNotFound(NotFound, slug="style_not_found", code=40410, says=RefusalCode.NO_STYLE):
    """No style of this id was saved."""


class TooManyWebhooks(Refusal, slug="too_many_webhooks", code=42205):
    """There are as many endpoints as there may be."""

    def __init__(self) -> None:
        super().__init__(RefusalCode.TOO_MANY_WEBHOOKS(maximum=MAX_WEBHOOKS), max=MAX_WEBHOOKS)


class CollectionExists(Refusal, slug="collection_exists", code=42202):
    """Another collection has this name, as far as names are the same."""

    def __init__(self, name: str, collection_id: int) -> None:
        reason = RefusalCode.COLLECTION_EXISTS(name=name, collection=collection_id)
        super().__init__(reason, collection=collection_id)


class TooManyCollections(Refusal, slug="too_many_collections", code=42203):
    """There are as many collections as there may be."""

    def __init__(self) -> None:
        super().__init__(RefusalCode.TOO_MANY_COLLECTIONS(maximum=MAX_COLLECTIONS), max=MAX_COLLECTIONS)


class TooManyTags(Refusal, slug="too_many_tags", code=42204):
    """Some images would have more tags than one may have; nothing was changed."""

    def __init__(self, image_ids: tuple[int, ...]) -> None:
        reason = RefusalCode.TOO_MANY_TAGS(images=image_ids, maximum=MAX_TAGS)
        super().__init__(reason, max=MAX_TAGS, images=list(image_ids))


class InputNotFound(Refusal, slug="image_not_found"):
    """The task has no such input image, or its bytes are no longer there."""

    def __init__(self, task_id: str, index: int) -> None:
        super().__init__(RefusalCode.NO_INPUT(task_id=task_id, index=index))


class ThumbnailNotFound(NotFound, slug="thumbnail_not_found", code=40409, says=RefusalCode.SVG_NO_THUMBNAIL):
    """An SVG has no thumbnail, since it is never drawn here."""


class ResponseNotKept(Refusal, slug="response_not_kept", code=40405):
    """Nothing was kept of the answers to the task's calls, or it was removed after a week."""

    def __init__(self, task_id: str, index: int) -> None:
        super().__init__(RefusalCode.NO_KEPT_RESPONSE(task_id=task_id, index=index))


class ProviderConfigNotFound(
    NotFound, slug="provider_config_not_found", code=40403, says=RefusalCode.NO_SAVED_PROVIDER
):
    """No saved configuration has this name."""


class BlobMissing(ImagegenError):
    """The store holds nothing under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(StorageCode.NO_BLOB(key=key))
        self.key = key


class StorageError(ImagegenError):
    """A store could not keep or give bytes; a bare text as ``reason`` is the store's own words."""

    def __init__(self, reason: Message | str) -> None:
        super().__init__(as_message(reason))


class StorageFull(StorageError):
    """The disk is full; nothing was kept, and the same works once there is room."""


class StorageUnreachable(StorageError):
    """The store did not answer; the same request may succeed later."""


class StorageBroken(StorageError):
    """The store is damaged or lost: trying again changes nothing before a new start."""


class IllegalTransition(ImagegenError):
    """A task or an attempt was asked to do what its present state forbids."""

    def __init__(self, noun: str, present: str, target: str) -> None:
        super().__init__(StorageCode.ILLEGAL_TRANSITION(noun=noun, state=present, target=target))


class StaleTask(ImagegenError):
    """The stored task is not the one that the change was made from; nothing was written."""

    def __init__(self, task_id: str) -> None:
        super().__init__(StorageCode.STALE_TASK(task_id=task_id))


MAX_PROBLEMS = 50


class ValidationFailed(Refusal, slug="validation_failed", code=40000):
    """Invalid fields: `problems` names them, up to `MAX_PROBLEMS`."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        listed = tuple(RefusalCode.PROBLEM(field=p.field, reason=p.reason) for p in self.problems)
        super().__init__(RefusalCode.PROBLEMS(problems=listed))

    @classmethod
    def for_field(cls, field: str, reason: Message) -> "ValidationFailed":
        return cls(Problem(field=field, reason=reason))

    def with_fields(self, names: Mapping[str, str]) -> "ValidationFailed":
        """Return the refusal with other names of fields, as its caller knows them."""
        renamed = (attrs.evolve(p, field=names.get(p.field, p.field)) for p in self.problems)
        return ValidationFailed(*renamed)

    @classmethod
    def check_range(
        cls, field: str, number: float, *, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """Refuse a number out of its bounds, which are inclusive."""
        if reason := range_problem(number, minimum=minimum, maximum=maximum):
            raise cls.for_field(field, reason)

    @classmethod
    def wrong_type(cls, field: str, *types: JsonType) -> "ValidationFailed":
        return cls.for_field(field, ProblemCode.WRONG_TYPE(types=tuple(kind() for kind in types)))

    @classmethod
    def check_integer(cls, field: str, number: Any, *, minimum: int, maximum: int | None = None) -> None:
        """Refuse what is no whole number within its bounds, which are inclusive."""
        if isinstance(number, bool) or not isinstance(number, int):
            raise cls.wrong_type(field, JsonType.INTEGER)
        cls.check_range(field, number, minimum=minimum, maximum=maximum)


class ProviderEnded(ValidationFailed):
    """What a configuration uses is there no longer, such as an API; nothing else is wrong with it."""


# ---------------------------------------------------------------- text
# Checks for what no store, answer or log can hold, and suggestions for misspelt names.

_CONTROLS = frozenset({"Cc", "Zl", "Zp"})  # categories of characters that would break a line
_JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need
_INVISIBLE = f"{_JOINERS}\ufe0e\ufe0f"  # nothing by themselves: joiners, and variation selectors of emoji


def check_name(field: str, name: str, *, minimum: int = 1, maximum: int) -> None:
    """Check a name as `check_text` does, and refuse characters that people cannot see."""
    check_text(field, name.strip(_INVISIBLE), minimum=minimum, maximum=maximum)
    check_text(field, name, maximum=maximum)
    categories = {unicodedata.category(character) for character in name if character not in _JOINERS}
    if not _CONTROLS.isdisjoint(categories):
        raise ValidationFailed.for_field(field, ProblemCode.HAS_CONTROLS())
    if "Cf" in categories:
        raise ValidationFailed.for_field(field, ProblemCode.HAS_INVISIBLES())


def check_text(field: str, text: str, *, minimum: int = 0, maximum: int) -> None:
    """Refuse text of the wrong length, with NUL or with half of a surrogate pair."""
    problem = text_problem(text)
    if problem is None and len(text.strip()) < minimum:
        problem = ProblemCode.EMPTY()
    if problem is None and len(text) > maximum:
        problem = ProblemCode.TOO_LONG(maximum=maximum)
    if problem is not None:
        raise ValidationFailed.for_field(field, problem)


def text_problem(text: str) -> Message | None:
    if "\x00" in text:
        return ProblemCode.HAS_NUL()
    try:
        text.encode()
    except UnicodeEncodeError:
        return ProblemCode.HALF_SURROGATE()
    return None


def text_problems(value: Any, path: str = "") -> Iterator[tuple[str, Message]]:
    """Yield the dotted path of each invalid text in plain values, and what is wrong with it.

    An invalid key is reported at its parent's path, so that every path is valid text.
    """
    if isinstance(value, str):
        if problem := text_problem(value):
            yield path, problem
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if problem := text_problem(str(name)):
                yield path, problem
            else:
                yield from text_problems(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from text_problems(item, f"{path}.{index}" if path else str(index))


_MIN_SIMILARITY = 0.7  # the least similarity, 0 to 1, at which a name counts as another one misspelt


def nearest(name: str, known_keys: Iterable[str], *, min_similarity: float = _MIN_SIMILARITY) -> str | None:
    from difflib import get_close_matches  # not at the top: it takes 0.6 MB, and misspelt keys are rare

    close = get_close_matches(name.lower(), sorted(known_keys), n=1, cutoff=min_similarity)
    return close[0] if close else None


def unknown_key(name: str, known_keys: Iterable[str]) -> Message:
    """Return the problem of an unknown key, with the known one that was probably meant."""
    meant = nearest(name, known_keys)
    return ProblemCode.UNKNOWN_KEY() if meant is None else ProblemCode.MISSPELT_KEY(suggestion=meant)
