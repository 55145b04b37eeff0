"""The contract of a `Provider`, as a suite to subclass, and an exchange in memory for it."""

import hashlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, BinaryIO

import pytest
from PIL import Image

from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import BlobMissing, CallError, FailureCode
from imagegen_core.images import MediaType
from imagegen_core.models import Model, check_request, choose_model
from imagegen_core.ports.provider import GeneratedImage, Provider, ProviderCall, ProviderResult
from imagegen_core.requests import ImageRequest, InputImage, Operation

_PIECE = 7


class MemoryExchange:
    """Implements the `Exchange` port without a disk.

    Args:
        inputs: bytes of the caller's images, by `InputImage.key`.

    Attributes:
        spooled: what the provider spooled, by name.
        progress_reports: the fractions that it reported, oldest first.
        partial_images: the partial images that it showed, with their numbers, oldest first.
        response_started: whether it noted that an answer has begun to arrive.
    """

    def __init__(self, inputs: Mapping[str, bytes] | None = None) -> None:
        self.inputs = dict(inputs or {})
        self.spooled: dict[str, bytes] = {}
        self.progress_reports: list[float] = []
        self.partial_images: list[tuple[int, bytes]] = []
        self.response_started = False

    def mark_response_started(self) -> None:
        """Record it."""
        self.response_started = True

    async def spool(self, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Store the bytes under ``name``; nothing is stored if there are too many or ``chunks`` raises."""
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                raise CallError(FailureCode.BAD_RESPONSE, f"the answer is longer than {max_bytes} bytes")
        self.spooled[name] = bytes(data)
        return len(data)

    def open_spooled(self, name: str) -> BinaryIO:
        """Return the spooled file."""
        if name not in self.spooled:
            raise BlobMissing(name)
        return io.BytesIO(self.spooled[name])

    async def read_input(self, image: InputImage) -> bytes:
        """Return the bytes of an input."""
        return self.inputs[image.key]

    async def input_chunks(self, image: InputImage) -> AsyncIterator[bytes]:
        """Yield the bytes of an input in chunks of seven."""
        if image.key not in self.inputs:
            raise BlobMissing(image.key)
        data = self.inputs[image.key]
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE]

    async def progress(self, fraction: float) -> None:
        """Record the fraction."""
        self.progress_reports.append(fraction)

    def partial_image(self, index: int, content: bytes) -> None:
        """Record the partial image."""
        self.partial_images.append((index, content))


def image_file(
    colour: str = "orange", size: tuple[int, int] = (64, 48), mode: str = "RGB", encoding: str = "PNG"
) -> bytes:
    """Return a small image, a PNG unless another encoding is named."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, encoding)
    return buffer.getvalue()


def input_image(key: str, data: bytes) -> InputImage:
    """Return the input image of a caller's PNG that is spooled under ``key``."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    digest = hashlib.sha256(data).hexdigest()
    return InputImage(
        key=key, mime_type="image/png", width=width, height=height, size_bytes=len(data), sha256=digest
    )


INPUTS: Mapping[str, bytes] = {
    "reference": image_file("teal"),
    "image": image_file("orange"),
    "mask": image_file("white", mode="L"),
}
"""The caller's images by key, for a `MemoryExchange`."""


def request_for(operation: Operation, **params: Any) -> ImageRequest:
    """Return a small request for ``operation`` with the images of `INPUTS` that it needs."""
    rules = operation.rules
    return ImageRequest(
        operation=operation,
        prompt="一只可爱的猫" if rules.needs_prompt else "",
        params=params,
        references=(input_image("reference", INPUTS["reference"]),) if rules.max_references else (),
        image=input_image("image", INPUTS["image"]) if rules.takes_image else None,
        mask=input_image("mask", INPUTS["mask"]) if rules.takes_mask else None,
    )


async def run_call(provider: Provider, call: ProviderCall, exchange: MemoryExchange) -> ProviderResult:
    """Submit, poll and collect a call; job and receipt go through JSON in between, as they do on disk."""
    answer = await provider.submit(call, exchange)
    if isinstance(answer, UpstreamJob):
        stored = UpstreamJob(id=answer.id, data=_through_json(answer.data), expires_at=answer.expires_at)
        answer = await provider.poll(call, stored, exchange)
    return await provider.collect(call, Receipt(data=_through_json(answer.data)), exchange)


async def read(image: GeneratedImage) -> bytes:
    """Return an image's bytes."""
    return b"".join([chunk async for chunk in image.chunks()])


def _through_json(data: Mapping[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(dict(data)))
    return copied


class ProviderContract:
    """Subclass it, override the fixtures `provider` and `config`, and the method `rejected_request`.

    ``params`` are added to each request, for models that need some.
    """

    params: Mapping[str, Any] = {}

    @pytest.fixture
    def provider(self) -> Provider:
        """Return the provider under test."""
        raise NotImplementedError

    @pytest.fixture
    def config(self) -> ProviderConfig:
        """Return a configuration with which the provider works."""
        raise NotImplementedError

    def rejected_request(self) -> ImageRequest:
        """Return a request that the provider refuses because of its content."""
        raise NotImplementedError

    def call(
        self, provider: Provider, config: ProviderConfig, request: ImageRequest, call_id: str = "call-1"
    ) -> ProviderCall:
        """Return the call that the core would make for a request to the default model."""
        return ProviderCall(
            call_id=call_id, request=request, model=self.model(provider, config), config=config
        )

    def model(self, provider: Provider, config: ProviderConfig) -> Model:
        """Return the default model."""
        return choose_model(provider.describe(config).models, None)

    def test_describing_is_pure(self, provider: Provider, config: ProviderConfig) -> None:
        """A configuration has the same profile each time; there is a model, and each model has operations."""
        first, second = provider.describe(config), provider.describe(config)

        assert first == second
        assert all(model.operations for model in first.models)
        assert first.models

    def test_splitting_loses_no_image(self, provider: Provider, config: ProviderConfig) -> None:
        """The calls into which a request is split request as many images as it does."""
        request = request_for(Operation.GENERATE, **self.params, num=3)

        parts = provider.split(request, self.model(provider, config), config)

        assert 3 == sum(part.num for part in parts)

    async def test_each_operation_yields_an_image(self, provider: Provider, config: ProviderConfig) -> None:
        """Every operation of the default model yields a PNG, JPEG or WebP."""
        for operation in self.model(provider, config).operations:
            request = request_for(operation, **self.params)
            check_request(request, self.model(provider, config))

            result = await run_call(
                provider, self.call(provider, config, request, operation), MemoryExchange(INPUTS)
            )

            assert 1 <= len(result.images), operation
            assert MediaType.sniff(await read(result.images[0])) is not None, operation

    async def test_as_many_images_as_wanted(self, provider: Provider, config: ProviderConfig) -> None:
        """All calls of a request for two images together yield two."""
        request = request_for(Operation.GENERATE, **self.params, num=2)
        parts = provider.split(request, self.model(provider, config), config)

        results = [
            await run_call(
                provider, self.call(provider, config, part, f"call-{number}"), MemoryExchange(INPUTS)
            )
            for number, part in enumerate(parts)
        ]

        assert 2 == sum(len(result.images) for result in results)

    async def test_takes_a_seed_that_it_declares(self, provider: Provider, config: ProviderConfig) -> None:
        """A model that declares a seed takes one."""
        if "seed" not in {p.name for p in self.model(provider, config).parameters}:
            return
        request = request_for(Operation.GENERATE, **self.params, seed=7)

        result = await run_call(provider, self.call(provider, config, request), MemoryExchange(INPUTS))

        assert 1 == len(result.images)

    async def test_collecting_is_repeatable(self, provider: Provider, config: ProviderConfig) -> None:
        """The response can be parsed again after a restart, and each image can be read more than once."""
        call = self.call(provider, config, request_for(Operation.GENERATE, **self.params))
        exchange = MemoryExchange(INPUTS)
        answer = await provider.submit(call, exchange)
        receipt = answer if isinstance(answer, Receipt) else await provider.poll(call, answer, exchange)

        (first,) = (await provider.collect(call, receipt, exchange)).images
        (second,) = (await provider.collect(call, receipt, exchange)).images

        assert await read(first) == await read(first) == await read(second)

    async def test_an_arriving_answer_is_marked(self, provider: Provider, config: ProviderConfig) -> None:
        """A stopping service waits for the rest of a paid response that has started."""
        call = self.call(provider, config, request_for(Operation.GENERATE, **self.params))
        exchange = MemoryExchange(INPUTS)

        await provider.submit(call, exchange)

        assert exchange.response_started or provider.describe(config).free

    async def test_metadata_is_json(self, provider: Provider, config: ProviderConfig) -> None:
        """The metadata of an image can be stored."""
        call = self.call(provider, config, request_for(Operation.GENERATE, **self.params))

        result = await run_call(provider, call, MemoryExchange(INPUTS))

        assert dict(result.images[0].metadata) == _through_json(result.images[0].metadata)

    async def test_a_refusal_says_so(self, provider: Provider, config: ProviderConfig) -> None:
        """A refused prompt fails as ``content_policy``, and does not count as a call that never started."""
        with pytest.raises(CallError) as caught:
            await run_call(
                provider, self.call(provider, config, self.rejected_request()), MemoryExchange(INPUTS)
            )

        assert FailureCode.CONTENT_POLICY == caught.value.failure.code
        assert not caught.value.not_started

    async def test_cancelling_never_raises(self, provider: Provider, config: ProviderConfig) -> None:
        """Cancelling is best effort: neither an unsent call nor an unknown job is an error."""
        call = self.call(provider, config, request_for(Operation.GENERATE, **self.params))

        await provider.cancel(call, None)
        await provider.cancel(call, UpstreamJob(id="unknown"))

    async def test_probing_answers(self, provider: Provider, config: ProviderConfig) -> None:
        """The cheap call succeeds, and has a sentence about it."""
        probe = await provider.probe(config)

        assert probe.ok
        assert str(probe.detail)
