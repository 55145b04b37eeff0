"""A task: its states, its events, and what a caller asks for before it is checked."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.config import ProviderConfig, check_url
from imagegen_core.errors import Failure, FailureCode, IllegalTransition, ValidationFailed, check_text
from imagegen_core.images import Image
from imagegen_core.limits import MAX_IDEMPOTENCY_KEY_CHARS, MAX_PROMPT_CHARS
from imagegen_core.messages import FailureReason, Message, ProblemCode, as_messages
from imagegen_core.requests import ImageRequest, InputImage, Operation, OperationRules
from imagegen_core.values import frozen_mapping

RESPONSE_FORMAT = "response_format"
WEBHOOK_URL = "webhook_url"
FALLBACK = "fallback"
_PASSED, _MOVED_AT, _EARLIER_ATTEMPTS, _RETRY_CODE = "passed", "moved_at", "earlier_attempts", "retry_code"
_STORE_FAILURES = "store_failures"
MAX_RECOVERIES = 3  # of a response that crashes its process; as often is one stored again that could not be


class TaskStatus(StrEnum):
    """Status of a task; the last three are final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in _FINAL


_FINAL = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED)
_TRANSITIONS: Mapping[TaskStatus, tuple[TaskStatus, ...]] = {
    TaskStatus.PENDING: (TaskStatus.PROCESSING, TaskStatus.CANCELLED, TaskStatus.FAILED),
    TaskStatus.PROCESSING: (TaskStatus.PENDING, *_FINAL),
    **dict.fromkeys(_FINAL, ()),
}


@attrs.frozen(kw_only=True)
class Fence:
    """Owner, claim number and status that the stored task must still have for a write to count.

    A worker that was frozen or cut off while another got its task has an outdated fence and writes nothing.
    """

    owner: str | None
    epoch: int
    status: TaskStatus


@attrs.frozen
class Target:
    """Whom to ask; None means the default provider, or the provider's default model."""

    provider_name: str | None = None
    model_id: str | None = None

    @classmethod
    def parse(cls, text: str, separator: str = ":") -> "Target":
        """Return the target of ``provider`` or ``provider:model``."""
        provider_name, _, model_id = text.partition(separator)
        return cls(provider_name, model_id or None)


@attrs.frozen(kw_only=True)
class BatchPlace:
    """Which item of which batch a task is, and its quote in ticks of the ceiling's currency.

    ``item`` is None once another task has made it again.
    """

    batch_id: str
    item: int | None
    quote_ticks: int = 0


