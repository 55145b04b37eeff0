"""Every way a request can be turned down and every way a call can end badly.

::

    ImagegenError
    ├── Refusal                  turned down before anything was stored or sent
    │   ├── ValidationFailed       ├── ApiKeyRequired        ├── TaskNotFound
    │   │   └── ProviderEnded      ├── UpstreamNotAllowed    ├── InputNotFound
    │   ├── ProviderNotConfigured  ├── IdempotencyKeyReused  ├── ImageNotFound
    │   ├── ProviderDisabled       ├── QueueFull             ├── CollectionNotFound
    │   ├── ModelNotAvailable      ├── InsufficientStorage   ├── ProviderConfigNotFound
    │   ├── UnsupportedOperation   ├── CollectionExists      ├── ResponseNotKept
    │   ├── ReferenceCount         ├── TooManyCollections    └── Unavailable
    │   └── InvalidImage           └── TooManyTags               └── KeysLocked
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

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Self

import attrs

from imagegen_core.limits import MAX_COLLECTIONS, MAX_TAGS
from imagegen_core.messages import Language, Message, as_message
from imagegen_core.problems import Problem, RefusalCode, StorageCode, range_problem
from imagegen_core.values import valid_text


class ImagegenError(Exception):
    """The root of what this library raises on purpose; ``reason`` says why, in every language."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(reason.text(Language.EN))


MAX_MESSAGE_CHARS = 500
"""Maximum length of a provider's message that is stored."""


class FailureCode(StrEnum):
    """The stable codes of ``task.error.code``.

    ``retryable``: the same request may succeed later without a change.
    ``possible_charge``: the provider may have charged for the call.
    """

    retryable: bool
    possible_charge: bool
    zh: str
    en: str

    def __new__(cls, value: str, retryable: bool, possible_charge: bool, zh: str, en: str) -> Self:  # noqa: FBT001 - enum rows
        """Return the member of one row below."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.retryable = retryable
        member.possible_charge = possible_charge
        member.zh, member.en = zh, en
        return member

    # value, retryable, possible_charge, what it means
    PROVIDER_NOT_CONFIGURED = (
        "provider_not_configured",
        False,
        False,
        "服务商未配置",
        "the provider is not configured",
    )
    PROVIDER_DISABLED = "provider_disabled", False, False, "服务商已停用", "the provider is switched off"
    REJECTED = "rejected", False, False, "服务商拒绝了请求", "the provider refused the request"
    CONTENT_POLICY = (
        "content_policy",
        False,
        False,
        "内容未通过服务商的安全审核",
        "the provider's content policy refused it",
    )
    AUTH_FAILED = "auth_failed", False, False, "服务商不接受该密钥", "the provider does not accept the key"
    QUOTA_EXHAUSTED = (
        "quota_exhausted",
        True,
        False,
        "服务商账户额度或余额不足",
        "the provider's quota or balance is used up",
    )
    RATE_LIMITED = (
        "rate_limited",
        True,
        False,
        "服务商限流，重试后仍未成功",
        "the provider limited the rate, after all retries",
    )
    UNAVAILABLE = (
        "unavailable",
        True,
        False,
        "服务商不可达，重试后仍未成功",
        "the provider could not be reached, after all retries",
    )
    TIMEOUT = "timeout", True, True, "已超时，可能已计费", "it took too long, and may have been charged"
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        True,
        True,
        "结果未知：请求可能已被处理并计费，不会自动重发",
        "the outcome is unknown: the call may have been charged and is never repeated on its own",
    )
    BAD_RESPONSE = "bad_response", True, True, "服务商的答复无法读取", "the provider's answer cannot be read"
    DOWNLOAD_FAILED = "download_failed", True, True, "图片下载失败", "the image could not be downloaded"
    INVALID_IMAGE = (
        "invalid_image",
        False,
        True,
        "服务商返回的不是有效图片",
        "the provider's image is not valid",
    )
    STORAGE_FAILED = "storage_failed", True, True, "图片未能保存", "the image could not be stored"
    CANCELLED = "cancelled", True, False, "任务已取消", "the task was cancelled"
    RESULT_EXPIRED = (
        "result_expired",
        True,
        True,
        "服务商已不再保留该结果",
        "the provider no longer keeps the result",
    )
    INTERNAL = "internal", False, False, "服务内部错误", "internal error"


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


@attrs.frozen
class Row:
    """What the API says of an error, whatever the request was; ``code // 100`` is its HTTP status.

    A hint is for callers who can act on it.
    """

    code: int
    zh: str
    en: str
    hint_zh: str | None = None
    hint_en: str | None = None


class Refusal(ImagegenError):
    """A request that was turned down; nothing was stored, nothing was sent.

    ``slug`` is the stable name of the error, ``row`` what is said of all that have it, ``reason`` what to say
    of this request; ``data`` holds more about it. ``hint`` is what the caller can do, in place of the row's.
    """

    slug: ClassVar[str]
    row: ClassVar[Row]

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
    row = Row(
        40001,
        "该服务商尚未配置，或缺少 api_base / api_key",
        "the provider is not configured, or its api_base or api_key is missing",
        "请先用 POST /api/v1/providers/config 保存配置",
        "save a configuration with POST /api/v1/providers/config first",
    )

    def __init__(self, provider: str, reason: Message | None = None) -> None:
        reason = reason or RefusalCode.NO_CONFIGURATION()
        super().__init__(RefusalCode.PROVIDER_UNUSABLE(provider=provider, reason=reason), provider=provider)


class ProviderDisabled(Refusal):
    """The provider exists and is switched off."""

    slug = "provider_disabled"
    row = Row(40002, "该服务商已停用", "the provider is switched off", "请先启用它", "switch it on first")

    def __init__(self, provider: str) -> None:
        super().__init__(RefusalCode.PROVIDER_DISABLED(provider=provider), provider=provider)


class ModelNotAvailable(Refusal):
    """The model is not among the provider's models."""

    slug = "model_not_available"
    row = Row(
        40003, "该模型不可用", "the model is not available", "请从 models 中选择", "choose one of models"
    )

    def __init__(self, model_id: str, models: tuple[str, ...]) -> None:
        super().__init__(RefusalCode.MODEL_NOT_AVAILABLE(model=model_id, models=models), models=list(models))


