"""Turns a spooled response into images whose bytes are downloaded or decoded on demand."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.http.classification import (
    UpstreamResponse,
    classify,
    classify_code,
    job_error,
)
from imagegen_adapters.providers.http.document_call import DocumentCall
from imagegen_adapters.providers.http.egress import absolute_url, check_download, same_origin
from imagegen_adapters.providers.http.extraction import ExtractedImage, find_images
from imagegen_adapters.providers.http.sender import Credentials
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.spooled_json import (
    SpooledJson,
    SpooledString,
    decode_chunks,
    iterate_in_thread,
    parse_spooled,
)
from imagegen_adapters.providers.upstream_messages import shorten
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.provider import Exchange, GeneratedImage, ProviderResult
from imagegen_core.problems import FailureReason
from imagegen_core.tasks.attempt import Receipt

_BLOCK_BYTES = 256 * 1024


@attrs.frozen(kw_only=True)
class ResultParser:
    """Reads one receipt. ``parses`` limits how many responses are parsed at once, over all calls."""

    document_call: DocumentCall
    receipt: Receipt
    exchange: Exchange
    parses: asyncio.Semaphore

    async def parse(self) -> ProviderResult:
        """Return the images.

        Raises:
            CallError: the response has none.
        """
        if self.receipt.data["kind"] == "raw":
            return ProviderResult(images=(self._raw(),), warnings=self._warnings())
        spooled = await self._parsed()
        extraction = find_images(
            spooled,
            self.document_call.operation.response,
            self.receipt.data["headers"],
            base_url=str(self.document_call.call.config.api_base),
        )
        if extraction.failed:
            response = self._response(spooled)
            raise job_error(
                classify(response, self.document_call.document.errors, self.document_call.now), response
            )
        if extraction.blocked:
            raise self._blocked(spooled)
        images: list[GeneratedImage] = []
        failures: list[CallError] = []
        for item in extraction.items:
            image = self._image(self._with_seed(item), spooled)
            if isinstance(image, CallError):
                failures.append(image)
            else:
                images.append(image)
        if not images:
            raise self._no_image_error(failures, spooled)
        return ProviderResult(images=tuple(images), failures=tuple(failures), warnings=self._warnings())

    def _with_seed(self, item: ExtractedImage) -> ExtractedImage:
        """Return the item with the seed that was drawn here, unless the provider reports one."""
        seed = self.document_call.drawn_seed
        return item if seed is None else attrs.evolve(item, metadata={"seed": seed, **item.metadata})

    async def _parsed(self) -> SpooledJson:
        async with self.parses:
            with self._open_file() as file:
                return await asyncio.to_thread(parse_spooled, file)

    def _warnings(self) -> tuple[Message, ...]:
        warnings = (
            (upstream_text(self.document_call.operation.warning),)
            if self.document_call.operation.warning
            else ()
        )
        return (*self.document_call.scope().notes, *warnings)

    def _raw(self) -> GeneratedImage:
        spec = self.document_call.operation.response.raw
        headers = self.receipt.data["headers"]
        named = {} if spec is None else spec.meta_headers
        metadata = {name: headers[h.lower()] for name, h in named.items() if h.lower() in headers}

        async def chunks() -> AsyncIterator[bytes]:
            with self._open_file() as file:
                async for block in iterate_in_thread(iter(lambda: file.read(_BLOCK_BYTES), b"")):
                    yield block

        return GeneratedImage(chunks=chunks, metadata=metadata)

    def _image(self, item: ExtractedImage, spooled: SpooledJson) -> GeneratedImage | CallError:
        if item.blocked:
            return CallError(FailureCode.CONTENT_POLICY, ResponseCode.IMAGE_HELD_BACK())
        if item.error_message is not None:
            return self._item_error(item, spooled)
        if item.base64 is not None:
            return self._inline(item.base64, spooled, item.metadata)
        if item.url is not None:
            return self._linked(item, item.url)
        return CallError(FailureCode.BAD_RESPONSE, ResponseCode.ITEM_WITHOUT_IMAGE())

    def _inline(self, text: str, spooled: SpooledJson, metadata: Any) -> GeneratedImage | CallError:
        base64 = spooled.resolve(text)
        length = base64.length if isinstance(base64, SpooledString) else len(base64)
        if length * 3 // 4 > MAX_IMAGE_BYTES + _BLOCK_BYTES:
            return CallError(
                FailureCode.INVALID_IMAGE, ResponseCode.RESPONSE_IMAGE_TOO_LARGE(maximum=MAX_IMAGE_BYTES)
            )
        return GeneratedImage(chunks=lambda: decode_chunks(self._open_file, base64), metadata=metadata)

    def _linked(self, item: ExtractedImage, link: str) -> GeneratedImage | CallError:
        config, document = self.document_call.call.config, self.document_call.document
        try:
            url = absolute_url(link, str(self.receipt.data["url"]))
            check_download(url, document, config)
        except CallError as error:
            return error
        headers = dict(document.download.headers)
        if item.send_auth and same_origin(url, config):
            headers |= Credentials.from_config(config, document.auth).headers
        outbound = self.document_call.sender.outbound
        seconds = max(document.download.timeout_s, config.timeout)
        return GeneratedImage(
            chunks=lambda: outbound.download(
                url, config=config, headers=headers, max_bytes=MAX_IMAGE_BYTES, timeout=seconds
            ),
            metadata=item.metadata,
        )

    def _open_file(self) -> BinaryIO:
        return self.exchange.open_spooled(self.receipt.data["file"])

    def _response(self, spooled: SpooledJson) -> UpstreamResponse:
        data = self.receipt.data
        return UpstreamResponse(
            status=data["status"],
            headers=data["headers"],
            tree=spooled.tree,
            secret=self.document_call.secret,
        )

    def _item_error(self, item: ExtractedImage, spooled: SpooledJson) -> CallError:
        response = self._response(spooled)
        message = item.error_message or ""
        return job_error(
            classify_code(
                response,
                self.document_call.document.errors,
                self.document_call.now,
                code=item.error_code,
                message=message,
            ),
            response,
        )

    def _blocked(self, spooled: SpooledJson) -> CallError:
        classification = classify(
            self._response(spooled), self.document_call.document.errors, self.document_call.now
        )
        reason = shorten(classification.message) or ResponseCode.ALL_IMAGES_HELD_BACK()
        return CallError(FailureCode.CONTENT_POLICY, reason, upstream_code=classification.code)

    def _no_image_error(self, failures: list[CallError], spooled: SpooledJson) -> CallError:
        """Return why there is no image: a refusal if there was one, else the first failure."""
        refusals = (f for f in failures if f.failure.code is FailureCode.CONTENT_POLICY)
        worst = next(refusals, failures[0] if failures else None)
        if worst is not None:
            return worst
        response = self._response(spooled)
        classification = classify(response, self.document_call.document.errors, self.document_call.now)
        if classification.code is not None and classification.matched:
            return job_error(classification, response)
        reason = FailureReason.NO_IMAGE_IN_RESPONSE()
        if classification.message:
            reason = ResponseCode.NO_IMAGE_BECAUSE(reason=shorten(classification.message))
        return CallError(FailureCode.BAD_RESPONSE, reason)