@attrs.frozen(kw_only=True)
class Task:
    """The truth about one request.

    Args:
        task_id: UUIDv7, so ids sort by age.
        request: has canonical ``params``.
        config_snapshot: what it was accepted under, with `response_format` and `webhook_url`; no secrets.
            With a fallback also what it was accepted under there, and which providers were asked before.
        override: the request's own ``config``, sealed; wiped when the task ends.
        attempts: attempts that reached the provider or tried to; a requeue after 429 does not count.
        retries: requeues so far, whatever their reason; bounded by the retry policy.
        recoveries: how often its process died over a response, or gave it up; bounded by `MAX_RECOVERIES`.
        not_before: earliest time at which it may be claimed.
        locked: deferred until the master key is back, which takes a restart.
        owner: None unless it is processing.
        epoch: its claim number, which a rescue raises, too.
        batch: its place in a batch; such a task is claimed after all others.
        progress: 0.0 to 1.0; None while unknown.
    """

    task_id: str
    request: ImageRequest
    provider_name: str
    model_id: str
    created_at: datetime
    status: TaskStatus = TaskStatus.PENDING
    config_snapshot: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    override: str | None = attrs.field(default=None, repr=False)
    max_retries: int = 3
    progress: float | None = None
    attempts: int = 0
    retries: int = 0
    recoveries: int = 0
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)
    failure: Failure | None = None
    cancel_requested: bool = False
    not_before: datetime | None = None
    locked: bool = False
    owner: str | None = None
    epoch: int = 0
    retry_of: str | None = None
    batch: BatchPlace | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def _transition(self, status: TaskStatus, **changes: Any) -> "Task":
        if status not in _TRANSITIONS[self.status]:
            raise IllegalTransition(f"task {self.task_id}", self.status, status)
        return attrs.evolve(self, status=status, **changes)

    @property
    def response_format(self) -> str | None:
        """How its caller wants to be shown the images, if it said so."""
        return self.config_snapshot.get(RESPONSE_FORMAT)

    @property
    def webhook_url(self) -> str | None:
        """Where its own caller wants to hear of its end; the database reads it there, too."""
        return self.config_snapshot.get(WEBHOOK_URL)

    @property
    def batch_id(self) -> str | None:
        return None if self.batch is None else self.batch.batch_id

    @property
    def targets(self) -> tuple[Target, ...]:
        """The providers to ask, in order, as they were accepted."""
        present = {"provider": self.provider_name, "model_id": self.model_id}
        first, *_ = self.config_snapshot.get(_PASSED) or (present,)
        order = (first, *self.config_snapshot.get(FALLBACK, ()))
        return tuple(Target(one["provider"], one["model_id"]) for one in order)

    @property
    def attempt_history(self) -> tuple[Mapping[str, Any], ...]:
        """Whose turn it was, as the API shows it; the last is the present provider.

        Those before it have provably charged nothing; ``code`` says why it was the next one's turn.
        """
        moved_at, failure = self.config_snapshot.get(_MOVED_AT), self.failure
        if moved_at is None and self.started_at is None:
            return ()
        present = {
            "provider": self.provider_name,
            "model_id": self.model_id,
            "code": None if failure is None else str(failure.code),
            "possible_charge": failure is not None and failure.possible_charge,
            "started_at": moved_at or str(self.started_at),
        }
        return (*self.config_snapshot.get(_PASSED, ()), present)

    @property
    def earlier_attempts(self) -> int | None:
        """How many attempts were made at providers from which it went on; None if it did not."""
        return self.config_snapshot.get(_EARLIER_ATTEMPTS)

    @property
    def store_failures(self) -> int:
        """How often its result could not be fetched or stored, but for stores that did not answer."""
        return int(self.config_snapshot.get(_STORE_FAILURES, 0))

    @property
    def has_next(self) -> bool:
        """Whether another provider may be asked, if this one provably charges nothing."""
        return len(self.config_snapshot.get(_PASSED, ())) < len(self.config_snapshot.get(FALLBACK, ()))

    @property
    def retry_code(self) -> FailureCode | None:
        """Why it waits for ``not_before``, where its provider has started nothing."""
        code = None if self.not_before is None else self.config_snapshot.get(_RETRY_CODE)
        return None if code is None else FailureCode(code)  # type: ignore[call-arg] # by value

    @property
    def fence(self) -> Fence:
        """What the stored task must still match when a change of this value is stored."""
        return Fence(owner=self.owner, epoch=self.epoch, status=self.status)

    def claim(self, owner: str, now: datetime) -> "Task":
        """Return the task claimed by ``owner``; `started_at` keeps the time of the first claim."""
        return self._transition(
            TaskStatus.PROCESSING,
            owner=owner,
            epoch=self.epoch + 1,
            started_at=self.started_at or now,
            not_before=None,
            locked=False,
        )

    def count_attempt(self) -> "Task":
        """Return the task with one more attempt that may reach the provider."""
        return attrs.evolve(self, attempts=self.attempts + 1)

    def move_on(self, now: datetime, failure: Failure) -> "Task":
        """Return the task requeued for the next provider, since ``failure`` proves that nothing was charged.

        The request's own configuration was for the first provider, and is wiped.
        """
        passed = [*attrs.evolve(self, failure=failure).attempt_history]
        following = dict(self.config_snapshot[FALLBACK][len(passed) - 1])
        moved = {_PASSED: passed, _MOVED_AT: str(now), _EARLIER_ATTEMPTS: self.attempts}
        return attrs.evolve(
            self.requeue(retry_for=failure.code),
            provider_name=following.pop("provider"),
            model_id=following["model_id"],
            config_snapshot={**self.config_snapshot, **following, **moved},
            max_retries=following["max_retries"],
            retries=0,
            override=None,
        )

    def requeue(
        self,
        *,
        not_before: datetime | None = None,
        locked: bool = False,
        attempts: int | None = None,
        retry_for: FailureCode | None = None,
        store_failed: bool = False,
    ) -> "Task":
        """Return the task given back to the queue; by itself that counts as nothing.

        Args:
            not_before: earliest time of the next claim; at once by default.
            locked: it waits for the master key: the next start may claim it before ``not_before``.
            attempts: the number of attempts, if some that were counted sent nothing.
            retry_for: why the provider started nothing; counts towards ``max_retries``.
            store_failed: its result could not be stored; counts towards `MAX_RECOVERIES`.
        """
        state = {
            _RETRY_CODE: retry_for and str(retry_for),
            _STORE_FAILURES: self.store_failures + store_failed,
        }
        return self._transition(
            TaskStatus.PENDING,
            config_snapshot={**self.config_snapshot, **state},
            owner=None,
            not_before=not_before,
            locked=locked,
            attempts=self.attempts if attempts is None else attempts,
            progress=self.progress if retry_for is None else None,
            retries=self.retries + (retry_for is not None),
        )

    def rescue(self, *, attempts: int, is_recovery: bool) -> "Task":
        """Requeue the task of an owner that is dead or only slow; the raised epoch outdates its writes."""
        recoveries = self.recoveries + is_recovery
        return attrs.evolve(self.requeue(attempts=attempts), epoch=self.epoch + 1, recoveries=recoveries)

    def complete(self, now: datetime, *, warnings: tuple[Message, ...] = ()) -> "Task":
        """Return the completed task; its images are stored."""
        return self._end(TaskStatus.COMPLETED, now, progress=1.0, warnings=self.warnings + warnings)

    def fail(self, now: datetime, failure: Failure, *, warnings: tuple[Message, ...] = ()) -> "Task":
        return self._end(TaskStatus.FAILED, now, failure=failure, warnings=self.warnings + warnings)

    def cancel(
        self, now: datetime, *, possible_charge: bool = False, warnings: tuple[Message, ...] = ()
    ) -> "Task":
        """Return the task cancelled by its caller; ``possible_charge``: a call may have cost money."""
        failure = Failure(
            FailureCode.CANCELLED, FailureReason.CANCELLED_BY_CALLER(), possible_charge=possible_charge
        )
        return self._end(TaskStatus.CANCELLED, now, failure=failure, warnings=self.warnings + warnings)

    def _end(self, status: TaskStatus, now: datetime, **changes: Any) -> "Task":
        return self._transition(
            status, completed_at=now, override=None, owner=None, not_before=None, locked=False, **changes
        )