class UnsupportedOperation(Refusal):
    """This provider or model cannot do that operation."""

    slug = "unsupported_operation"
    row = Row(
        40004,
        "该服务商或模型不支持此操作",
        "this provider or model cannot do that operation",
        "请从 supported 中选择，或换一个模型",
        "choose one of supported, or another model",
    )

    def __init__(self, operation: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            RefusalCode.UNSUPPORTED_OPERATION(operation=str(operation), supported=supported),
            operation=str(operation),
            supported=list(supported),
        )


class InvalidImage(Refusal):
    """An input image is not PNG, JPEG or WebP, is truncated, or is too large."""

    slug = "invalid_image"
    row = Row(
        40005,
        "输入图片无效：须为完整的 PNG、JPEG 或 WebP，不超过 50 MB、4000 万像素",
        "an input image is not valid: whole PNG, JPEG or WebP of at most 50 MB and 40 megapixels",
        "field 指出是哪一张，请换一张或转换格式后重试",
        "field tells which one: send another, or convert it",
    )

    def __init__(self, field: str, reason: Message) -> None:
        super().__init__(RefusalCode.PROBLEM(field=field, reason=reason), field=field)


class ReferenceCount(Refusal):
    """Fewer than one reference, or more than the model takes."""

    slug = "reference_count"
    row = Row(
        40006,
        "参考图数量不对",
        "the number of reference images is not possible",
        "数量须在 1 到 max 之间",
        "send 1 to max of them",
    )

    def __init__(self, count: int, maximum: int) -> None:
        super().__init__(RefusalCode.REFERENCE_COUNT(count=count, maximum=maximum), max=maximum)


