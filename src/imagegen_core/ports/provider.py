"""Calls to a provider: submit (paid), poll and collect (free, repeatable)."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

import attrs

from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.costs import ReportedUsage
from imagegen_core.errors import CallError, Failure
from imagegen_core.messages import Message, as_message, as_messages
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.requests import ImageRequest, InputImage
from imagegen_core.values import frozen_json


@attrs.frozen(kw_only=True)
class ProviderCall:
    """One paid call. ``call_id`` is unique to the attempt; ``config`` is combined and checked.

    ``config.api_base`` is filled in from the profile's default.
    """

    call_id: str
    request: ImageRequest
    model: Model
    config: ProviderConfig


@attrs.frozen(kw_only=True)
class GeneratedImage:
    """An image that a provider made.

    ``chunks()`` downloads or decodes it, and may be called again; it raises `CallError`. ``metadata`` is JSON
    that came with it: seed, revised prompt, safety ratings. ``url``: where it is downloaded from.
    """

    chunks: Callable[[], AsyncIterator[bytes]]
    metadata: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_json)
    url: str | None = None


@attrs.frozen(kw_only=True)
class ProviderResult:
    """The result of one call: images, the failures of refused images, and warnings.

    ``usage`` is the provider's statement of its charge, if any. ``keeps_size``: the images are to have the
    requested pixels.
    """

    images: tuple[GeneratedImage, ...]
    usage: ReportedUsage | None = None
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = attrs.field(default=(), converter=as_messages)
    keeps_size: bool = True


class ProbeOutcome(StrEnum):
    """What a cheap, unpaid call showed about address and key."""

    OK = "ok"
    FAILED = "failed"
    NOT_VERIFIED = "not_verified"


@attrs.frozen(kw_only=True)
class Probe:
    """The result of a cheap, unpaid call: whether the provider is usable now, and a sentence about it.

    ``verified`` is False where the provider has no such call.
    """

    ok: bool
    detail: Message = attrs.field(converter=as_message)
    verified: bool = True

    @property
    def outcome(self) -> ProbeOutcome:
        """The outcome; not verified where the provider has no such call."""
        if not self.ok:
            return ProbeOutcome.FAILED
        return ProbeOutcome.OK if self.verified else ProbeOutcome.NOT_VERIFIED


class Exchange(ABC):
    """What a provider may use during a call: a spool for responses, the caller's images, progress reports."""

    @abstractmethod
    def mark_response_started(self) -> None:
        """Note that the response to the paid request has begun to arrive, whatever its content.

        From then on `Provider.submit` has a few seconds to return it at a stop or a time-out.
        """

    @abstractmethod
    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Keep the provider's response under ``name`` (``a-z 0-9 . _ -``); return its size.

        It is durable once the receipt for it is, from `Provider.submit` or `Provider.poll`.

        Raises:
            CallError: ``bad_response`` if there are more than ``max_bytes``; ``storage_failed``.
        """

    @abstractmethod
    def open_spooled(self, name: str) -> BinaryIO:
        """Return the spooled response as a seekable file, to be read in a thread and closed.

        A short response may be an `io.BytesIO`.

        Raises:
            BlobMissing: nothing was spooled under this name.
        """

    async def read_input(self, image: InputImage) -> bytes:
        """Return the bytes of an image that came with the request."""
        return b"".join([chunk async for chunk in self.input_chunks(image)])

    @abstractmethod
    def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        """Yield the bytes of an image of the request in chunks of at most 512 KiB, read lazily.

        Raises:
            BlobMissing: the file is missing.
            StorageError: it cannot be read.
        """

    @abstractmethod
    async def progress(self, fraction: float) -> None:
        """Report the provider's progress, 0.0 to 1.0, to those who follow the task."""

    @abstractmethod
    def partial_image(self, index: int, content: bytes) -> None:
        """Show an unfinished image to those who follow the task now; ``index`` counts from 0.

        Returns at once; best effort: it is stored nowhere and may be dropped.
        """


