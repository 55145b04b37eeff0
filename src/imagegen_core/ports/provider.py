"""A provider's protocol: submit (paid), poll and collect (free, repeatable)."""

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

import attrs

from imagegen_core.errors import CallError
from imagegen_core.messages import Message, as_message, as_messages
from imagegen_core.operations import ImageRequest, InputImage
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.tasks.attempt import Receipt, UpstreamJob
from imagegen_core.values.frozen_mappings import frozen_json


@attrs.frozen(kw_only=True)
class ProviderProfile:
    """What a configuration of this kind amounts to.

    ``max_concurrency`` is how many calls may run at once (None: as many as there are workers), unless
    the configuration says otherwise in ``extra_config.max_concurrency``. ``free`` says that no call ever
    costs anything, so one that a dying process broke off is simply made again. ``key_hosts`` may get the
    key beside ``api_base``, or whatever else secrets are used for there, in the adapter's own spelling.
    ``key_problem`` says what is wrong with the form of the key. ``ambient_credentials`` names what calls are
    made with that is this machine's own instead of a key (a file, a metadata service), and whom it is used
    for: only the operator may lend that.
    """

    models: tuple[Model, ...]
    default_api_base: str | None = None
    needs_api_base: bool = True
    needs_api_key: bool = True
    max_concurrency: int | None = None
    free: bool = False
    key_hosts: tuple[str, ...] = ()
    key_problem: Message | None = None
    ambient_credentials: str | None = None


@attrs.frozen(kw_only=True)
class ProviderCall:
    """One paid request. ``config`` is combined and checked; ``call_id`` is unique to the attempt.

    ``config.api_base`` is filled in with the profile's default.
    """

    call_id: str
    request: ImageRequest
    model: Model
    config: ProviderConfig


@attrs.frozen(kw_only=True)
class GeneratedImage:
    """An image that a provider made.

    ``chunks()`` downloads or decodes it, and may be called again; it raises `CallError`.
    ``metadata`` is what the provider said beside it (seed, revised prompt, safety ratings), as JSON.
    """

    chunks: Callable[[], AsyncIterator[bytes]]
    metadata: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_json)


@attrs.frozen(kw_only=True)
class ProviderResult:
    """All that one call yielded: images, those that the provider refused one by one, and warnings."""

    images: tuple[GeneratedImage, ...]
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)


class ProbeOutcome(StrEnum):
    """What a cheap, unpaid call told of address and key."""

    OK = "ok"
    FAILED = "failed"
    NOT_VERIFIED = "not_verified"


@attrs.frozen(kw_only=True)
class Probe:
    """The answer of a cheap, unpaid call: whether the provider could be used now, and a sentence.

    ``verified`` is False where the provider has no such call: nothing is known to be wrong, nor right.
    """

    ok: bool
    detail: Message = attrs.field(converter=as_message)
    verified: bool = True

    @property
    def outcome(self) -> ProbeOutcome:
        """What the call told; without one, that it was not verified."""
        if not self.ok:
            return ProbeOutcome.FAILED
        return ProbeOutcome.OK if self.verified else ProbeOutcome.NOT_VERIFIED


class Exchange(Protocol):
    """What a provider may use during one call: a spool on our disk, the caller's images, progress."""

    def mark_response_started(self) -> None:
        """Note that the answer to the paid request has begun to arrive, whatever it says.

        From then on `Provider.submit` has a few seconds to return it when the service stops, or when the
        call's time is over.
        """
        ...

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Write the provider's answer to disk under ``name`` (``a-z 0-9 . _ -``), synced; return its size.

        Raises:
            CallError: ``bad_response`` when there are more than ``max_bytes``; ``storage_failed``.
        """
        ...

    def open_spooled(self, name: str) -> BinaryIO:
        """Return what was spooled, as a seekable binary file that the caller closes.

        Raises:
            BlobMissing: nothing was spooled under this name.
        """
        ...

    async def read_input(self, image: InputImage) -> bytes:
        """Return the bytes of an image that came with the request."""
        ...

    def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        """Yield the same in pieces of at most 512 KiB, each read when it is asked for.

        Raises:
            BlobMissing: it is gone.
            StorageError: it cannot be read.
        """
        ...

    async def progress(self, fraction: float) -> None:
        """Tell those who watch how far the provider is, 0.0 to 1.0."""
        ...


class Provider(Protocol):
    """Speaks one provider's protocol; keeps no state that a restart would miss.

    Every foreign exception becomes a `CallError`, classified by the adapter's table: ``not_started``
    only where the provider's answer, or the lack of a connection, proves it. Nothing is retried inside.
    """

    @property
    def extra_keys(self) -> frozenset[str]:
        """The keys of ``extra_config`` that this kind reads, beside the service's own.

        Another one is refused when it is saved or stands in ``config.yaml``.
        """
        ...

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        """Return models, defaults and needs of a configuration. Pure, and quick enough for each request.

        Raises:
            ValidationFailed: ``extra_config`` is wrong, with the path inside it.
        """
        ...

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        """Return the paid calls that the request takes: itself, or one an image. Pure.

        Raises:
            ValidationFailed: the request holds what can be refused before anything is queued.
        """
        ...

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        """Send the one paid request; return the job that the provider accepted, or its answer, spooled.

        Raises:
            CallError: it was refused, or nobody knows.
        """
        ...

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        """Wait until an accepted job is done; works in another process than the one that submitted it.

        Raises:
            CallError: the job failed, was cancelled, or the provider no longer knows it (``result_expired``).
        """
        ...

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        """Read the spooled answer; free, and repeatable after a restart.

        Raises:
            CallError: the answer is a refusal, or cannot be read (``bad_response``).
        """
        ...

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Ask the provider to stop, where it can; ``job`` is None while `submit` still waits.

        Best effort: it never raises for a provider that cannot or does not answer.
        """
        ...

    async def probe(self, config: ProviderConfig) -> Probe:
        """Make one cheap, unpaid call where the provider has one (a model list), else say so."""
        ...
