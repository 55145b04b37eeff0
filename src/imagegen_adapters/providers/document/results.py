"""Makes images of a spooled response, their bytes read on demand, and shows partial ones of a stream."""

import asyncio
import io
import re
from collections import ChainMap
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

import attrs

from imagegen_adapters.providers.common.calls import ResponseCode
from imagegen_adapters.providers.common.json_files import (
    SpooledJson,
    SpooledString,
    bad_response,
    decode_base64,
    decode_chunks,
    parse_spooled,
    part_of,
    read_blocks,
    read_spooled,
    read_string,
)
from imagegen_adapters.providers.document.calls import MAX_URL_CHARS, DocumentCall
from imagegen_adapters.providers.document.credentials import NoAccessToken
from imagegen_adapters.providers.document.expressions import (
    Budget,
    DocumentCode,
    Expression,
    OverBudget,
    UpstreamResponse,
)
from imagegen_adapters.providers.document.operations import (
    ErrorPaths,
    ImageRule,
    ResponseSpec,
    StreamSpec,
    UsageSpec,
)
from imagegen_adapters.providers.document.responses import (
    RESPONSE_FILE,
    PartialResponse,
    parse_response,
    read_events,
    read_start,
)
from imagegen_adapters.providers.document.schema import absolute_url, check_download, same_origin
from imagegen_core.attempt import Receipt
from imagegen_core.costs import ReportedUsage
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES
from imagegen_core.messages import FailureReason, upstream_text
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.provider import Exchange, GeneratedImage, ProviderResult
from imagegen_core.values import ByteBudget

MAX_BUFFERED_BYTES = 32 * 1024 * 1024  # of partial images, over all calls; more are dropped
_MAX_PARTIAL_EVENT_BYTES = MAX_PARTIAL_IMAGE_BYTES * 4 // 3 + 64 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_MAX_IMAGES = 64
_MAX_METADATA_CHARS = 32 * 1024  # of all images together, and as much again of each
_MAX_ZIPPED_FIELDS = 10_000
_MAX_NUMBER_BITS = 64
_BLOCK_BYTES = 256 * 1024
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")
_NUMBER = re.compile(r"[0-9][0-9.eE+-]{0,38}")