class EventKind(StrEnum):
    """Names of the server-sent events; the last three end the stream."""

    PROGRESS = "progress"
    IMAGE = "image"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (EventKind.COMPLETED, EventKind.FAILED, EventKind.CANCELLED)


@attrs.frozen(kw_only=True)
class TaskEvent:
    """One event; ``id`` is 0 until the queue assigns a number, which only grows."""

    task_id: str
    kind: EventKind
    at: datetime
    data: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    id: int = 0


def last_event(task: Task) -> TaskEvent:
    """Return the final event of an ended task; a failure's code is in its ``data``."""
    data = {} if task.failure is None else {"error": str(task.failure.code)}
    at = task.completed_at or task.created_at
    return TaskEvent(task_id=task.task_id, kind=EventKind(str(task.status)), at=at, data=data)


def image_event(image: Image) -> TaskEvent:
    """Return the event of a stored image; its record is read when the event is shown."""
    return TaskEvent(
        task_id=image.task_id, kind=EventKind.IMAGE, at=image.created_at, data={"image_id": image.id}
    )


_IDEMPOTENCY_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}")
_HASH_CHUNK_BYTES = 512 * 1024


@attrs.frozen(kw_only=True)
class ImageReference:
    """A stored image as an input: ``image:<id>``."""

    id: int


InputSource = bytes | ImageReference | InputImage
"""Bytes, a stored image, or an earlier task's input, copied from the spool without inspection."""