class Provider(Protocol):
    """Implements one provider's protocol, without state that a restart would lose.

    Every foreign exception becomes a `CallError`, by the adapter's table. It is ``not_started`` only where
    the response, or the failure to connect, proves that. An adapter never retries.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The provider names that imply this kind where a configuration says none.

        A final ``*`` matches any rest; of several adapters, the longest match counts.
        """

    @property
    def extra_keys(self) -> frozenset[str]:
        """The keys of ``extra_config`` of this kind, besides the common ones; others are refused."""

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        """Return models, defaults and needs of a configuration. Pure, and fast enough for every request.

        Raises:
            ValidationFailed: ``extra_config`` is invalid; it names the path inside it.
        """

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        """Return the paid calls that the request takes: one for all images, or one per image. Pure.

        Raises:
            ValidationFailed: the request can be refused before anything is queued.
        """

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        """Send the one paid request; return the accepted job, or the receipt of the spooled response.

        Raises:
            CallError: the provider refused it, or its outcome is unknown.
        """

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        """Wait until an accepted job is done; perhaps in another process than the one that submitted it.

        Raises:
            CallError: the job failed, was cancelled, or is no longer known (``result_expired``).
        """

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        """Parse the spooled response; free, and repeatable after a restart.

        Raises:
            CallError: the response is a refusal, or cannot be parsed (``bad_response``).
        """

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Ask the provider to stop, best effort; ``job`` is None while `submit` is still waiting.

        It does not raise if the provider cannot cancel or does not respond.
        """

    async def probe(self, config: ProviderConfig) -> Probe:
        """Make one cheap, unpaid call, such as listing the models; if there is none, say so."""


# ---------------------------------------------------------------- batch jobs


@attrs.frozen(kw_only=True)
class BatchOutcome:
    """What became of a batch job: the upstream ``files`` of answers, and the failure of all other calls."""

    files: tuple[str, ...] = ()
    rest: Failure


class BatchCalls(Protocol):
    """What a provider with batch jobs has as ``batches``; a job costs `Model.batch_factor` of its calls.

    ``job`` is any of its calls, with our own id of the job as ``call_id``. Only `start` may cost money. It
    raises as `Provider.submit` does, and what it sent is found by `find`.
    """

    async def line(self, name: str, call: ProviderCall) -> bytes:
        """Return the call as a line of the job, without its end; its answer comes under ``name``.

        Raises:
            CallError: it cannot be sent, or not in a batch job.
        """

    async def upload(self, job: ProviderCall, lines: AsyncIterator[bytes], *, size: int) -> str:
        """Upload the lines, of ``size`` bytes together, and return the upstream id of the file."""

    async def start(self, job: ProviderCall, file: str) -> str:
        """Start the job, the one paid act, and return its upstream id."""

    async def find(self, job: ProviderCall, *, since: datetime) -> str | None:
        """Look for the job in the provider's list of all jobs since then; None if it is not there.

        Raises:
            CallError: the list could not be read to its end.
        """

    async def discard(self, job: ProviderCall, file: str) -> None:
        """Remove an uploaded file, so that no request on its way can start a job with it any more."""

    async def outcome(self, job: ProviderCall, upstream_id: str) -> BatchOutcome | None:
        """Return what became of the job; None while it is not done."""

    def answers(self, job: ProviderCall, file: str) -> AsyncIterator[bytes]:
        """Yield an upstream file of answers, a JSON object a line; it may have gigabytes."""

    def read(
        self, job: ProviderCall, file: BinaryIO, spooled_as: str, *, is_whole: bool
    ) -> tuple[str, Receipt | Failure]:
        """Return the name of a line's call, and its receipt, or why it failed. Blocks.

        `Provider.collect` will find the line spooled as that.

        Raises:
            CallError: it cannot be read. One that ``is_whole`` has a receipt, if its name can be read.
        """

    async def cancel(self, job: ProviderCall, upstream_id: str) -> None:
        """Ask the provider to stop the job; what it has done is charged, and its answers come."""


def batches_of(provider: Provider) -> BatchCalls | None:
    """Return the provider's batch jobs; None if it has none."""
    batches: BatchCalls | None = getattr(provider, "batches", None)
    return batches
