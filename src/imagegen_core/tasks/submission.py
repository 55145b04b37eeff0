"""What a caller asks for, before any of it is checked."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_IDEMPOTENCY_KEY_CHARS, MAX_PROMPT_CHARS
from imagegen_core.operations import Operation, OperationRules
from imagegen_core.problems.fields import ProblemCode
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.requests.input_image import InputImage
from imagegen_core.tasks.task import Task
from imagegen_core.text_problems import check_text

_IDEMPOTENCY_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARS}}}")
_HASH_CHUNK_BYTES = 512 * 1024


@attrs.frozen(kw_only=True)
class StoredImage:
    """An image of this service as an input: ``image:<id>``."""

    id: int


InputSource = bytes | StoredImage | InputImage
"""Bytes, a stored image, or an input of an earlier task, copied from the spool without inspection."""


@attrs.frozen(kw_only=True)
class Submission:
    """What a caller asks for, before any of it is checked.

    ``override`` is the caller's own configuration for this task alone. ``idempotency_key`` makes equal
    submissions within ``idempotency_scope`` one task for 24 hours.
    """

    operation: Operation = Operation.GENERATE
    prompt: str = ""
    params: Mapping[str, Any] = attrs.field(factory=dict)
    provider_name: str | None = None
    model_id: str | None = None
    references: tuple[InputSource, ...] = ()
    image: InputSource | None = None
    mask: InputSource | None = None
    override: ProviderConfig | None = None
    require_saved: bool = False
    idempotency_key: str | None = None
    idempotency_scope: str = ""
    retry_of: str | None = None

    @classmethod
    def again(cls, task: Task, *, verb: str, idempotency_key: str | None) -> "Submission":
        """Return what a task asked for, to be asked for once more; its ``override`` was wiped.

        The same key and ``verb`` make one new task of that task.
        """
        request = task.request
        return cls(
            operation=request.operation,
            prompt=request.prompt,
            params=request.params,
            provider_name=task.provider_name,
            model_id=task.model_id,
            references=request.references,
            image=request.image,
            mask=request.mask,
            retry_of=task.task_id,
            idempotency_key=idempotency_key,
            idempotency_scope=f"{verb}:{task.task_id}",
        )

    def check_shape(self) -> None:
        """Check what does not depend on the provider: key, prompt, and which images the operation takes.

        Raises:
            ValidationFailed: naming the field.
        """
        check_idempotency_key(self.idempotency_key)
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
        """Return the SHA-256 of the whole request; equal requests have equal digests."""
        parts = {
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
        return hashlib.sha256(canonical_json(parts)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON that is the same for equal values: members in order, and 1.0 as 1.

    What repeats a request may parse it and write it again, with the members in another order.
    """
    return json.dumps(_with_whole_numbers(value), sort_keys=True).encode()


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_idempotency_key(key: str | None, field: str = "idempotency_key") -> None:
    """Refuse a key that no header can carry.

    Raises:
        ValidationFailed: it is not 1 to 255 visible ASCII characters.
    """
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_KEY(maximum=MAX_IDEMPOTENCY_KEY_CHARS))


async def _source_digest(source: InputSource | None) -> str | None:
    match source:
        case None:
            return None
        case StoredImage():
            return f"image:{source.id}"
        case InputImage():
            return source.sha256
        case bytes():
            return await _hashed(source)


async def _hashed(data: bytes) -> str:
    """Return the SHA-256 in hex, yielding to the event loop after each chunk of at most 2 ms."""
    digest, view = hashlib.sha256(), memoryview(data)
    for start in range(0, len(data), _HASH_CHUNK_BYTES):
        digest.update(view[start : start + _HASH_CHUNK_BYTES])
        await asyncio.sleep(0)
    return digest.hexdigest()


def _override_digest(override: ProviderConfig | None) -> list[Any] | None:
    if override is None:
        return None
    key = override.api_key.reveal() if override.api_key else ""
    hashed = hashlib.sha256(key.encode()).hexdigest()
    return [override.api_base, hashed, override.timeout_seconds, override.max_retries]