@attrs.frozen
class ResultReader:
    """Reads one receipt. ``parses`` limits how many responses are parsed at once, over all calls."""

    call: DocumentCall
    receipt: Receipt
    exchange: Exchange
    parses: asyncio.Semaphore

    async def result(self) -> ProviderResult:
        """Return the images; it is an error if the response has none."""
        call, spec, data = self.call, self.call.operation.response, self.receipt.data
        headers = data["headers"]
        response = UpstreamResponse(
            status=data["status"], headers=headers, secret=call.secret, skipped=call.skipped
        )
        if data["kind"] == "raw":
            places = {} if spec.raw is None else spec.raw.meta_headers
            metadata = {name: headers[h.lower()] for name, h in places.items() if h.lower() in headers}
            image = GeneratedImage(chunks=lambda: read_blocks(self._open_file), metadata=metadata)
            return self._result([image], [], response)
        async with self.parses:
            spooled = await read_spooled(self._open_file, parse_spooled)
        response = attrs.evolve(response, tree=part_of(spooled.tree, data.get("inside", ())))
        if response.holds(spec.fail_if):
            raise call.classify(response).job_error()
        if response.holds(spec.blocked_if):
            classification = call.classify(response)
            reason = classification.text or ResponseCode.ALL_IMAGES_HELD_BACK()
            raise CallError(FailureCode.CONTENT_POLICY, reason, upstream_code=classification.code)
        images, failures = [], []
        for item in find_images(response, spec, str(call.config.api_base)):
            try:
                images.append(self._image(item, spooled, response))
            except CallError as error:
                failures.append(error)
        result = self._result(images, failures, response)
        if not images:
            raise self._no_image_error(failures, response)
        return result

    def _result(
        self, images: Sequence[GeneratedImage], failures: Sequence[CallError], response: UpstreamResponse
    ) -> ProviderResult:
        """Return the result; what this response says of the charge counts before what the submit's said."""
        operation, data = self.call.operation, self.receipt.data
        spec = operation.response.usage
        usage = usage_of(spec, find_usage(spec, response), data.get("usage", {}))
        skipped = self.call.skipped_data(data).get("skipped", ())
        return ProviderResult(
            images=tuple(images),
            failures=tuple(failures),
            usage=usage,
            warnings=(
                *self.call.notes,
                *([upstream_text(operation.warning)] if operation.warning else ()),
                *(DocumentCode.EXPRESSION_SKIPPED(expression=text) for text in skipped),
            ),
        )

    def _image(self, item: "ImageItem", spooled: SpooledJson, response: UpstreamResponse) -> GeneratedImage:
        if item.error is not None:
            raise item.error
        if item.error_message is not None:
            raise self.call.classify(response, item.error_code, item.error_message).job_error()
        # The seed that was drawn here, unless the provider reports one.
        seed = self.call.drawn_seed
        metadata: dict[str, Any] = {} if seed is None else {"seed": seed}
        for name, value in item.metadata.items():
            metadata[name] = spooled.display_text(value) if isinstance(value, str) else value
        if item.url is not None:
            url = absolute_url(item.url, str(self.receipt.data["url"]))
            check_download(url, self.call.document, self.call.config)
            return GeneratedImage(
                chunks=lambda: self._download(url, with_key=item.send_auth), metadata=metadata, url=url
            )
        if item.base64 is None:
            raise bad_response(ResponseCode.ITEM_WITHOUT_IMAGE())
        base64 = spooled.resolve(item.base64)
        length = base64.length if isinstance(base64, SpooledString) else len(base64)
        if length * 3 // 4 > MAX_IMAGE_BYTES + _BLOCK_BYTES:
            reason = ResponseCode.RESPONSE_IMAGE_TOO_LARGE(maximum=MAX_IMAGE_BYTES)
            raise CallError(FailureCode.INVALID_IMAGE, reason)
        return GeneratedImage(chunks=lambda: decode_chunks(self._open_file, base64), metadata=metadata)

    async def _download(self, url: str, *, with_key: bool) -> AsyncIterator[bytes]:
        call, config, download = self.call, self.call.config, self.call.document.download
        headers = dict(download.headers)
        try:
            if with_key and same_origin(url, config):
                headers |= (await call.credentials())[0]
        except NoAccessToken as error:
            raise CallError(FailureCode.DOWNLOAD_FAILED, error.failure.reason, is_transient=True) from error
        timeout = max(download.timeout_s, config.timeout)
        chunks = call.outbound.download(
            url, config=config, headers=headers, max_bytes=MAX_IMAGE_BYTES, timeout=timeout
        )
        async for chunk in chunks:
            yield chunk

    def _open_file(self) -> BinaryIO:
        return self.exchange.open_spooled(self.receipt.data["file"])

    def _no_image_error(self, failures: Sequence[CallError], response: UpstreamResponse) -> CallError:
        """Return why there is no image: a refusal if there was one, else the first failure."""
        refusals = (f for f in failures if f.failure.code is FailureCode.CONTENT_POLICY)
        if failures:
            return next(refusals, failures[0])
        classification = self.call.classify(response)
        if classification.code is not None and classification.matched:
            return classification.job_error()
        reason = FailureReason.NO_IMAGE_IN_RESPONSE()
        if text := classification.text:
            reason = ResponseCode.NO_IMAGE_BECAUSE(reason=text)
        return bad_response(reason)


# Where the images are


@attrs.frozen(kw_only=True)
class ImageItem:
    """One item of a response: where its image is, or why there is none; neither if it is empty."""

    url: str | None = None
    base64: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    send_auth: bool = False
    error: CallError | None = None  # held back by the provider, or unreadable for the expressions
    metadata: Mapping[str, Any] = attrs.field(factory=dict)


def find_images(response: UpstreamResponse, spec: ResponseSpec, base_url: str) -> tuple[ImageItem, ...]:
    """Return the items in order, by the first rule that selects any, else the error of an unreadable one."""
    failure, finder = None, _Finder(response, base_url)
    finder.meta = finder.metadata(spec.meta, response.tree)
    for rule in spec.images:
        try:
            if items := tuple(finder.items(rule)):
                return items
        except CallError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return ()


