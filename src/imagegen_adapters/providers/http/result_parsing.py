"""Turns a kept answer into images whose bytes are downloaded or decoded when somebody asks for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.http.classification import UpstreamResponse, classify, job_error, verdict
from imagegen_adapters.providers.http.document_call import DocumentCall
from imagegen_adapters.providers.http.egress import absolute_url, check_download, same_origin
from imagegen_adapters.providers.http.extraction import ExtractedImage, find_images
from imagegen_adapters.providers.http.requests import credentials_of
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
from imagegen_core.ports.provider import Exchange, GeneratedImage, ProviderResult
from imagegen_core.tasks.attempt import Receipt

_BLOCK_BYTES = 256 * 1024


@attrs.frozen(kw_only=True)
class ResultParser:
    """Reads one receipt. ``parses`` bounds how many answers are parsed at once, over all calls."""

    of: DocumentCall
    receipt: Receipt
    exchange: Exchange
    parses: asyncio.Semaphore

    async def parse(self) -> ProviderResult:
        """Return the images.

        Raises:
            CallError: there is none.
        """
        if self.receipt.data["kind"] == "raw":
            return ProviderResult(images=(self._raw(),), warnings=self._warnings())
        spooled = await self._parsed()
        findings = find_images(
            spooled,
            self.of.operation.response,
            self.receipt.data["headers"],
            base_url=str(self.of.call.config.api_base),
        )
        if findings.failed:
            answer = self._answer(spooled)
            raise job_error(classify(answer, self.of.document.errors, self.of.now), answer)
        if findings.blocked:
            raise self._blocked(spooled)
        images: list[GeneratedImage] = []
        failures: list[CallError] = []
        for found in findings.items:
            made = self._image(self._with_seed(found), spooled)
            if isinstance(made, CallError):
                failures.append(made)
            else:
                images.append(made)
        if not images:
            raise self._nothing(failures, spooled)
        return ProviderResult(images=tuple(images), failures=tuple(failures), warnings=self._warnings())

    def _with_seed(self, found: ExtractedImage) -> ExtractedImage:
        """Return the item with the seed that was drawn here, unless the provider tells one."""
        seed = self.of.drawn_seed
        return found if seed is None else attrs.evolve(found, metadata={"seed": seed, **found.metadata})

    async def _parsed(self) -> SpooledJson:
        async with self.parses:
            with self._opened() as file:
                return await asyncio.to_thread(parse_spooled, file)

    def _warnings(self) -> tuple[str, ...]:
        said = (self.of.operation.warning,) if self.of.operation.warning else ()
        return (*self.of.scope().notes, *said)

    def _raw(self) -> GeneratedImage:
        spec = self.of.operation.response.raw
        headers = self.receipt.data["headers"]
        named = {} if spec is None else spec.meta_headers
        metadata = {name: headers[h.lower()] for name, h in named.items() if h.lower() in headers}

        async def chunks() -> AsyncIterator[bytes]:
            with self._opened() as file:
                async for block in iterate_in_thread(iter(lambda: file.read(_BLOCK_BYTES), b"")):
                    yield block

        return GeneratedImage(chunks=chunks, metadata=metadata)

    def _image(self, found: ExtractedImage, spooled: SpooledJson) -> GeneratedImage | CallError:
        if found.blocked:
            return CallError(FailureCode.CONTENT_POLICY, "the provider held this image back")
        if found.error_message is not None:
            return self._item_error(found, spooled)
        if found.base64 is not None:
            return self._inline(found.base64, spooled, found.metadata)
        if found.url is not None:
            return self._linked(found, found.url)
        return CallError(FailureCode.BAD_RESPONSE, "an item of the provider's answer holds no image")

    def _inline(self, text: str, spooled: SpooledJson, metadata: Any) -> GeneratedImage | CallError:
        resolve = spooled.resolve(text)
        length = resolve.length if isinstance(resolve, SpooledString) else len(resolve)
        if length * 3 // 4 > MAX_IMAGE_BYTES + _BLOCK_BYTES:
            return CallError(
                FailureCode.INVALID_IMAGE, f"the provider sent more than {MAX_IMAGE_BYTES} bytes"
            )
        return GeneratedImage(chunks=lambda: decode_chunks(self._opened, resolve), metadata=metadata)

    def _linked(self, found: ExtractedImage, link: str) -> GeneratedImage | CallError:
        config, document = self.of.call.config, self.of.document
        try:
            url = absolute_url(link, str(self.receipt.data["url"]))
            check_download(url, document, config)
        except CallError as error:
            return error
        headers = dict(document.download.headers)
        if found.send_auth and same_origin(url, config):
            headers |= credentials_of(document.auth, config).headers
        outbound = self.of.sender.outbound
        seconds = max(document.download.timeout_s, config.timeout)
        return GeneratedImage(
            chunks=lambda: outbound.download(
                url, config=config, headers=headers, max_bytes=MAX_IMAGE_BYTES, timeout=seconds
            ),
            metadata=found.metadata,
        )

    def _opened(self) -> BinaryIO:
        return self.exchange.open_spooled(self.receipt.data["file"])

    def _answer(self, spooled: SpooledJson) -> UpstreamResponse:
        data = self.receipt.data
        return UpstreamResponse(
            status=data["status"], headers=data["headers"], tree=spooled.tree, secret=self.of.secret
        )

    def _item_error(self, found: ExtractedImage, spooled: SpooledJson) -> CallError:
        answer = self._answer(spooled)
        message = found.error_message or ""
        return job_error(
            verdict(answer, self.of.document.errors, self.of.now, code=found.error_code, message=message),
            answer,
        )

    def _blocked(self, spooled: SpooledJson) -> CallError:
        found = classify(self._answer(spooled), self.of.document.errors, self.of.now)
        message = shorten(found.message) or "the provider held all images back"
        return CallError(FailureCode.CONTENT_POLICY, message, upstream_code=found.code)

    def _nothing(self, failures: list[CallError], spooled: SpooledJson) -> CallError:
        """Return why there is no image: a refusal if there was one, else the first failure."""
        refused = (f for f in failures if f.failure.code is FailureCode.CONTENT_POLICY)
        worst = next(refused, failures[0] if failures else None)
        if worst is not None:
            return worst
        answer = self._answer(spooled)
        found = classify(answer, self.of.document.errors, self.of.now)
        if found.code is not None and found.matched:
            return job_error(found, answer)
        said = f": {shorten(found.message)}" if found.message else ""
        return CallError(FailureCode.BAD_RESPONSE, f"the provider's answer holds no image{said}")