class ApiKeyRequired(Refusal):
    """A secret would get further than where it was given for; ``secret`` is its `SecretKind`."""

    slug = "api_key_required"
    row = Row(
        40007,
        "api_base 指向了另一个来源，或配置会让秘密到达别处，必须同时提供 api_key 或该秘密",
        "api_base or another setting takes a secret elsewhere: send an api_key, or that secret, with it",
        "secret 指出是哪一个；已保存的只会到达当初给定的地方，本机凭据只按 config.yaml 使用",
        "secret tells which: saved ones go where they were given for, this machine's where config.yaml says",
    )

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
    row = Row(
        40008,
        "不允许访问该地址（内网、本机、链路本地或元数据地址）",
        "the address is private, loopback, link-local or metadata, and not allow-listed",
        "如确为自己的服务，请把 host:port 加入 security.allow_private_upstreams",
        "if it is your own service, list its host:port in security.allow_private_upstreams",
    )


class IdempotencyKeyReused(Refusal):
    """The key was used for another body."""

    slug = "idempotency_key_reused"
    row = Row(
        42201,
        "该 Idempotency-Key 已用于另一个请求",
        "this Idempotency-Key was used for another body",
        "不同的请求请使用不同的键",
        "use another key for another request",
    )

    def __init__(self) -> None:
        super().__init__(RefusalCode.KEY_REUSED())


class QueueFull(Refusal):
    """As many tasks wait as may wait."""

    slug = "queue_full"
    row = Row(
        42901,
        "排队任务已满，请稍后再试",
        "the queue is full, try again later",
        "请按 Retry-After 等待后重试",
        "wait for Retry-After, then try again",
    )

    def __init__(self, queue_size: int) -> None:
        super().__init__(RefusalCode.QUEUE_FULL(count=queue_size), queue_size=queue_size)


class Unavailable(Refusal):
    """Shutting down, locked, or a budget is used up: try again later."""

    slug = "unavailable"
    row = Row(
        50301,
        "服务暂不可用，请稍后再试",
        "unavailable now, try again later",
        "请按 Retry-After 等待后重试",
        "wait for Retry-After, then try again",
    )


class KeysLocked(Unavailable):
    """The master key that opens a saved secret is missing or wrong; it opens again with the right one."""


class InsufficientStorage(Refusal):
    """Too little disk is left to keep the result of a paid call."""

    slug = "insufficient_storage"
    row = Row(
        50701,
        "磁盘剩余空间不足，暂不接受付费任务",
        "too little disk is left to store the result of a paid call",
        "请清理磁盘后重试",
        "free some disk space, then try again",
    )

    def __init__(self) -> None:
        super().__init__(RefusalCode.DISK_FULL())


class TaskNotFound(Refusal):
    """No task has this id."""

    slug = "task_not_found"
    row = Row(40401, "任务不存在", "no such task")

    def __init__(self, task_id: str) -> None:
        super().__init__(RefusalCode.NO_TASK(task_id=task_id))


class ImageNotFound(Refusal):
    """No image has this id, or it was deleted."""

    slug = "image_not_found"
    row = Row(40402, "图片不存在或已删除", "no such image, or it was deleted")

    def __init__(self, image_id: int | str) -> None:
        super().__init__(RefusalCode.NO_IMAGE(image_id=image_id))


class CollectionNotFound(Refusal):
    """No collection has this id, or it was deleted."""

    slug = "collection_not_found"
    row = Row(40404, "收藏夹不存在或已删除", "no such collection, or it was deleted")

    def __init__(self, collection_id: int | str) -> None:
        super().__init__(RefusalCode.NO_COLLECTION(collection=collection_id))