@attrs.define
class _Finder:
    """Reads one response; ``meta`` is what it says of all its images."""

    response: UpstreamResponse
    base_url: str
    meta: Mapping[str, Any] = attrs.field(factory=dict)

    def items(self, rule: ImageRule) -> Iterator[ImageItem]:
        value = self.response.find(rule.select, optional=False)
        items = value if isinstance(value, list) else [value]
        for item in self._zipped(rule, [item for item in items if item is not None][:_MAX_IMAGES]):
            try:
                yield self._item(rule, item)
            except CallError as error:
                yield ImageItem(error=error)

    def metadata(self, expressions: Mapping[str, Expression | None], item: Any) -> dict[str, Any]:
        """Return the values that the expressions find, as far as there is room."""
        room, metadata = Budget(chars=_MAX_METADATA_CHARS), {}
        for name, expression in expressions.items():
            value = self.response.find(expression, item)
            if expression is None or value is None:
                continue
            rest = attrs.evolve(room)
            try:
                rest.spend_tree(value)
            except OverBudget:
                self.response.skipped[expression.text] = None
            else:
                room, metadata[name] = rest, value
        return metadata

    def _zipped(self, rule: ImageRule, items: list[Any]) -> Iterator[Any]:
        """Merge parallel arrays into the items; an item that is not an object becomes its ``value``."""
        columns = {name: self.response.find(each) for name, each in rule.zip.items()}
        arrays = {name: column for name, column in columns.items() if isinstance(column, list)}
        fields = sum(len(item) for item in items if isinstance(item, dict)) if arrays else 0
        if fields > _MAX_ZIPPED_FIELDS:
            raise rule.select.failure(OverBudget())
        for position, item in enumerate(items):
            extra = {n: column[position] for n, column in arrays.items() if position < len(column)}
            yield {**(item if isinstance(item, dict) else {"value": item}), **extra} if extra else item

    def _item(self, rule: ImageRule, item: Any) -> ImageItem:
        if self.response.holds(rule.blocked_if, item):
            return ImageItem(error=CallError(FailureCode.CONTENT_POLICY, ResponseCode.IMAGE_HELD_BACK()))
        url = self._text(item, rule.url) or self._from_template(rule, item)
        inline = self._text(item, rule.base64) or self._text(item, rule.data_uri)
        url_or_base64 = self._text(item, rule.auto)
        if url_or_base64 is not None and url_or_base64.startswith(("http://", "https://")):
            url = url or url_or_base64
        else:
            inline = inline or url_or_base64
        if url is not None and url.startswith("data:"):
            url, inline = None, url
        if url is None and inline is None:
            paths = rule.item_error or ErrorPaths()
            code, message = self._text(item, paths.code), self._text(item, paths.message)
            return ImageItem(error_code=code, error_message=message or code)
        details = {"seed": rule.seed, "revised_prompt": rule.revised_prompt}
        metadata = {**self.meta, **self.metadata(details, item)}
        url = url if inline is None else None
        return ImageItem(url=url, base64=inline, send_auth=rule.send_auth, metadata=metadata)

    def _text(self, item: Any, expression: Expression | None) -> str | None:
        return self.response.text_at(expression, item, optional=False) or None

    def _from_template(self, rule: ImageRule, item: Any) -> str | None:
        if rule.url_template is None or not isinstance(item, dict):
            return None
        url = rule.url_template.replace("${base_url}", self.base_url)
        values = {name: item.get(name) for name in _FIELD.findall(url)}
        texts = {n: str(v or "") for n, v in values.items() if v is None or isinstance(v, str | int | float)}
        if len(texts) < len(values) or sum(map(len, texts.values())) > MAX_URL_CHARS:
            raise bad_response(ResponseCode.RESPONSE_ADDRESS_MALFORMED())
        return _FIELD.sub(lambda match: quote(texts[match[1]], safe=""), url)


# Streams of events: partial images are shown, and the data of the event with the final one is spooled. That
# may be an image of megabytes, so it is passed on in pieces.

Role = Literal["partial", "completed", "failed", "other"]  # of an event


