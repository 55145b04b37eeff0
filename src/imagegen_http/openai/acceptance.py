"""Makes a task of what a client wants, or finds the one that it has made already."""

import asyncio
import hashlib

import attrs

from imagegen_core.errors import Unavailable
from imagegen_core.ports.task_repository import AddedTask
from imagegen_core.tasks.task import Task
from imagegen_http.openai.client_retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.openai.image_request import ImageRequest
from imagegen_http.openai.models import find_model
from imagegen_http.openai.submissions import build_submission, possible_operations
from imagegen_http.runtime.service import Service

_CLIENT_KEY_SCOPE = "v1"
_MAX_DIGITS = 6


@attrs.frozen(kw_only=True)
class Caller:
    """What the headers say.

    ``repeat`` counts how often the request was sent before; 0 also where the client does not count.
    ``left`` ends when the caller has gone.
    """

    disconnect: "asyncio.Task[None]"
    credential: str = attrs.field(default="", repr=False)
    idempotency_key: str | None = None
    retry_count: int = 0

    @staticmethod
    def parse_retry_count(header: str) -> int:
        """Return the number that ``x-stainless-retry-count`` says."""
        count = header.strip()
        return int(count) if count.isascii() and count.isdigit() and len(count) <= _MAX_DIGITS else 0


@attrs.frozen(kw_only=True)
class Accepted:
    """``replayed``: the task was there. ``call`` waits for it until it is told to leave."""

    task: Task
    replayed: bool
    call: Call


async def accept(
    service: Service, repeats: ClientRetries, image_request: ImageRequest, caller: Caller
) -> Accepted:
    """Return the task, durable when this returns.

    Raises:
        Refusal: whatever is wrong with it, or a caller without a key of his own has gone; then nothing is
            stored or sent.
    """
    call = Call(
        digest=hashlib.sha256(f"{caller.credential}\0{image_request.digest}".encode()).hexdigest(),
        operations=possible_operations(image_request),
        disconnect=caller.disconnect,
    )
    if caller.idempotency_key is not None:
        added = await _submit(service, image_request, caller.idempotency_key, _CLIENT_KEY_SCOPE)
        return Accepted(task=added.task, replayed=added.replayed, call=call)
    async with repeats.arriving(call):
        made = await repeats.claim(service.imagegen, call, numbered=caller.retry_count > 0)
        if made is not None:
            return Accepted(task=made, replayed=True, call=call)
        if caller.disconnect.done():
            raise Unavailable("nobody waits for it any more")
        key = f"{call.digest}.{service.imagegen.adapters.new_id()}"
        async with repeats.submitting(call, key):
            added = await _submit(service, image_request, key, DERIVED_KEY_SCOPE)
    return Accepted(task=added.task, replayed=False, call=call)


async def _submit(service: Service, image_request: ImageRequest, key: str, scope: str) -> AddedTask:
    if service.stopping.is_set():
        raise Unavailable("the service is shutting down")
    provider_name, model = await find_model(service, image_request.generation.model)
    submission = attrs.evolve(
        build_submission(image_request, provider_name, model), idempotency_key=key, idempotency_scope=scope
    )
    return await service.imagegen.submit_task(submission)
