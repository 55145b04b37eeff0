"""Makes a task of what a client wants, or finds the one that it has made already."""

import hashlib

import attrs

from imagegen_core.errors import Unavailable
from imagegen_core.tasks import Task
from imagegen_http.openai.models import find_model
from imagegen_http.openai.repeats import SCOPE, Repeats
from imagegen_http.openai.submissions import submission_of
from imagegen_http.openai.wanted import Wanted
from imagegen_http.service import Service

_CHOSEN_SCOPE = "v1"
_MAX_DIGITS = 6


@attrs.frozen(kw_only=True)
class Caller:
    """What the headers say.

    ``repeat`` counts how often the request was sent before; None where the client does not count, and
    then nothing tells its repeats from new requests.
    """

    credential: str = attrs.field(default="", repr=False)
    idempotency_key: str | None = None
    repeat: int | None = None

    @staticmethod
    def count_of(header: str) -> int | None:
        """Return the number that ``x-stainless-retry-count`` says."""
        count = header.strip()
        return int(count) if count.isascii() and count.isdigit() and len(count) <= _MAX_DIGITS else None


@attrs.frozen(kw_only=True)
class Accepted:
    """``replayed``: the task was there. ``finds_again``: a repeat of the request will find it, too."""

    task: Task
    replayed: bool
    finds_again: bool


async def accept(service: Service, repeats: Repeats, wanted: Wanted, caller: Caller) -> Accepted:
    """Return the task, durable when this returns.

    Raises:
        Refusal: whatever is wrong with it; then nothing is stored or sent.
    """
    if caller.idempotency_key is not None:
        return await _submit(service, wanted, caller.idempotency_key, _CHOSEN_SCOPE)
    if caller.repeat is None:
        return await _submit(service, wanted, None, "")
    digest = hashlib.sha256(f"{caller.credential}\0{wanted.digest}".encode()).hexdigest()
    if caller.repeat > 0 and (made := await repeats.find(service.imagegen, digest)) is not None:
        return Accepted(task=made, replayed=True, finds_again=True)
    async with repeats.submitting(digest):
        key = f"{digest}.{service.imagegen.adapters.new_id()}"
        return await _submit(service, wanted, key, SCOPE)


async def _submit(service: Service, wanted: Wanted, key: str | None, scope: str) -> Accepted:
    if service.stopping.is_set():
        raise Unavailable("the service is shutting down")
    provider_name, model = await find_model(service, wanted.asked.model)
    submission = attrs.evolve(
        submission_of(wanted, provider_name, model), idempotency_key=key, idempotency_scope=scope
    )
    added = await service.imagegen.submit_task(submission)
    return Accepted(task=added.task, replayed=added.replayed, finds_again=key is not None)
