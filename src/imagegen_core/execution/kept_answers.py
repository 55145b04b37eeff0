"""Answers that are paid for and that no task can use, kept in the spool for a week, for a person to fetch.

One that comes once its task is another worker's is a ``.late`` one. A ``.kept`` one cannot be read, or has no
image that can be stored. No run of the task removes either.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta

from imagegen_core.attempt import Attempt, Receipt, UpstreamJob
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StorageError
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.execution.call_exchange import CallExchange, spool_owner
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Message
from imagegen_core.ports.redactor import Redactor
from imagegen_core.problems import FailureReason

RETENTION_SECONDS = 7 * 24 * 3600.0
"""How long they are kept, as are responses whose images could not be stored."""

_KEPT, _LATE = ".kept", ".late"
_UNUSABLE = frozenset({FailureCode.BAD_RESPONSE, FailureCode.DOWNLOAD_FAILED, FailureCode.INVALID_IMAGE})
_MAX_FORM_BYTES = 64 * 1024
"""Longer than a secret in any encoding."""

_MAX_ESCAPE_LEVELS = 3
_ESCAPE = re.compile(rb"\\(?:u(?P<code>[0-9A-Fa-f]{4})|(?P<char>[^\0]))", re.DOTALL)

_log = logging.getLogger(__name__)


def is_kept(owner: str) -> bool:
    """Return whether the spooled files of an owner are an answer that was kept."""
    return owner.endswith((_KEPT, _LATE))


def kept_owners(attempt: Attempt) -> tuple[str, ...]:
    """Return the owners in the spool of what was kept of an attempt's answer, if anything was."""
    owner = spool_owner(attempt.task_id, attempt.attempt_id)
    return f"{owner}{_KEPT}", f"{owner}{_LATE}"


async def keep_late_answer(active: ActiveCall, answer: UpstreamJob | Receipt) -> None:
    """Keep the answer to a paid request whose task is another worker's by now.

    The task itself says already that it may have been charged: the attempt was stored before it was sent.
    """
    exchange = active.exchange
    owner = f"{exchange.owner}{_LATE}"
    details = {"task_id": active.attempt.task_id, "provider": active.call.config.provider_name}
    try:
        await _copy_response(exchange, owner)
        name, content = _described(answer)
        await _put(exchange, owner, name, _once(content))
    except (StorageError, BlobMissing):
        _log.exception("an answer that is paid for came too late, and could not be kept", extra=details)
    else:
        _log.error("an answer that is paid for came too late; it is kept in the spool", extra=details)


async def keep_unusable(active: ActiveCall, error: CallError) -> CallError:
    """Keep the response of a call that may be charged and whose result cannot be used; say so in its error.

    Returns:
        The error, which says where the response is if it was kept, or ``storage_failed``, so that it is tried
        again, if the response could not be.
    """
    failure = error.failure
    if failure.code not in _UNUSABLE or not failure.possible_charge or _says_so(failure.reason):
        return error
    exchange = active.exchange
    try:
        if not await _copy_response(exchange, f"{exchange.owner}{_KEPT}"):
            return error
    except (StorageError, BlobMissing):
        _log.exception("an unusable answer could not be kept", extra={"task_id": active.attempt.task_id})
        return CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_NOT_KEPT())
    return error.because(_with_place(exchange, failure.reason))


async def keep_image(
    exchange: CallExchange, position: int, chunks: AsyncIterator[bytes], reason: Message
) -> Message:
    """Keep what came of an image that cannot be stored, and return ``reason`` with where it is.

    Raises:
        CallError: ``download_failed``: not all of it came; ``storage_failed``.
    """
    try:
        await _put(exchange, f"{exchange.owner}{_KEPT}", f"image-{position}", _as_far_as_it_came(chunks))
    except (StorageError, BlobMissing) as error:
        raise CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_NOT_KEPT()) from error
    return _with_place(exchange, reason)


def _with_place(exchange: CallExchange, reason: Message) -> Message:
    until = exchange.clock.now() + timedelta(seconds=RETENTION_SECONDS)
    return FailureReason.ANSWER_KEPT(
        reason=reason, until=f"{until:%Y-%m-%d %H:%M} UTC", task_id=exchange.run.task.task_id
    )


def _says_so(reason: Message) -> bool:
    return reason.code is FailureReason.ANSWER_KEPT


async def _copy_response(exchange: CallExchange, owner: str) -> bool:
    """Copy all that the call has spooled, and return whether there was anything."""
    copied = False
    for name, size in (await exchange.spool_files.files(exchange.owner)).items():
        if size:
            await _put(exchange, owner, name, exchange.spool_files.chunks(exchange.owner, name))
            copied = True
    # A short response is newer than a file of its name.
    if exchange.response is not None and exchange.response.content:
        await _put(exchange, owner, exchange.response.name, _once(exchange.response.content))
        copied = True
    return copied


async def _put(exchange: CallExchange, owner: str, name: str, chunks: AsyncIterator[bytes]) -> None:
    masked = _without_secrets(chunks, exchange.redactor)
    await exchange.spool_files.put(owner, name, masked, max_bytes=2**40)


async def _as_far_as_it_came(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield an image up to its largest size, also where that is why it is refused."""
    size = 0
    try:
        async for chunk in chunks:
            yield chunk[: MAX_IMAGE_BYTES - size]
            size += len(chunk)
            if size >= MAX_IMAGE_BYTES:
                return
    except CallError as error:
        if error.failure.code is FailureCode.DOWNLOAD_FAILED:
            raise


async def _without_secrets(chunks: AsyncIterator[bytes], redactor: Redactor) -> AsyncGenerator[bytes, None]:
    """Yield text with the secrets in it masked; a file of bytes, such as most images, as it is."""
    buffer, is_text = b"", True
    async for chunk in chunks:
        buffer += chunk
        is_text = is_text and b"\0" not in buffer
        if is_text:
            buffer = await asyncio.to_thread(_masked, buffer, redactor, b"\0")
        end = max(0, len(buffer) - _MAX_FORM_BYTES) if is_text else len(buffer)
        if end:
            yield buffer[:end]
            buffer = buffer[end:]
    yield await asyncio.to_thread(_masked, buffer, redactor) if is_text else buffer


def _masked(data: bytes, redactor: Redactor, end: bytes = b"") -> bytes:
    """Return the bytes without secrets; before an ``end``, what may be the beginning of one is left.

    JSON may hold text of JSON, in which a secret has one escape more than any that the redactor knows. Where
    one shows only without the escapes of a level, the text stays without them.
    """
    unescaped = data
    for _ in range(_MAX_ESCAPE_LEVELS):
        if redactor.contains_secret(unescaped + end):
            text = (unescaped + end).decode("utf-8", "surrogateescape")
            data = unescaped = redactor.redact(text).encode("utf-8", "surrogateescape").removesuffix(end)
        if b"\\" not in unescaped:
            break
        unescaped = _ESCAPE.sub(_resolved, unescaped)
    return data


def _resolved(escape: re.Match[bytes]) -> bytes:
    code = escape["code"]
    return chr(int(code, 16)).encode("utf-8", "replace") if code else escape["char"]


def _described(answer: UpstreamJob | Receipt) -> tuple[str, bytes]:
    """Return the answer as the adapter understood it: the name of a file, and its content."""
    if isinstance(answer, UpstreamJob):
        return "job.json", json.dumps({"id": answer.id, "data": dict(answer.data)}).encode()
    return "receipt.json", json.dumps(dict(answer.data)).encode()


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content