@attrs.frozen(kw_only=True)
class Submission:
    """What a caller asks for, before any of it is checked.

    ``override`` is a configuration for this task alone, at its first provider; ``fallback`` are those to ask
    after it, where one has provably charged nothing. Equal submissions with one ``idempotency_key`` within
    ``idempotency_scope`` are one task for 24 hours; one that ``is_new_key``, made for this submission, is not
    looked up before. ``response_format`` is only kept with the task.
    """

    operation: Operation = Operation.GENERATE
    prompt: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict)
    provider_name: str | None = None
    model_id: str | None = None
    fallback: tuple[Target, ...] = ()
    references: tuple[InputSource, ...] = ()
    image: InputSource | None = None
    mask: InputSource | None = None
    override: ProviderConfig | None = None
    require_saved: bool = False
    idempotency_key: str | None = None
    idempotency_scope: str = ""
    is_new_key: bool = False
    retry_of: str | None = None
    response_format: str | None = None
    webhook_url: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def again(cls, task: Task, *, verb: str, idempotency_key: str | None) -> "Submission":
        """Return a task's request without its wiped ``override``; one new task for each key and ``verb``.

        It begins with the first provider again.
        """
        request, (first, *fallback) = task.request, task.targets
        return cls(
            operation=request.operation,
            prompt=request.prompt,
            params=request.params,
            provider_name=first.provider_name,
            model_id=first.model_id,
            fallback=tuple(fallback),
            references=request.references,
            image=request.image,
            mask=request.mask,
            retry_of=task.task_id,
            response_format=task.response_format,
            webhook_url=task.webhook_url,
            idempotency_key=idempotency_key,
            idempotency_scope=f"{verb}:{task.task_id}",
        )

    def check_shape(self) -> None:
        """Check what does not depend on the provider: key, prompt, and which images the operation takes."""
        check_idempotency_key(self.idempotency_key)
        if self.webhook_url is not None:
            check_url(self.webhook_url, WEBHOOK_URL)
        minimum = 1 if self.operation.rules.needs_prompt else 0
        check_text("prompt", self.prompt, minimum=minimum, maximum=MAX_PROMPT_CHARS)
        if self.operation.rules.takes_image and self.image is None:
            raise ValidationFailed.for_field("image", ProblemCode.REQUIRED())
        for field, image, takes in self._images():
            if not isinstance(image, InputSource):
                raise ValidationFailed.for_field(field, ProblemCode.NOT_AN_INPUT())
            if not takes(self.operation.rules):
                operations = tuple(operation for operation in Operation if takes(operation.rules))
                raise ValidationFailed.for_field(field, ProblemCode.OTHER_OPERATION(operations=operations))

    def _images(self) -> Iterator[tuple[str, object, Callable[[OperationRules], bool]]]:
        """Yield field, image and which operations take it; others would be paid for and ignore it."""
        for number, reference in enumerate(self.references):
            yield f"reference_images.{number}", reference, lambda rules: rules.max_references > 0
        if self.image is not None:
            yield "image", self.image, lambda rules: rules.takes_image
        if self.mask is not None:
            yield "mask", self.mask, lambda rules: rules.takes_mask

    async def digest(self) -> str:
        parts: dict[str, Any] = {
            "operation": self.operation,
            "prompt": self.prompt,
            "params": dict(self.params),
            "provider": self.provider_name,
            "model": self.model_id,
            "saved": self.require_saved,
            "references": [await _source_digest(s) for s in self.references],
            "image": await _source_digest(self.image),
            "mask": await _source_digest(self.mask),
            "override": _override_digest(self.override),
        }
        if self.webhook_url is not None:  # keys of earlier versions stay valid
            parts[WEBHOOK_URL] = self.webhook_url
        if self.fallback:
            parts[FALLBACK] = [attrs.astuple(target) for target in self.fallback]
        return hashlib.sha256(canonical_json(parts)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON that is the same for equal values: members in order, and 1.0 as 1.

    A retry may parse a request and write it again, in another order.
    """
    return json.dumps(_with_whole_numbers(value), sort_keys=True).encode()


def _with_whole_numbers(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):  # most; a mapping takes longer to rule out
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(value, Mapping):
        return {name: _with_whole_numbers(item) for name, item in value.items()}
    return [_with_whole_numbers(item) for item in value] if isinstance(value, (list, tuple)) else value


def check_idempotency_key(key: str | None, field: str = "idempotency_key") -> None:
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_KEY(maximum=MAX_IDEMPOTENCY_KEY_CHARS))


async def _source_digest(source: InputSource | None) -> str | None:
    match source:
        case None:
            return None
        case ImageReference():
            return f"image:{source.id}"
        case InputImage():
            return source.sha256
    digest, view = hashlib.sha256(), memoryview(source)
    for start in range(0, len(source), _HASH_CHUNK_BYTES):
        digest.update(view[start : start + _HASH_CHUNK_BYTES])
        await asyncio.sleep(0)  # each chunk takes 2 ms at most
    return digest.hexdigest()


def _override_digest(override: ProviderConfig | None) -> list[Any] | None:
    if override is None:
        return None
    hashed = hashlib.sha256((override.api_key.reveal() if override.api_key else "").encode()).hexdigest()
    return [override.api_base, hashed, override.timeout_seconds, override.max_retries]
