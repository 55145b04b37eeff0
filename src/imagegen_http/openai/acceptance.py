"""Creates the task of a client's request, or finds the one that an earlier request created."""

import asyncio
import hashlib

import attrs

from imagegen_core.errors import Unavailable
from imagegen_core.ports.task_repository import AddedTask
from imagegen_core.problems import RefusalCode
from imagegen_core.task import Task
from imagegen_http.openai.client_retries import DERIVED_KEY_SCOPE, Call, ClientRetries
from imagegen_http.openai.image_request import ImageRequest
from imagegen_http.openai.models import find_model
from imagegen_http.openai.submissions import build_submission, possible_operations
from imagegen_http.problems.messages import ServiceCode
from imagegen_http.runtime.service import Service

_CLIENT_KEY_SCOPE = "v1"
_MAX_DIGITS = 6


@attrs.frozen(kw_only=True)
class Caller:
    """What the headers say of the caller.

    ``retry_count`` is how often the request was sent before; 0 also if the client does not count.
    ``disconnect`` ends when the caller has disconnected.
    """

    disconnect: "asyncio.Task[None]"
    credential: str = attrs.field(default="", repr=False)
    idempotency_key: str | None = None
    retry_count: int = 0

    @staticmethod
    def parse_retry_count(header: str) -> int:
        """Return the number in ``x-stainless-retry-count``; 0 if there is none."""
        count = header.strip()
        return int(count) if count.isascii() and count.isdigit() and len(count) <= _MAX_DIGITS else 0


@attrs.frozen(kw_only=True)
class Accepted:
    """``replayed``: the task existed before. ``call`` counts as waiting for it until ``retries.leave``."""

    task: Task
    replayed: bool
    call: Call


async def accept(
    service: Service, retries: ClientRetries, image_request: ImageRequest, caller: Caller
) -> Accepted:
    """Return the request's task, which is durable by then.

    Raises:
        Refusal: the request is not valid, or a caller without an idempotency key has disconnected; then
            nothing is stored or sent.
    """
    call = Call(
        digest=hashlib.sha256(f"{caller.credential}\0{image_request.digest}".encode()).hexdigest(),
        operations=possible_operations(image_request),
        disconnect=caller.disconnect,
    )
    if caller.idempotency_key is not None:
        added = await _submit(service, image_request, caller.idempotency_key, _CLIENT_KEY_SCOPE)
        return Accepted(task=added.task, replayed=added.replayed, call=call)
    async with retries.arriving(call):
        task = await retries.claim(service.imagegen, call, numbered=caller.retry_count > 0)
        if task is not None:
            return Accepted(task=task, replayed=True, call=call)
        if caller.disconnect.done():
            raise Unavailable(ServiceCode.CALLER_LEFT())
        key = f"{call.digest}.{service.imagegen.adapters.new_id()}"
        async with retries.submitting(call, key):
            added = await _submit(service, image_request, key, DERIVED_KEY_SCOPE)
    return Accepted(task=added.task, replayed=False, call=call)


async def _submit(service: Service, image_request: ImageRequest, key: str, scope: str) -> AddedTask:
    if service.stopping.is_set():
        raise Unavailable(RefusalCode.SHUTTING_DOWN())
    provider_name, model = await find_model(service, image_request.generation.model)
    submission = attrs.evolve(
        build_submission(image_request, provider_name, model), idempotency_key=key, idempotency_scope=scope
    )
    return await service.imagegen.submit_task(submission)