@attrs.frozen
class StreamedResponse:
    """One response of server-sent events."""

    call: DocumentCall
    spec: StreamSpec
    start: PartialResponse
    exchange: Exchange
    buffers: ByteBudget  # memory of partial images, over all calls

    async def receive(self) -> None:
        """Show partial images, and spool the completing event. Every other end leaves the charge unknown."""
        partial_count = 0
        async with aclosing(read_events(self._limited())) as events:
            async for event in events:
                role, data, is_spooled = self._role(event.own_name), joined(event.head, event.rest), False
                if role is None and event.is_complete:
                    role = await asyncio.to_thread(self._role_of_content, io.BytesIO(event.head))
                elif role is None:  # its type may come after its image
                    await self._spool(data)
                    role = await read_spooled(self._open_file, self._role_of_content)
                    data, is_spooled = read_blocks(self._open_file), True
                if role == "partial":
                    if partial_count < MAX_PARTIAL_IMAGES:
                        await self._show(data, partial_count)
                    partial_count += 1
                elif role == "completed":
                    if not is_spooled:
                        await self._spool(data)
                    return
                elif role == "failed":
                    raise await self._error(data, has_begun=partial_count > 0)
        reason = ResponseCode.STREAM_WITHOUT_IMAGE()
        raise CallError(FailureCode.BAD_RESPONSE, reason, upstream_status=self.start.status)

    async def _limited(self) -> AsyncIterator[bytes]:
        """Yield the body, as long as a response and its partial images may be together."""
        maximum, size = 2 * self.call.document.egress.max_json_bytes, 0
        async for chunk in joined(self.start.head, self.start.rest):
            size += len(chunk)
            if size > maximum:
                raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=maximum))
            yield chunk

    async def _spool(self, data: AsyncIterator[bytes]) -> None:
        await self.exchange.spool(RESPONSE_FILE, data, max_bytes=self.call.document.egress.max_json_bytes)

    def _open_file(self) -> BinaryIO:
        return self.exchange.open_spooled(RESPONSE_FILE)

    def _role(self, name: str) -> Role | None:
        """Return what an event of this name is; None if it has none."""
        roles: dict[str, Role] = {
            **dict.fromkeys(self.spec.failed, "failed"),
            **dict.fromkeys(self.spec.completed, "completed"),
            **dict.fromkeys(self.spec.partial.events, "partial"),
        }
        return roles.get(name, "other" if name else None)

    def _role_of_content(self, file: BinaryIO) -> Role:
        """Return an event's role by its data: by its ``type``, else by an image or an error in it."""
        errors, spec = self.call.document.errors, self.call.operation.response
        try:
            tree = parse_spooled(file).tree
            kind = tree.get("type") if isinstance(tree, dict) else None
            if isinstance(kind, str) and kind:
                return self._role(kind) or "other"
            response = UpstreamResponse(status=self.start.status, headers={}, tree=tree)
            if any(item.base64 or item.url for item in find_images(response, spec, "")):
                return "completed"
        except CallError:
            return "other"
        return "failed" if any(response.text_at(each) for each in (errors.code, errors.message)) else "other"

    async def _show(self, data: AsyncIterator[bytes], position: int) -> None:
        """Show the partial image of an event, if it has one and there is room for it."""
        buffer, size = io.BytesIO(), 0
        try:
            async for piece in data:
                if size + len(piece) > _MAX_PARTIAL_EVENT_BYTES or not self.buffers.take(len(piece)):
                    return
                size += len(piece)
                buffer.write(piece)
            partial = await asyncio.to_thread(self._partial_image, buffer, position)
            if partial is not None:
                self.exchange.partial_image(*partial)
        finally:
            self.buffers.give_back(size)

    def _partial_image(self, file: BinaryIO, position: int) -> tuple[int, bytes] | None:
        """Return the number of a partial image and its bytes; None if there is none to be decoded."""
        spec = self.spec.partial
        file.seek(0)
        try:
            parsed = parse_spooled(file)
            response = UpstreamResponse(status=self.start.status, headers={}, tree=parsed.tree)
            text = response.text_at(spec.base64)
            if text is None:
                return None
            string = parsed.resolve(text)
            blocks = [string.encode()] if isinstance(string, str) else read_string(file, string)
            content = b"".join(decode_base64(blocks))
        except CallError:
            return None
        index = response.find(spec.index)
        return index if isinstance(index, int) else position, content

    async def _error(self, data: AsyncIterator[bytes], *, has_begun: bool) -> CallError:
        text, _ = await read_start(data, _MAX_ERROR_BYTES)
        status, headers = self.start.status, self.start.headers
        response = parse_response(status, headers, text[:_MAX_ERROR_BYTES], self.call.secret)
        return self.call.classify(response).stream_error(has_begun=has_begun)


# What the call cost, by the response to the submit or by the one with the images


def find_usage(spec: UsageSpec | None, response: UpstreamResponse) -> dict[str, Any]:
    """Return the numbers that the expressions find, or their digits, fit to be stored."""
    if spec is None:
        return {}
    expressions = {**{str(kind): each for kind, each in spec.tokens.items()}, "amount": spec.amount}
    values = {name: response.find(expression) for name, expression in expressions.items()}
    return {name: value for name, value in values.items() if _may_be_number(value)}


def usage_of(spec: UsageSpec | None, *values: Mapping[str, Any]) -> ReportedUsage | None:
    """Return what the provider says; of several values of one name, the first counts."""
    merged = ChainMap(*map(dict, values))
    if spec is None or not merged:
        return None
    return ReportedUsage.from_values(
        merged.get("amount"),
        currency=spec.currency,
        unit=Decimal(str(spec.unit)),
        tokens={kind: merged.get(kind.value) for kind in spec.tokens},
    )


def _may_be_number(value: Any) -> bool:
    """Return whether it looks like a number: a key that the provider repeats must not be stored."""
    if isinstance(value, int) and (isinstance(value, bool) or value.bit_length() > _MAX_NUMBER_BITS):
        return False
    return isinstance(value, str | int | float) and _NUMBER.fullmatch(str(value)) is not None
