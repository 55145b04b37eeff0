"""Makes images of a spooled response; their bytes are downloaded or decoded on demand."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.http.access_tokens import NoAccessToken
from imagegen_adapters.providers.http.budgets import Reading
from imagegen_adapters.providers.http.classification import UpstreamResponse, is_failure, job_error
from imagegen_adapters.providers.http.document_call import DocumentCall
from imagegen_adapters.providers.http.egress import absolute_url, check_download, same_origin
from imagegen_adapters.providers.http.image_items import ImageItem, find_images
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.usage import find_usage, usage_of
from imagegen_adapters.providers.long_strings import SpooledString, decode_chunks
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.spooled_json import SpooledJson, parse_spooled, read_blocks, read_spooled
from imagegen_adapters.providers.upstream_messages import shorten
from imagegen_core.costs.reported_usage import ReportedUsage
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.provider import Exchange, GeneratedImage, ProviderResult
from imagegen_core.problems.tasks import FailureReason
from imagegen_core.tasks.attempt import Receipt

_BLOCK_BYTES = 256 * 1024


@attrs.frozen(kw_only=True)
class ResultReader:
    """Reads one receipt. ``parses`` limits how many responses are parsed at once, over all calls."""

    document_call: DocumentCall
    receipt: Receipt
    exchange: Exchange
    parses: asyncio.Semaphore

    async def result(self) -> ProviderResult:
        """Return the images.

        Raises:
            CallError: the response has none.
        """
        if self.receipt.data["kind"] == "raw":
            return ProviderResult(images=(self._raw(),), usage=self._usage(None), warnings=self._warnings())
        spooled = await self._parsed()
        spec, headers = self.document_call.operation.response, self.receipt.data["headers"]
        response = UpstreamResponse(
            status=self.receipt.data["status"],
            headers=headers,
            tree=spooled.tree,
            secret=self.document_call.secret,
            reading=Reading(skipped=self.document_call.skipped),
        )
        if is_failure(response, spec):
            raise job_error(self.document_call.classify(response), response)
        if spec.blocked_if is not None and response.holds(spec.blocked_if):
            raise self._blocked(response)
        base_url = str(self.document_call.call.config.api_base)
        items = find_images(spooled, spec, headers, base_url=base_url, reading=response.reading)
        results = [self._image(item, spooled, response) for item in items]
        images = tuple(each for each in results if isinstance(each, GeneratedImage))
        failures = tuple(each for each in results if isinstance(each, CallError))
        if not images:
            raise self._no_image_error(failures, response)
        return ProviderResult(
            images=images,
            failures=failures,
            usage=self._usage(spooled.tree, response.reading),
            warnings=self._warnings(),
        )

    async def _parsed(self) -> SpooledJson:
        async with self.parses:
            return await read_spooled(self._open_file, parse_spooled)

    def _usage(self, tree: Any, reading: Reading | None = None) -> ReportedUsage | None:
        """Return what this response says of the charge, or else that to the submission."""
        spec = self.document_call.operation.response.usage
        values = find_usage(spec, tree, self.receipt.data["headers"], reading)
        return usage_of(spec, values, self.receipt.data.get("usage", {}))

    def _warnings(self) -> tuple[Message, ...]:
        warning = self.document_call.operation.warning
        skipped = self.document_call.skipped_data(self.receipt.data).get("skipped", ())
        return (
            *self.document_call.scope(templates=()).notes,
            *([upstream_text(warning)] if warning else ()),
            *(DocumentCode.EXPRESSION_SKIPPED(expression=text) for text in skipped),
        )

    def _raw(self) -> GeneratedImage:
        spec = self.document_call.operation.response.raw
        headers = self.receipt.data["headers"]
        named = {} if spec is None else spec.meta_headers
        metadata = {name: headers[h.lower()] for name, h in named.items() if h.lower() in headers}
        return GeneratedImage(chunks=lambda: read_blocks(self._open_file), metadata=metadata)

    def _image(
        self, item: ImageItem, spooled: SpooledJson, response: UpstreamResponse
    ) -> GeneratedImage | CallError:
        if item.error is not None:
            return item.error
        if item.blocked:
            return CallError(FailureCode.CONTENT_POLICY, ResponseCode.IMAGE_HELD_BACK())
        if item.error_message is not None:
            code, message = item.error_code, item.error_message
            return job_error(self.document_call.classify_code(response, code, message), response)
        # The seed that was drawn here, unless the provider reports one.
        seed = self.document_call.drawn_seed
        metadata = item.metadata if seed is None else {"seed": seed, **item.metadata}
        if item.base64 is not None:
            return self._inline(spooled.resolve(item.base64), metadata)
        if item.url is not None:
            return self._linked(item.url, metadata, send_auth=item.send_auth)
        return CallError(FailureCode.BAD_RESPONSE, ResponseCode.ITEM_WITHOUT_IMAGE())

    def _inline(self, base64: str | SpooledString, metadata: Mapping[str, Any]) -> GeneratedImage | CallError:
        length = base64.length if isinstance(base64, SpooledString) else len(base64)
        if length * 3 // 4 > MAX_IMAGE_BYTES + _BLOCK_BYTES:
            reason = ResponseCode.RESPONSE_IMAGE_TOO_LARGE(maximum=MAX_IMAGE_BYTES)
            return CallError(FailureCode.INVALID_IMAGE, reason)
        return GeneratedImage(chunks=lambda: decode_chunks(self._open_file, base64), metadata=metadata)

    def _linked(
        self, link: str, metadata: Mapping[str, Any], *, send_auth: bool
    ) -> GeneratedImage | CallError:
        config, document = self.document_call.call.config, self.document_call.document
        try:
            url = absolute_url(link, str(self.receipt.data["url"]))
            check_download(url, document, config)
        except CallError as error:
            return error
        with_key = send_auth and same_origin(url, config)
        return GeneratedImage(chunks=lambda: self._download(url, with_key=with_key), metadata=metadata)

    async def _download(self, url: str, *, with_key: bool) -> AsyncIterator[bytes]:
        config, document = self.document_call.call.config, self.document_call.document
        sender, headers = self.document_call.sender, dict(document.download.headers)
        try:
            if with_key:
                headers |= (await sender.credentials())[0].headers
        except NoAccessToken as error:
            reason = error.failure.reason
            raise CallError(FailureCode.DOWNLOAD_FAILED, reason, is_transient=True) from error
        seconds = max(document.download.timeout_s, config.timeout)
        chunks = sender.outbound.download(
            url, config=config, headers=headers, max_bytes=MAX_IMAGE_BYTES, timeout=seconds
        )
        async for chunk in chunks:
            yield chunk

    def _open_file(self) -> BinaryIO:
        return self.exchange.open_spooled(self.receipt.data["file"])

    def _blocked(self, response: UpstreamResponse) -> CallError:
        classification = self.document_call.classify(response)
        reason = shorten(classification.message) or ResponseCode.ALL_IMAGES_HELD_BACK()
        return CallError(FailureCode.CONTENT_POLICY, reason, upstream_code=classification.code)

    def _no_image_error(self, failures: tuple[CallError, ...], response: UpstreamResponse) -> CallError:
        """Return why there is no image: a refusal if there was one, else the first failure."""
        refusals = (f for f in failures if f.failure.code is FailureCode.CONTENT_POLICY)
        worst = next(refusals, failures[0] if failures else None)
        if worst is not None:
            return worst
        classification = self.document_call.classify(response)
        if classification.code is not None and classification.matched:
            return job_error(classification, response)
        reason = FailureReason.NO_IMAGE_IN_RESPONSE()
        if classification.message:
            reason = ResponseCode.NO_IMAGE_BECAUSE(reason=shorten(classification.message))
        return CallError(FailureCode.BAD_RESPONSE, reason)