class CollectionExists(Refusal):
    """Another collection has this name, as far as names are the same."""

    slug = "collection_exists"
    row = Row(
        42202,
        "已有同名的收藏夹",
        "there is a collection of this name already",
        "请使用 collection 指出的那一个，或换一个名称",
        "use the one that collection tells, or choose another name",
    )

    def __init__(self, name: str, collection_id: int) -> None:
        super().__init__(
            RefusalCode.COLLECTION_EXISTS(name=name, collection=collection_id), collection=collection_id
        )


class TooManyCollections(Refusal):
    """There are as many collections as there may be."""

    slug = "too_many_collections"
    row = Row(
        42203,
        "收藏夹数量已达上限",
        "there are as many collections as there may be",
        "收藏夹最多 max 个，请先删除一个",
        "there may be max of them: delete one first",
    )

    def __init__(self) -> None:
        super().__init__(RefusalCode.TOO_MANY_COLLECTIONS(maximum=MAX_COLLECTIONS), max=MAX_COLLECTIONS)


class TooManyTags(Refusal):
    """Some images would have more tags than one may have; nothing was changed."""

    slug = "too_many_tags"
    row = Row(
        42204,
        "有图片的标签会超过上限，未作任何更改",
        "some images would have too many tags; nothing was changed",
        "images 指出是哪些，每张最多 max 个标签",
        "images tells which; each may have max tags",
    )

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
    row = Row(
        40405,
        "没有保留该任务的答复，或已过期删除",
        "nothing was kept of the task's answers, or it was removed after a week",
    )

    def __init__(self, task_id: str, index: int) -> None:
        super().__init__(RefusalCode.NO_KEPT_RESPONSE(task_id=task_id, index=index))


class ProviderConfigNotFound(Refusal):
    """No saved configuration has this name."""

    slug = "provider_config_not_found"
    row = Row(
        40403,
        "没有这个服务商的配置",
        "no such provider configuration",
        "请先用 POST /api/v1/providers/config 保存；只写在 config.yaml 中的请在那里修改",
        "save one with POST /api/v1/providers/config; what is only in config.yaml is changed there",
    )

    def __init__(self, provider: str) -> None:
        super().__init__(RefusalCode.NO_SAVED_PROVIDER(provider=provider))


class BlobMissing(ImagegenError):
    """The store holds nothing under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(StorageCode.NO_BLOB(key=key))
        self.key = key


class StorageError(ImagegenError):
    """A store could not keep or give bytes: disk full, an input/output error, a refused upload.

    A bare text as ``reason`` is the store's own words.
    """

    def __init__(self, reason: Message | str) -> None:
        super().__init__(as_message(reason))


class StorageFull(StorageError):
    """There is no room left; nothing of it was kept, and the same works again once there is some."""


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


class ValidationFailed(Refusal):
    """Wrong type, out of range, unknown field: `problems` names each of them, as far as anybody reads on."""

    slug = "validation_failed"
    row = Row(
        40000, "请求参数有误", "the request is not valid", "请按 errors 逐项修改", "correct what errors lists"
    )

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        listed = tuple(RefusalCode.PROBLEM(field=p.field, reason=p.reason) for p in self.problems)
        super().__init__(RefusalCode.PROBLEMS(problems=listed))

    @classmethod
    def for_field(cls, field: str, reason: Message) -> "ValidationFailed":
        """Return the refusal with a single problem."""
        return cls(Problem(field=field, reason=reason))

    def with_fields(self, names: Mapping[str, str]) -> "ValidationFailed":
        """Return the refusal with other names for some of its fields, as its caller knows them."""
        renamed = (attrs.evolve(p, field=names.get(p.field, p.field)) for p in self.problems)
        return ValidationFailed(*renamed)

    @classmethod
    def check_range(
        cls, field: str, number: float, *, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """Raise the refusal of a number that is out of its bounds, which are inclusive."""
        if reason := range_problem(number, minimum=minimum, maximum=maximum):
            raise cls.for_field(field, reason)


class ProviderEnded(ValidationFailed):
    """What a configuration uses is there no longer, such as an API; nothing else is wrong with it."""
